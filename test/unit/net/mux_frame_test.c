/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, limits, and frames that are none. */
#include "net/mux.h"

#include "test/unit/net/side.h"

/* ---- batches ---- */

static void what_is_sent_together_leaves_together(void)
{
    Side a, b;
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    mux_cork(a.mux);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR("h1"));
    MuxChannel *two = must_open(&a, STR("p"), STR("2"), STR("h2"));
    must_send(one, 0, "a");
    must_send(one, 1, "");
    must_send(two, 2, "b");
    must_send(one, 3, "c");
    mux_cork(a.mux);
    CHECK(mux_uncork(a.mux, &err) && a.frames == 0);
    CHECK(mux_uncork(a.mux, &err) && a.frames == 1);
    settle(&a, &b);
    CHECK(b.frames == 1); /* and the answers with it */
    CHECK(has_said(&b, "open(h1) open(h2) 0:a 1: 2:b 3:c ") && has_said(&a, "open(yes) open(yes) "));
    side_end(&a);
    side_end(&b);
}

/* With a channel open, and nothing to be sent. */
static MuxChannel *begin_alone(Side *side)
{
    side_begin(side, MUX_REJECT, 0);
    MuxChannel *channel = must_open(side, STR("p"), STR("1"), STR(""));
    buf_reset(&side->out);
    mux_cork(side->mux);
    return channel;
}

static void one_message_alone_needs_no_batch(void)
{
    Side a;
    MuxChannel *one = begin_alone(&a);
    Err err = {0};

    must_send(one, 5, "hello");
    CHECK(mux_uncork(a.mux, &err));
    CHECK(str_eq(buf_str(&a.out), (Str){"\x07\x01\x05hello", 8}));
    mux_cork(a.mux);
    CHECK(mux_uncork(a.mux, &err) && a.out.len == 8);
    side_end(&a);
}

static void a_batch_is_as_npm_makes_it(void)
{
    Side a;
    MuxChannel *one = begin_alone(&a);
    Err err = {0};

    must_send(one, 0, "\x0f\x01\x46\x02");
    must_send(one, 8, "\x03\x04\x0a");
    CHECK(mux_uncork(a.mux, &err));
    CHECK(str_eq(buf_str(&a.out), (Str){"\x0e\0\0\x01\x05\0\x0f\x01\x46\x02\x04\x08\x03\x04\x0a", 15}));
    side_end(&a);
}

static void long_messages_go_alone_and_in_order(void)
{
    Side a, b;
    Err err = {0};
    BUF_SCOPE(big);
    static const size_t sizes[] = {5, MUX_BATCH_MAX - 31, 100, MUX_BATCH_MAX, WIRE_FRAME_MAX - 2, 7};

    memset(buf_reserve(&big, WIRE_FRAME_MAX), 'x', WIRE_FRAME_MAX);
    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR(""));
    settle(&a, &b);
    buf_reset(&b.said);
    mux_cork(a.mux);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        CHECK(mux_send(one, i, (Str){big.ptr, sizes[i]}, &err));
    CHECK(mux_uncork(a.mux, &err));
    settle(&a, &b);
    Str rest = buf_str(&b.said);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        Str word;

        rest = str_cut(rest, ' ', &word);
        CHECK(word.len == sizes[i] + 2 && word.ptr[0] == (char)('0' + i));
    }
    CHECK(rest.len == 0);
    side_end(&a);
    side_end(&b);
}

static void many_messages_make_several_batches(void)
{
    enum { MESSAGES = 3000, BYTES = 1000, LEAST = MESSAGES * BYTES / MUX_BATCH_MAX };
    static char bytes[BYTES];
    Side a, b;
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR(""));
    a.frames = 0;
    memset(bytes, 'x', sizeof bytes);
    mux_cork(a.mux);
    for (int i = 0; i < MESSAGES; i++)
        CHECK(mux_send(one, 1, (Str){bytes, sizeof bytes}, &err));
    CHECK(mux_uncork(a.mux, &err));
    CHECK(a.frames > LEAST && a.frames <= LEAST + LEAST / 8 && a.out.len < (size_t)MESSAGES * (BYTES + 8));
    settle(&a, &b);
    CHECK(b.said.len > MESSAGES * (size_t)BYTES);
    side_end(&a);
    side_end(&b);
}

/* ---- limits, and peers that do not keep to the protocol ---- */

