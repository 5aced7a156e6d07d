/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: their names and ids, opening and closing. */
#include "net/mux.h"

#include <assert.h>

#include "net/mux_core.h"

/* ---- ids ---- */

size_t mux_id_count(const MuxIds *ids)
{
    return ids->slots.len / sizeof(MuxChannel *);
}

MuxChannel *mux_id_at(const MuxIds *ids, uint64_t id)
{
    MuxChannel *channel;

    if (id == 0 || id > mux_id_count(ids))
        return NULL;
    memcpy(&channel, ids->slots.ptr + (id - 1) * sizeof channel, sizeof channel);
    return channel;
}

/* `id` is one beyond the count at most. */
void mux_id_set(MuxIds *ids, uint64_t id, MuxChannel *channel)
{
    Str bytes = {(const char *)&channel, sizeof channel};

    assert(id > 0 && id <= mux_id_count(ids) + 1);
    if (id > mux_id_count(ids))
        buf_put(&ids->slots, bytes);
    else
        memcpy(ids->slots.ptr + (id - 1) * sizeof channel, bytes.ptr, bytes.len);
}

static uint64_t free_local_id(const Mux *mux)
{
    uint64_t id = 1;

    while (mux_id_at(&mux->local, id))
        id++;
    return id;
}

/* ---- channels ---- */

MuxChannel *mux_channel_new(Mux *mux, Str protocol, Str id, MuxState state)
{
    if (mux->count == mux->options.channels_max)
        return NULL;
    MuxChannel *channel =
        mux->idle_count ? mux->idle[--mux->idle_count] : arena_new(&mux->arena, MuxChannel, 1);

    *channel = (MuxChannel){.mux = mux, .state = state, .number = ++mux->last_number, .place = mux->count};
    buf_put(&channel->name, protocol);
    buf_put(&channel->name, id);
    channel->protocol_len = protocol.len;
    mux->all[mux->count++] = channel;
    return channel;
}

static void take_out(MuxChannel *channel)
{
    Mux *mux = channel->mux;

    if (channel->local)
        mux_id_set(&mux->local, channel->local, NULL);
    mux->all[channel->place] = mux->all[--mux->count];
    mux->all[channel->place]->place = channel->place;
    buf_release(&channel->name);
    mux->idle[mux->idle_count++] = channel;
}

/* What is kept for it, the peer's id, and the place among those to be told. */
static void forget_remote(MuxChannel *channel)
{
    Mux *mux = channel->mux;

    if (channel->remote)
        mux_id_set(&mux->remote, channel->remote, NULL);
    if (channel->state == MUX_STATE_OPEN && !channel->told)
        mux->untold--;
    mux->pending_bytes -= channel->handshake.len + channel->pending.len;
    buf_release(&channel->handshake);
    buf_release(&channel->pending);
    channel->remote = 0;
}

static void tell_end(MuxChannel *channel, MuxEnd why)
{
    if (channel->handlers && channel->handlers->on_close)
        channel->handlers->on_close(channel, why);
    channel->handlers = NULL;
}

void mux_channel_end(MuxChannel *channel, MuxEnd why)
{
    forget_remote(channel);
    channel->state = MUX_STATE_ENDED;
    tell_end(channel, why);
    take_out(channel);
}

static bool is_named(const MuxChannel *channel, Str protocol, Str id)
{
    return channel->protocol_len == protocol.len && channel->name.len == protocol.len + id.len &&
           str_eq(mux_id(channel), id) && str_eq(mux_protocol(channel), protocol);
}

MuxChannel *mux_named(Mux *mux, Str protocol, Str id, MuxState state, MuxState or_state)
{
    MuxChannel *oldest = NULL;

    for (size_t i = 0; i < mux->count; i++) {
        MuxChannel *channel = mux->all[i];

        if ((channel->state == state || channel->state == or_state) &&
            (!oldest || channel->number < oldest->number) && is_named(channel, protocol, id))
            oldest = channel;
    }
    return oldest;
}

/* ---- the mux ---- */

Mux *mux_new(const MuxOptions *options)
{
    Arena arena = {0};
    Mux *mux = arena_new(&arena, Mux, 1);

    mux->options = *options;
    if (!mux->options.channels_max)
        mux->options.channels_max = MUX_CHANNELS_MAX;
    mux->all = arena_new(&arena, MuxChannel *, mux->options.channels_max);
    mux->idle = arena_new(&arena, MuxChannel *, mux->options.channels_max);
    mux->arena = arena;
    return mux;
}

