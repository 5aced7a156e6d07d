/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mux.h"

#include "test/unit/net/side.h"
#include "test/unit/net/traces.h"

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
    RUN(random_sides_agree_in_the_end);
    DONE();
}
