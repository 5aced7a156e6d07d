/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's frames between an owner's own doings: channels pair, or there is a sentence; every channel that was opened ends
 * once, and what is sent is made of frames that a reader can follow.
 *
 * Input: a byte (what is said to offers), then steps: a number (below), and for most a buffer.
 */
#include <assert.h>
#include <stdint.h>

#include "net/compact.h"
#include "net/mux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    STEP_TAKE,
    STEP_OPEN,
    STEP_CLOSE,
    STEP_REJECT,
    STEP_SEND,
    STEP_CORK,
    STEP_UNCORK,
    STEP_DELIVER,
    STEPS
};
enum { CHANNELS_MAX = 20 };

typedef struct Owner {
    Mux *mux;
    MuxAnswer answer;
    int open, corked;
    bool close_at_message;
} Owner;

static bool on_open(MuxChannel *channel, Str handshake, Err *err)
{
    (void)handshake, (void)err;
    assert(mux_is_open(channel));
    return true;
}

static bool on_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    const Owner *owner = mux_ctx(channel);

    return owner->close_at_message ? mux_close(channel, err) : mux_send(channel, type, payload, err);
}

static void on_close(MuxChannel *channel, MuxEnd why)
{
    Owner *owner = mux_ctx(channel);

    (void)why;
    assert(owner->open-- > 0);
}

static const MuxHandlers handlers = {on_open, on_message, on_close};

static bool open_channel(Owner *owner, Str protocol, Str id)
{
    MuxChannel *channel;
    Err err = {0};

    if (!mux_open(owner->mux, protocol, id, STR("hello"), &handlers, owner, &channel, &err)) {
        assert((err.code == ERR_CONFLICT || err.code == ERR_LIMIT) && err.text[0]);
        return false;
    }
    assert(mux_find(owner->mux, protocol, id) == channel && str_eq(mux_id(channel), id));
    owner->open++;
    return true;
}

static MuxAnswer offer(void *ctx, Mux *mux, Str protocol, Str id)
{
    Owner *owner = ctx;

    assert(mux == owner->mux && protocol.len <= MUX_NAME_MAX && id.len <= MUX_NAME_MAX);
    if (owner->answer == MUX_OPENED && !open_channel(owner, protocol, id))
        return MUX_REJECT;
    return owner->answer;
}

static bool follow(void *ctx, Str frame, Err *err)
{
    CompactIn in = compact_in(frame);
    uint64_t channel = compact_uint(&in), type = compact_uint(&in);

    (void)ctx, (void)err;
    assert(!in.bad);
    if (channel != 0 || type != 0)
        return true;
    (void)compact_uint(&in);
    while (in.rest.len) {
        uint64_t len = compact_uint(&in);

        len ? (void)compact_raw(&in, len) : (void)compact_uint(&in);
    }
    assert(compact_done(&in));
    return true;
}

/* False when the connection would end. */
static bool step(Owner *owner, uint64_t what, Str bytes)
{
    Err err = {0};
    Str id, rest = str_cut(bytes, ':', &id);
    MuxChannel *channel = mux_find(owner->mux, STR("p"), id);
    bool good = true;

    switch (what) {
    case STEP_TAKE:
        good = mux_take(owner->mux, bytes, &err);
        break;
    case STEP_OPEN:
        (void)open_channel(owner, STR("p"), id);
        break;
    case STEP_CLOSE:
        good = !channel || mux_close(channel, &err);
        break;
    case STEP_REJECT:
        good = mux_reject(owner->mux, STR("p"), id, &err);
        break;
    case STEP_SEND:
        good = !channel || mux_send(channel, rest.len, rest, &err);
        break;
    case STEP_CORK:
        mux_cork(owner->mux);
        owner->corked++;
        break;
    case STEP_UNCORK:
        good = owner->corked == 0 || (owner->corked--, mux_uncork(owner->mux, &err));
        break;
    default:
        good = mux_deliver(owner->mux, &err);
    }
    assert(good || ((err.code == ERR_CORRUPT || err.code == ERR_LIMIT) && err.text[0]));
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned first = size ? data[0] : 0;
    Owner owner = {.answer = (MuxAnswer)(first % 3), .close_at_message = first & 0x80};
    CompactIn in = compact_in(str_sub((Str){(const char *)data, size}, 1, size));

    owner.mux = mux_new(&(MuxOptions){follow, offer, &owner, CHANNELS_MAX});
    while (in.rest.len) {
        uint64_t what = compact_uint(&in) % STEPS;

        if (!step(&owner, what, what <= STEP_SEND ? compact_buffer(&in) : (Str){0}))
            break;
        assert(owner.open <= CHANNELS_MAX);
    }
    mux_free(owner.mux);
    assert(owner.open == 0);
    return 0;
}
