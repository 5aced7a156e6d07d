/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mux.h"

#include "net/compact.h"
#include "test/unit/net/traces.h"

/* ---- a side with a mux, and what happened there ---- */

typedef struct Side {
    Mux *mux;
    Buf said;              /* "open(hello) 3:text end(1) ", and so on */
    Buf out;               /* uint length, frame */
    int frames, offers;    /* sent; made */
    MuxAnswer answer;      /* to offers */
    Str answer_with;       /* the handshake of MUX_OPENED */
    MuxChannel *opened;    /* with the last such answer */
    bool close_on_message; /* whatever comes first */
    bool refuse_message;
} Side;

static bool on_open(MuxChannel *channel, Str handshake, Err *err)
{
    Side *side = mux_ctx(channel);

    (void)err;
    CHECK(mux_is_open(channel) && mux_of(channel) == side->mux);
    buf_printf(&side->said, "open(%.*s) ", STR_ARG(handshake));
    return true;
}

static bool on_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    Side *side = mux_ctx(channel);

    buf_printf(&side->said, "%d:%.*s ", (int)type, STR_ARG(payload));
    if (side->close_on_message)
        CHECK(mux_close(channel, err));
    return !side->refuse_message || err_set(err, ERR_DENIED, "not this one");
}

static void on_close(MuxChannel *channel, MuxEnd why)
{
    Side *side = mux_ctx(channel);

    buf_printf(&side->said, "end(%d) ", (int)why);
}

static const MuxHandlers handlers = {on_open, on_message, on_close};

static bool put_out(void *ctx, Str frame, Err *err)
{
    Side *side = ctx;

    (void)err;
    CHECK(frame.len > 0);
    compact_put_buffer(&side->out, frame);
    side->frames++;
    return true;
}

static MuxAnswer on_offer(void *ctx, Mux *mux, Str protocol, Str id)
{
    Side *side = ctx;
    Err err = {0};

    CHECK(mux == side->mux);
    side->offers++;
    if (side->answer == MUX_OPENED)
        CHECK(mux_open(mux, protocol, id, side->answer_with, &handlers, side, &side->opened, &err));
    return side->answer;
}

static void side_begin(Side *side, MuxAnswer answer, size_t channels_max)
{
    *side = (Side){.answer = answer, .answer_with = STR("yes")};
    side->mux = mux_new(&(MuxOptions){put_out, on_offer, side, channels_max});
}

static void side_end(Side *side)
{
    mux_free(side->mux);
    buf_release(&side->said);
    buf_release(&side->out);
}

static bool has_said(Side *side, const char *what)
{
    bool same = str_eq_z(buf_str(&side->said), what);

    if (!same)
        printf("# said: %.*s\n", STR_ARG(buf_str(&side->said)));
    buf_reset(&side->said);
    return same;
}

static bool carry_err(Side *from, Side *to, Err *err)
{
    ATTR_CLEANUP(buf_release) Buf out = from->out;
    CompactIn in = compact_in(buf_str(&out));

    from->out = (Buf){0};
    while (in.rest.len)
        if (!mux_take(to->mux, compact_buffer(&in), err))
            return false;
    return true;
}

/* Until nothing is on its way. */
static void settle(Side *a, Side *b)
{
    Err err = {0};

    while (a->out.len || b->out.len)
        CHECK(carry_err(a, b, &err) && carry_err(b, a, &err));
}

static MuxChannel *must_open(Side *side, Str protocol, Str id, Str handshake)
{
    MuxChannel *channel = NULL;
    Err err = {0};

    CHECK(mux_open(side->mux, protocol, id, handshake, &handlers, side, &channel, &err));
    return channel;
}

static void must_send(MuxChannel *channel, int type, const char *text)
{
    Err err = {0};

    CHECK(mux_send(channel, (uint64_t)type, str_from_z(text), &err));
}

static void must_close(MuxChannel *channel)
{
    Err err = {0};

    CHECK(mux_close(channel, &err));
}

/* ---- traces ---- */

/* All frames of one side of a trace, as they were before they were sealed. */
static void take_trace(const Trace *trace, NoiseRole sender, Mux *mux)
{
    NoiseRole role = sender == NOISE_INITIATOR ? NOISE_RESPONDER : NOISE_INITIATOR;
    SignPair own = trace_static(role), ephemeral = trace_ephemeral(role);
    Wire wire;
    WireEvent event;
    Str frame;
    Err err = {0};

    wire_begin_known(&wire, role, &own, 0, &ephemeral);
    wire_give(&wire, buf_str(&trace->side[sender].raw));
    while (wire_next(&wire, &event, &frame, &err) && event != WIRE_MORE)
        if (event == WIRE_FRAME)
            CHECK(mux_take(mux, frame, &err));
    CHECK(err.code == ERR_NONE);
    wire_end(&wire);
}