void mux_free(Mux *mux)
{
    mux->gone = true;
    while (mux->count)
        mux_channel_end(mux->all[mux->count - 1], MUX_GONE);
    buf_release(&mux->local.slots);
    buf_release(&mux->remote.slots);
    buf_release(&mux->batch.buf);
    buf_release(&mux->frame);
    Arena arena = mux->arena;
    arena_free(&arena);
}

/* ---- open, reject, close ---- */

static bool send_open(MuxChannel *channel, Str handshake, Err *err)
{
    BUF_SCOPE(body);

    compact_put_uint(&body, channel->local);
    compact_put_buffer(&body, mux_protocol(channel));
    compact_put_buffer(&body, mux_id(channel));
    buf_put(&body, handshake);
    return mux_put(channel->mux, 0, MUX_CONTROL_OPEN, buf_str(&body), err);
}

/* The channel that the peer waits with, or a new one. */
static MuxChannel *answer_or_new(Mux *mux, Str protocol, Str id)
{
    MuxChannel *channel = mux_named(mux, protocol, id, MUX_STATE_OFFERED, MUX_STATE_OFFERED);

    if (!channel)
        return mux_channel_new(mux, protocol, id, MUX_STATE_WAITING);
    channel->state = MUX_STATE_OPEN;
    mux->untold++;
    return channel;
}

bool mux_open(Mux *mux, Str protocol, Str id, Str handshake, const MuxHandlers *handlers, void *ctx,
              MuxChannel **out, Err *err)
{
    if (mux->gone)
        return err_set(err, ERR_IO, "the connection is gone");
    if (protocol.len > MUX_NAME_MAX || id.len > MUX_NAME_MAX)
        return err_set(err, ERR_LIMIT, "the protocol and the id of a channel have %d bytes at most",
                       MUX_NAME_MAX);
    if (mux_find(mux, protocol, id))
        return err_set(err, ERR_CONFLICT, "channel '%.*s' is open", STR_ARG(protocol));
    MuxChannel *channel = answer_or_new(mux, protocol, id);
    if (!channel)
        return err_set(err, ERR_LIMIT, "there are %zu channels with this peer, which is as many as can be",
                       mux->count);
    channel->local = free_local_id(mux);
    mux_id_set(&mux->local, channel->local, channel);
    if (!send_open(channel, handshake, err)) {
        mux_channel_end(channel, MUX_GONE);
        return false;
    }
    channel->handlers = handlers;
    channel->ctx = ctx;
    *out = channel;
    return true;
}

bool mux_reject(Mux *mux, Str protocol, Str id, Err *err)
{
    MuxChannel *channel = mux_named(mux, protocol, id, MUX_STATE_OFFERED, MUX_STATE_OFFERED);
    uint64_t remote = channel ? channel->remote : 0;

    if (!channel)
        return true;
    mux_channel_end(channel, MUX_CLOSED_HERE);
    return mux_put_control(mux, MUX_CONTROL_REJECT, remote, err);
}

bool mux_close(MuxChannel *channel, Err *err)
{
    Mux *mux = channel->mux;
    uint64_t local = channel->local;

    assert(channel->state == MUX_STATE_OPEN || channel->state == MUX_STATE_WAITING);
    bool sent = mux_put_control(mux, MUX_CONTROL_CLOSE, local, err);
    if (channel->state == MUX_STATE_WAITING) { /* its id is free when the peer has answered */
        channel->state = MUX_STATE_LEFT;
        tell_end(channel, MUX_CLOSED_HERE);
    } else {
        mux_channel_end(channel, MUX_CLOSED_HERE);
    }
    return sent;
}

bool mux_send(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    assert(channel->state == MUX_STATE_OPEN || channel->state == MUX_STATE_WAITING);
    return mux_put(channel->mux, channel->local, type, payload, err);
}

/* ---- questions ---- */

MuxChannel *mux_find(Mux *mux, Str protocol, Str id)
{
    return mux_named(mux, protocol, id, MUX_STATE_WAITING, MUX_STATE_OPEN);
}

Mux *mux_of(const MuxChannel *channel)
{
    return channel->mux;
}

void *mux_ctx(const MuxChannel *channel)
{
    return channel->ctx;
}

Str mux_protocol(const MuxChannel *channel)
{
    return str_sub(buf_str(&channel->name), 0, channel->protocol_len);
}

Str mux_id(const MuxChannel *channel)
{
    return str_sub(buf_str(&channel->name), channel->protocol_len, channel->name.len);
}

bool mux_is_open(const MuxChannel *channel)
{
    return channel->state == MUX_STATE_OPEN;
}

bool mux_is_full(const Mux *mux)
{
    return mux->pending_bytes > MUX_PENDING_PAUSE;
}
