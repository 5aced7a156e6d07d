/* SPDX-License-Identifier: Apache-2.0 */
/* side -- one side of a connection without one: a mux that writes down what happened, and frames on their way */
#ifndef TEST_NET_SIDE_H
#define TEST_NET_SIDE_H

#include "net/compact.h"
#include "net/mux.h"
#include "test/check.h"

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

static inline bool on_open(MuxChannel *channel, Str handshake, Err *err)
{
    Side *side = mux_ctx(channel);

    (void)err;
    CHECK(mux_is_open(channel) && mux_of(channel) == side->mux);
    buf_printf(&side->said, "open(%.*s) ", STR_ARG(handshake));
    return true;
}

static inline bool on_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    Side *side = mux_ctx(channel);

    buf_printf(&side->said, "%d:%.*s ", (int)type, STR_ARG(payload));
    if (side->close_on_message)
        CHECK(mux_close(channel, err));
    return !side->refuse_message || err_set(err, ERR_DENIED, "not this one");
}

static inline void on_close(MuxChannel *channel, MuxEnd why)
{
    Side *side = mux_ctx(channel);

    buf_printf(&side->said, "end(%d) ", (int)why);
}

static const MuxHandlers handlers = {on_open, on_message, on_close};

static inline bool put_out(void *ctx, Str frame, Err *err)
{
    Side *side = ctx;

    (void)err;
    CHECK(frame.len > 0);
    compact_put_buffer(&side->out, frame);
    side->frames++;
    return true;
}

static inline MuxAnswer on_offer(void *ctx, Mux *mux, Str protocol, Str id)
{
    Side *side = ctx;
    Err err = {0};

    CHECK(mux == side->mux);
    side->offers++;
    if (side->answer == MUX_OPENED)
        CHECK(mux_open(mux, protocol, id, side->answer_with, &handlers, side, &side->opened, &err));
    return side->answer;
}

static inline void side_begin(Side *side, MuxAnswer answer, size_t channels_max)
{
    *side = (Side){.answer = answer, .answer_with = STR("yes")};
    side->mux = mux_new(&(MuxOptions){put_out, on_offer, side, channels_max});
}

static inline void side_end(Side *side)
{
    mux_free(side->mux);
    buf_release(&side->said);
    buf_release(&side->out);
}

static inline bool has_said(Side *side, const char *what)
{
    bool same = str_eq_z(buf_str(&side->said), what);

    if (!same)
        printf("# said: %.*s\n", STR_ARG(buf_str(&side->said)));
    buf_reset(&side->said);
    return same;
}

static inline bool carry_err(Side *from, Side *to, Err *err)
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
static inline void settle(Side *a, Side *b)
{
    Err err = {0};

    while (a->out.len || b->out.len)
        CHECK(carry_err(a, b, &err) && carry_err(b, a, &err));
}

static inline MuxChannel *must_open(Side *side, Str protocol, Str id, Str handshake)
{
    MuxChannel *channel = NULL;
    Err err = {0};

    CHECK(mux_open(side->mux, protocol, id, handshake, &handlers, side, &channel, &err));
    return channel;
}

static inline void must_send(MuxChannel *channel, int type, const char *text)
{
    Err err = {0};

    CHECK(mux_send(channel, (uint64_t)type, str_from_z(text), &err));
}

static inline void must_close(MuxChannel *channel)
{
    Err err = {0};

    CHECK(mux_close(channel, &err));
}

#endif