typedef struct Heard {
    Buf messages;
    MuxAnswer answer;
    Str id;
} Heard;

static bool hear_open(MuxChannel *channel, Str handshake, Err *err)
{
    Heard *heard = mux_ctx(channel);

    (void)err;
    CHECK(handshake.len == 33 && handshake.ptr[0] == 1);
    buf_put_z(&heard->messages, "open");
    return true;
}

static bool hear_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    Heard *heard = mux_ctx(channel);

    (void)payload, (void)err;
    buf_printf(&heard->messages, " 1:%d", (int)type);
    return true;
}

static const MuxHandlers hearing = {hear_open, hear_message, NULL};

static bool drop(void *ctx, Str frame, Err *err)
{
    (void)ctx, (void)frame, (void)err;
    return true;
}

static MuxAnswer hear_offer(void *ctx, Mux *mux, Str protocol, Str id)
{
    Heard *heard = ctx;
    MuxChannel *channel;
    Err err = {0};

    CHECK(str_eq_z(protocol, "hypercore/alpha") && str_eq(id, heard->id));
    if (heard->answer == MUX_OPENED)
        CHECK(mux_open(mux, protocol, id, STR("x"), &hearing, heard, &channel, &err));
    return heard->answer;
}

/* The channel is opened before, in the offer, or when all has come. */
static void hear_trace(const Trace *trace)
{
    for (int way = 0; way < 6; way++) {
        Heard heard = {.answer = way % 3 == 1 ? MUX_OPENED : MUX_LATER, .id = buf_str(&trace->discovery_key)};
        Mux *mux = mux_new(&(MuxOptions){drop, hear_offer, &heard, 0});
        MuxChannel *channel;
        NoiseRole sender = (NoiseRole)(way / 3);
        Err err = {0};

        if (way % 3 == 0)
            CHECK(
                mux_open(mux, STR("hypercore/alpha"), heard.id, STR("x"), &hearing, &heard, &channel, &err));
        take_trace(trace, sender, mux);
        if (way % 3 == 2) {
            CHECK(heard.messages.len == 0);
            CHECK(
                mux_open(mux, STR("hypercore/alpha"), heard.id, STR("x"), &hearing, &heard, &channel, &err));
            CHECK(heard.messages.len == 0 && mux_deliver(mux, &err));
        }
        CHECK(str_eq_z(buf_str(&heard.messages), trace->side[sender].messages));
        mux_free(mux);
        buf_release(&heard.messages);
    }
}

static void what_npm_said_comes_to_the_channel_in_order(void)
{
    for_each_trace(hear_trace);
}

static void an_open_is_npms_byte_for_byte(void)
{
    Side side;
    BUF_SCOPE(id);
    BUF_SCOPE(want);
    BUF_SCOPE(capability);

    side_begin(&side, MUX_REJECT, 0);
    vector_bytes("core>discovery_key(compat)", &id);
    vector_bytes("core>capability_I(compat, above handshake)", &capability);
    buf_put(&want, STR("\x01"));
    buf_put(&want, buf_str(&capability));
    (void)must_open(&side, STR("hypercore/alpha"), buf_str(&id), buf_str(&want));
    buf_reset(&want);
    buf_put(&want, (Str){"\x55\x00\x01\x01\x0fhypercore/alpha\x20", 21});
    buf_put(&want, buf_str(&id));
    buf_put_byte(&want, 1);
    buf_put(&want, buf_str(&capability));
    CHECK(str_eq(buf_str(&side.out), buf_str(&want)));
    side_end(&side);
}

/* ---- pairing ---- */

static void both_sides_open_and_talk(void)
{
    for (int order = 0; order < 3; order++) { /* a first, b first, at the same time */
        Side a, b;
        MuxChannel *of_a, *of_b;

        side_begin(&a, MUX_LATER, 0);
        side_begin(&b, MUX_LATER, 0);
        if (order == 1)
            of_b = must_open(&b, STR("p"), STR("id"), STR("from b"));
        of_a = must_open(&a, STR("p"), STR("id"), STR("from a"));
        must_send(of_a, 3, "early");
        if (order < 2)
            settle(&a, &b);
        if (order != 1)
            of_b = must_open(&b, STR("p"), STR("id"), STR("from b"));
        settle(&a, &b);
        must_send(of_b, 0, "");
        must_send(of_b, 300, "many");
        settle(&a, &b);
        settle(&b, &a);
        if (order == 0) {
            Err err = {0};

            CHECK(mux_deliver(b.mux, &err));
        }
        CHECK(has_said(&a, "open(from b) 0: 300:many ") && has_said(&b, "open(from a) 3:early "));
        CHECK(mux_find(a.mux, STR("p"), STR("id")) == of_a && !mux_find(a.mux, STR("pi"), STR("d")));
        must_close(of_a);
        settle(&a, &b);
        CHECK(has_said(&a, "end(0) ") && has_said(&b, "end(1) "));
        CHECK(!mux_find(b.mux, STR("p"), STR("id")) && !mux_find(a.mux, STR("p"), STR("id")));
        side_end(&a);
        side_end(&b);
        (void)of_b;
    }
}