static void more_channels_than_the_limit_are_rejected(void)
{
    Side a, b;
    Err err = {0};
    MuxChannel *channel;

    side_begin(&a, MUX_REJECT, 100);
    side_begin(&b, MUX_OPENED, 10);
    for (int i = 0; i < 100; i++) {
        char id[8];

        (void)snprintf(id, sizeof id, "%d", i);
        (void)must_open(&a, STR("p"), str_from_z(id), STR(""));
    }
    CHECK(!mux_open(a.mux, STR("p"), STR("more"), STR(""), &handlers, &a, &channel, &err) &&
          err.code == ERR_LIMIT);
    settle(&a, &b);
    CHECK(b.offers == 10);
    buf_reset(&a.said);
    must_close(mux_find(a.mux, STR("p"), STR("3")));
    (void)must_open(&a, STR("p"), STR("late"), STR(""));
    settle(&a, &b);
    CHECK(b.offers == 11 && has_said(&a, "end(0) open(yes) "));
    side_end(&a);
    side_end(&b);
}

static void a_channel_is_open_once(void)
{
    Side a, b;
    Err err = {0};
    MuxChannel *channel = NULL;

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    (void)must_open(&a, STR("p"), STR("1"), STR(""));
    CHECK(!mux_open(a.mux, STR("p"), STR("1"), STR(""), &handlers, &a, &channel, &err) &&
          err.code == ERR_CONFLICT);
    settle(&a, &b);
    CHECK(mux_take(b.mux,
                   (Str){"\0\x01\x02\x01p\x01"
                         "1",
                         7},
                   &err));
    CHECK(b.offers == 1 &&
          str_eq(buf_str(&b.out), (Str){"\x03\0\x02\x02", 4})); /* a second one is rejected */
    side_end(&a);
    side_end(&b);
}

static void names_that_are_too_long_are_rejected(void)
{
    char name[MUX_NAME_MAX + 1];
    Side a, b;
    Err err = {0};
    MuxChannel *channel;
    BUF_SCOPE(frame);

    memset(name, 'n', sizeof name);
    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    CHECK(!mux_open(a.mux, (Str){name, sizeof name}, STR(""), STR(""), &handlers, &a, &channel, &err) &&
          err.code == ERR_LIMIT);
    CHECK(!mux_open(a.mux, STR(""), (Str){name, sizeof name}, STR(""), &handlers, &a, &channel, &err));
    (void)must_open(&a, (Str){name, MUX_NAME_MAX}, (Str){name, MUX_NAME_MAX}, STR(""));
    settle(&a, &b);
    CHECK(has_said(&a, "open(yes) "));
    buf_put(&frame, (Str){"\0\x01\x02\x01p", 5});
    compact_put_buffer(&frame, (Str){name, sizeof name});
    CHECK(mux_take(b.mux, buf_str(&frame), &err) && b.offers == 1 && b.out.len == 4);
    side_end(&a);
    side_end(&b);
}

static void what_waits_for_a_decision_is_bounded(void)
{
    Side a, b;
    Err err = {0};
    BUF_SCOPE(big);

    memset(buf_reserve(&big, 1 << 20), 'x', 1 << 20);
    big.len = 1 << 20;
    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_LATER, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR(""));
    settle(&a, &b);
    CHECK(!mux_is_full(b.mux));
    bool good = true;
    size_t sent = 0;
    while (good && sent < 2 * (size_t)MUX_PENDING_MAX) {
        CHECK(mux_send(one, 1, buf_str(&big), &err));
        sent += big.len;
        good = carry_err(&a, &b, &err);
        CHECK(mux_is_full(b.mux));
    }
    CHECK(!good && err.code == ERR_LIMIT && sent > MUX_PENDING_MAX - 2 * big.len &&
          sent < MUX_PENDING_MAX + 2 * big.len);
    err = (Err){0};
    CHECK(mux_reject(b.mux, STR("p"), STR("1"), &err) && !mux_is_full(b.mux));
    side_end(&a);
    side_end(&b);
}

static void handshakes_that_wait_are_bounded_too(void)
{
    enum { BYTES = 6 * 1024 * 1024 };
    Side b;
    Err err = {0};
    bool good = true;
    int id = 0;

    side_begin(&b, MUX_LATER, 0);
    while (good && id < 10) {
        BUF_SCOPE(frame);
        char open[] = {0, 1, (char)++id, 1, 'p', 1, (char)('0' + id)};

        buf_put(&frame, (Str){open, sizeof open});
        memset(buf_reserve(&frame, BYTES), 'h', BYTES);
        frame.len += BYTES;
        good = mux_take(b.mux, buf_str(&frame), &err);
    }
    CHECK(!good && id == 3 && b.offers == 2 && err.code == ERR_LIMIT);
    side_end(&b);
}

static bool fail_to_send(void *ctx, Str frame, Err *err)
{
    (void)ctx, (void)frame;
    return err_set(err, ERR_IO, "the line is down");
}