static void what_is_offered_can_be_opened_at_once(void)
{
    Side a, b;
    MuxChannel *of_a;

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    of_a = must_open(&a, STR("p"), STR("1"), STR("hello"));
    must_send(of_a, 1, "x");
    settle(&a, &b);
    CHECK(has_said(&b, "open(hello) 1:x ") && has_said(&a, "open(yes) ") && b.offers == 1 && a.offers == 0);
    must_send(b.opened, 2, "back");
    settle(&a, &b);
    CHECK(has_said(&a, "2:back "));
    side_end(&a);
    CHECK(!mux_find(b.mux, STR("p"), STR("2")));
    side_end(&b);
}

static void what_is_not_known_is_rejected(void)
{
    Side a, b;
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_REJECT, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR("hello"));
    must_send(one, 1, "nobody reads this");
    settle(&a, &b);
    CHECK(has_said(&a, "end(2) ") && has_said(&b, "") && b.offers == 1);
    b.answer = MUX_LATER;
    (void)must_open(&a, STR("p"), STR("2"), STR(""));
    settle(&a, &b);
    CHECK(has_said(&a, ""));
    CHECK(mux_reject(b.mux, STR("p"), STR("3"), &err) && mux_reject(b.mux, STR("p"), STR("2"), &err));
    settle(&a, &b);
    CHECK(has_said(&a, "end(2) "));
    side_end(&a);
    side_end(&b);
}

static void a_channel_that_was_closed_can_be_opened_again(void)
{
    Side a, b;

    side_begin(&a, MUX_OPENED, 0);
    side_begin(&b, MUX_OPENED, 0);
    for (int i = 0; i < 100; i++) {
        Side *from = i % 3 ? &a : &b, *to = i % 3 ? &b : &a;
        MuxChannel *one = must_open(from, STR("p"), STR("id"), STR("again"));

        settle(&a, &b);
        CHECK(has_said(from, "open(yes) ") && has_said(to, "open(again) "));
        must_send(one, 1, "m");
        must_close(i % 2 ? one : to->opened);
        settle(&a, &b);
        CHECK(has_said(from, i % 2 ? "end(0) " : "end(1) "));
        buf_reset(&to->said);
    }
    side_end(&a);
    side_end(&b);
}

static void closing_before_the_peer_answers_leaves_nothing_behind(void)
{
    for (int answer = MUX_REJECT; answer <= MUX_OPENED; answer++) {
        Side a, b;

        side_begin(&a, MUX_REJECT, 0);
        side_begin(&b, (MuxAnswer)answer, 0);
        must_close(must_open(&a, STR("p"), STR("id"), STR("1")));
        must_close(must_open(&a, STR("p"), STR("id"), STR("2")));
        MuxChannel *last = must_open(&a, STR("p"), STR("id"), STR("3"));
        must_send(last, 7, "third");
        CHECK(has_said(&a, "end(0) end(0) "));
        settle(&a, &b);
        if (answer == MUX_REJECT)
            CHECK(has_said(&a, "end(2) ") && has_said(&b, ""));
        if (answer == MUX_LATER)
            CHECK(has_said(&a, "") && b.offers == 3);
        if (answer == MUX_OPENED)
            CHECK(has_said(&a, "open(yes) ") &&
                  has_said(&b, "open(1) end(1) open(2) end(1) open(3) 7:third "));
        side_end(&a);
        side_end(&b);
    }
}

static void both_may_close_at_the_same_time(void)
{
    Side a, b;

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("id"), STR(""));
    settle(&a, &b);
    must_send(one, 1, "late");
    must_close(one);
    must_send(b.opened, 2, "late");
    must_close(b.opened);
    settle(&a, &b);
    CHECK(has_said(&a, "open(yes) end(0) ") && has_said(&b, "open() end(0) "));
    (void)must_open(&a, STR("p"), STR("id"), STR("new"));
    settle(&a, &b);
    CHECK(has_said(&a, "open(yes) ") && has_said(&b, "open(new) "));
    side_end(&a);
    side_end(&b);
}

static void a_handler_may_close_its_channel(void)
{
    Side a, b;

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    b.close_on_message = true;
    MuxChannel *one = must_open(&a, STR("p"), STR("id"), STR(""));
    for (int i = 0; i < 3; i++)
        must_send(one, i, "m");
    settle(&a, &b);
    CHECK(has_said(&b, "open() 0:m end(0) ") && has_said(&a, "open(yes) end(1) "));
    side_end(&a);
    side_end(&b);
}

static void a_handler_that_refuses_says_why(void)
{
    Side a, b;
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    side_begin(&b, MUX_OPENED, 0);
    b.refuse_message = true;
    must_send(must_open(&a, STR("p"), STR("id"), STR("")), 1, "m");
    CHECK(!carry_err(&a, &b, &err) && err.code == ERR_DENIED);
    side_end(&a);
    side_end(&b);
}

static void the_end_of_a_connection_ends_every_channel(void)
{
    Side a;

    side_begin(&a, MUX_REJECT, 0);
    (void)must_open(&a, STR("p"), STR("1"), STR(""));
    (void)must_open(&a, STR("p"), STR("2"), STR(""));
    mux_free(a.mux);
    CHECK(has_said(&a, "end(3) end(3) "));
    a.mux = mux_new(&(MuxOptions){.send = put_out});
    side_end(&a);
}

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

static void one_message_alone_needs_no_batch(void)
{
    Side a;
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR(""));
    buf_reset(&a.out);
    mux_cork(a.mux);
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
    Err err = {0};

    side_begin(&a, MUX_REJECT, 0);
    MuxChannel *one = must_open(&a, STR("p"), STR("1"), STR(""));
    buf_reset(&a.out);
    mux_cork(a.mux);
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

/* Two sides open, send and close at random, with frames on their way for random times: in the end both agree. */
static void random_sides_agree_in_the_end(void)
{
    enum { NAMES = 6, STEPS = 4000 };

    srand(11);
    for (int round = 0; round < 20; round++) {
        Side side[2];

        for (int i = 0; i < 2; i++)
            side_begin(&side[i], (MuxAnswer)(rand() % 3), 0);
        for (int step = 0; step < STEPS; step++) {
            Side *one = &side[rand() % 2], *other = one == side ? &side[1] : side;
            char id[2] = {(char)('a' + rand() % NAMES), 0};
            MuxChannel *channel = mux_find(one->mux, STR("p"), str_from_z(id));
            Err err = {0};

            switch (rand() % 6) {
            case 0:
                if (!channel)
                    (void)must_open(one, STR("p"), str_from_z(id), STR("h"));
                break;
            case 1:
                if (channel)
                    must_close(channel);
                else
                    CHECK(mux_reject(one->mux, STR("p"), str_from_z(id), &err));
                break;
            case 2:
                CHECK(carry_err(one, other, &err));
                break;
            default:
                if (channel)
                    must_send(channel, rand() % 10, "m");
            }
        }
        settle(&side[0], &side[1]);
        for (int name = 0; name < NAMES; name++) {
            char id[2] = {(char)('a' + name), 0};
            MuxChannel *at[2];
            bool open[2];

            for (int i = 0; i < 2; i++) {
                at[i] = mux_find(side[i].mux, STR("p"), str_from_z(id));
                open[i] = at[i] && mux_is_open(at[i]);
            }
            CHECK(open[0] == open[1]);
            if (!open[0]) /* then at most one waits, for whom the other decides later */
                CHECK(!at[0] || !at[1]);
        }
        for (int i = 0; i < 2; i++)
            side_end(&side[i]);
    }
}

int main(void)
{
    RUN(what_npm_said_comes_to_the_channel_in_order);
    RUN(an_open_is_npms_byte_for_byte);
    RUN(both_sides_open_and_talk);
    RUN(what_is_offered_can_be_opened_at_once);
    RUN(what_is_not_known_is_rejected);
    RUN(a_channel_that_was_closed_can_be_opened_again);
    RUN(closing_before_the_peer_answers_leaves_nothing_behind);
    RUN(both_may_close_at_the_same_time);
    RUN(a_handler_may_close_its_channel);
    RUN(a_handler_that_refuses_says_why);
    RUN(the_end_of_a_connection_ends_every_channel);
    RUN(what_is_sent_together_leaves_together);
    RUN(one_message_alone_needs_no_batch);
    RUN(a_batch_is_as_npm_makes_it);
    RUN(long_messages_go_alone_and_in_order);
    RUN(more_channels_than_the_limit_are_rejected);
    RUN(a_channel_is_open_once);
    RUN(names_that_are_too_long_are_rejected);
    RUN(what_waits_for_a_decision_is_bounded);
    RUN(frames_that_are_none_end_the_connection);
    RUN(ids_grow_to_their_limit);
    RUN(what_nobody_knows_is_passed_over);
    RUN(random_sides_agree_in_the_end);
    DONE();
}