static void a_line_that_fails_is_told_to_whoever_sends(void)
{
    Side a = {0};
    Err err = {0};
    MuxChannel *channel = NULL;

    a.mux = mux_new(&(MuxOptions){.send = fail_to_send, .ctx = &a});
    CHECK(!mux_open(a.mux, STR("p"), STR("1"), STR(""), &handlers, &a, &channel, &err) && err.code == ERR_IO);
    CHECK(!mux_find(a.mux, STR("p"), STR("1")) && !channel);
    mux_cork(a.mux);
    CHECK(mux_open(a.mux, STR("p"), STR("1"), STR(""), &handlers, &a, &channel, &err));
    err = (Err){0};
    CHECK(!mux_uncork(a.mux, &err) && err.code == ERR_IO);
    err = (Err){0};
    CHECK(!mux_send(channel, 1, STR("x"), &err) && err.code == ERR_IO);
    err = (Err){0};
    CHECK(!mux_take(a.mux, (Str){"\0\x01\x01\x01q\0", 6}, &err) && err.code == ERR_IO); /* its reject */
    err = (Err){0};
    CHECK(!mux_close(channel, &err) && err.code == ERR_IO && has_said(&a, "end(0) "));
    side_end(&a);
}

static void frames_that_are_none_end_the_connection(void)
{
    const Str frames[] = {
        {"\xfd", 1},                 /* no channel */
        {"\0", 1},                   /* no type */
        {"\0\0", 2},                 /* a batch for nobody */
        {"\0\0\x01\x05\0", 5},       /* a batch that is cut short */
        {"\0\0\x01\0", 4},           /* no next channel */
        {"\0\0\0\x03\0\x01\x01", 7}, /* a batch in a batch */
        {"\0\x01", 2},               /* an open of nothing */
        {"\0\x01\0\x01p\0", 6},      /* with id 0 */
        {"\0\x01\x03\x01p\0", 6},    /* an id that is not the next */
        {"\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01p\0", 14},
        {"\0\x01\x01\x01p\0", 6}, /* an id that is open */
        {"\0\x01\x02\x09p\0", 6}, /* a name that is cut short */
        {"\0\x02\x01", 3},        /* a reject of what is open */
        {"\0\x02\x09", 3},        /* and of what never was */
        {"\0\x02", 2},
        {"\0\x03", 2},
        {"\x01", 1}, /* a message without a type */
    };

    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        Side b;
        Err err = {0};

        side_begin(&b, MUX_OPENED, 0);
        CHECK(mux_take(b.mux, (Str){"\0\x01\x01\x01q\0", 6}, &err));
        CHECK(!mux_take(b.mux, frames[i], &err) && err.code == ERR_CORRUPT && err.text[0]);
        side_end(&b);
    }
}

static void ids_grow_to_their_limit(void)
{
    Side b;
    Err err = {0};
    bool good = true;
    uint64_t id = 0;

    side_begin(&b, MUX_REJECT, 0);
    while (good && id < 2 * (uint64_t)MUX_IDS_MAX) {
        BUF_SCOPE(frame);

        buf_put(&frame, (Str){"\0\x01", 2});
        compact_put_uint(&frame, ++id);
        buf_put(&frame, (Str){"\x01p\0", 3});
        good = mux_take(b.mux, buf_str(&frame), &err);
    }
    CHECK(!good && id == MUX_IDS_MAX + 1 && err.code == ERR_LIMIT);
    side_end(&b);
}

static void what_nobody_knows_is_passed_over(void)
{
    const Str frames[] = {
        {"\0\x63\x01", 3}, /* a control message of a later version */
        {"\0\x03\x09", 3}, /* the close of what is closed */
        {"\0\x03\0", 3},
        {"\x09\x01\x01", 3}, /* a message to it */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
        {"\0\0\x01", 3}, /* an empty batch */
        {"", 0},
    };
    Side b;
    Err err = {0};

    side_begin(&b, MUX_OPENED, 0);
    for (size_t i = 0; i < COUNT_OF(frames); i++)
        CHECK(mux_take(b.mux, frames[i], &err));
    CHECK(b.out.len == 0 && b.offers == 0);
    side_end(&b);
}

int main(void)
{
    RUN(what_is_sent_together_leaves_together);
    RUN(one_message_alone_needs_no_batch);
    RUN(a_batch_is_as_npm_makes_it);
    RUN(long_messages_go_alone_and_in_order);
    RUN(many_messages_make_several_batches);
    RUN(more_channels_than_the_limit_are_rejected);
    RUN(a_channel_is_open_once);
    RUN(names_that_are_too_long_are_rejected);
    RUN(what_waits_for_a_decision_is_bounded);
    RUN(handshakes_that_wait_are_bounded_too);
    RUN(a_line_that_fails_is_told_to_whoever_sends);
    RUN(frames_that_are_none_end_the_connection);
    RUN(ids_grow_to_their_limit);
    RUN(what_nobody_knows_is_passed_over);
    DONE();
}
