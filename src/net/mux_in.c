/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in. */
#include "net/mux_core.h"

static bool refuse(Err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "the peer sent %s", what);
}

/* ---- messages ---- */

static bool has_room(const Mux *mux, size_t more, Err *err)
{
    enum { LENGTH = 9 }; /* bytes of the longest number */

    return mux->pending_bytes + more + LENGTH <= MUX_PENDING_MAX ||
           err_set(err, ERR_LIMIT, "the peer sent more than %d bytes to channels that are not open here",
                   MUX_PENDING_MAX);
}

static bool keep_handshake(MuxChannel *channel, Str handshake, Err *err)
{
    if (!has_room(channel->mux, handshake.len, err))
        return false;
    buf_put(&channel->handshake, handshake);
    channel->mux->pending_bytes += handshake.len;
    return true;
}

static bool keep_message(MuxChannel *channel, Str item, Err *err)
{
    size_t before = channel->pending.len;

    if (!has_room(channel->mux, item.len, err))
        return false;
    compact_put_buffer(&channel->pending, item);
    channel->mux->pending_bytes += channel->pending.len - before;
    return true;
}

static bool give(MuxChannel *channel, Str item, Err *err)
{
    CompactIn in = compact_in(item);
    uint64_t type = compact_uint(&in);

    return in.bad ? refuse(err, "a message without a type")
                  : channel->handlers->on_message(channel, type, in.rest, err);
}

/* Messages to a channel that is closed here were on their way. */
static bool take_message(Mux *mux, uint64_t id, Str item, Err *err)
{
    MuxChannel *channel = mux_id_at(&mux->remote, id);

    if (!channel)
        return true;
    return channel->told ? give(channel, item, err) : keep_message(channel, item, err);
}

/* ---- what was kept ---- */

static MuxChannel *next_untold(const Mux *mux)
{
    for (size_t i = 0; mux->untold && i < mux->count; i++)
        if (mux->all[i]->state == MUX_STATE_OPEN && !mux->all[i]->told)
            return mux->all[i];
    return NULL;
}

/* Whatever its handlers do: the struct may be another channel's afterwards. */
static bool is_still(const MuxChannel *channel, uint64_t number)
{
    return channel->number == number && channel->state == MUX_STATE_OPEN;
}

static bool tell(MuxChannel *channel, Err *err)
{
    Mux *mux = channel->mux;
    uint64_t number = channel->number;
    ATTR_CLEANUP(buf_release) Buf handshake = channel->handshake, pending = channel->pending;
    CompactIn in = compact_in(buf_str(&pending));

    channel->handshake = channel->pending = (Buf){0};
    channel->told = true;
    mux->untold--;
    mux->pending_bytes -= handshake.len + pending.len;
    if (!channel->handlers->on_open(channel, buf_str(&handshake), err))
        return false;
    while (in.rest.len && is_still(channel, number))
        if (!give(channel, compact_buffer(&in), err))
            return false;
    return true;
}

static bool tell_all(Mux *mux, Err *err)
{
    for (MuxChannel *channel; (channel = next_untold(mux));)
        if (!tell(channel, err))
            return false;
    return true;
}

/* ---- control ---- */

typedef struct OpenFrame {
    uint64_t id;
    Str protocol, name, handshake;
} OpenFrame;

static bool check_open(Mux *mux, OpenFrame *open, Err *err)
{
    size_t count = mux_id_count(&mux->remote);

    if (open->id == 0 || open->id > count + 1)
        return refuse(err, "an open with an id that is not the next");
    if (open->id > MUX_IDS_MAX)
        return err_set(err, ERR_LIMIT, "the peer numbers more than %d channels", MUX_IDS_MAX);
    if (mux_id_at(&mux->remote, open->id))
        return refuse(err, "an open with an id that is open");
    if (open->id > count)
        mux_id_set(&mux->remote, open->id, NULL);
    return true;
}

static void attach(MuxChannel *channel, uint64_t remote)
{
    channel->remote = remote;
    mux_id_set(&channel->mux->remote, remote, channel);
}

/* It was opened here before: the peer's answer. */
static bool pair(MuxChannel *channel, const OpenFrame *open, Err *err)
{
    Mux *mux = channel->mux;

    if (channel->state == MUX_STATE_LEFT) { /* the close is on its way */
        mux_channel_end(channel, MUX_CLOSED_HERE);
        return true;
    }
    attach(channel, open->id);
    channel->state = MUX_STATE_OPEN;
    mux->untold++;
    return keep_handshake(channel, open->handshake, err) && tell(channel, err);
}

static bool reject(Mux *mux, uint64_t id, Err *err)
{
    return mux_put_control(mux, MUX_CONTROL_REJECT, id, err);
}

static bool offer(Mux *mux, const OpenFrame *open, Err *err)
{
    MuxChannel *channel = NULL;
    MuxAnswer answer = MUX_REJECT;

    if (mux->options.offer && open->protocol.len <= MUX_NAME_MAX && open->name.len <= MUX_NAME_MAX &&
        !mux_find(mux, open->protocol, open->name))
        channel = mux_channel_new(mux, open->protocol, open->name, MUX_STATE_OFFERED);
    if (!channel)
        return reject(mux, open->id, err);
    uint64_t number = channel->number;
    attach(channel, open->id);
    if (!keep_handshake(channel, open->handshake, err))
        return false;
    answer = mux->options.offer(mux->options.ctx, mux, open->protocol, open->name);
    if (answer != MUX_LATER && channel->number == number && channel->state == MUX_STATE_OFFERED)
        return mux_reject(mux, open->protocol, open->name, err);
    return tell_all(mux, err);
}

static bool take_open(Mux *mux, CompactIn *in, Err *err)
{
    OpenFrame open = {.id = compact_uint(in)};

    open.protocol = compact_buffer(in);
    open.name = compact_buffer(in);
    open.handshake = in->rest;
    if (in->bad)
        return refuse(err, "an open that is cut short");
    if (!check_open(mux, &open, err))
        return false;
    MuxChannel *own = mux_named(mux, open.protocol, open.name, MUX_STATE_WAITING, MUX_STATE_LEFT);
    return own ? pair(own, &open, err) : offer(mux, &open, err);
}

static bool take_reject(Mux *mux, CompactIn *in, Err *err)
{
    MuxChannel *channel = mux_id_at(&mux->local, compact_uint(in));

    if (in->bad || !channel || (channel->state != MUX_STATE_WAITING && channel->state != MUX_STATE_LEFT))
        return refuse(err, "a reject of what it was not asked");
    mux_channel_end(channel, MUX_REJECTED);
    return true;
}

/* One that is closed here already was on its way. One on offer still gets its answer, so that the peer's id is free. */
static bool take_close(Mux *mux, CompactIn *in, Err *err)
{
    uint64_t id = compact_uint(in);
    MuxChannel *channel = mux_id_at(&mux->remote, id);

    if (in->bad)
        return refuse(err, "a close that is cut short");
    if (!channel)
        return true;
    bool offered = channel->state == MUX_STATE_OFFERED;
    mux_channel_end(channel, MUX_CLOSED_THERE);
    return !offered || reject(mux, id, err);
}

/* Of other types nothing is known; npm ignores them as well. */
static bool take_control(Mux *mux, uint64_t type, CompactIn *in, Err *err)
{
    switch (type) {
    case MUX_CONTROL_OPEN:
        return take_open(mux, in, err);
    case MUX_CONTROL_REJECT:
        return take_reject(mux, in, err);
    case MUX_CONTROL_CLOSE:
        return take_close(mux, in, err);
    default:
        return true;
    }
}

/* ---- frames ---- */

static bool take_item(Mux *mux, uint64_t channel, Str item, Err *err)
{
    CompactIn in = compact_in(item);

    if (channel)
        return take_message(mux, channel, item, err);
    uint64_t type = compact_uint(&in);
    if (in.bad || type == MUX_CONTROL_BATCH)
        return refuse(err, "a batch in a batch");
    return take_control(mux, type, &in, err);
}

static bool take_batch(Mux *mux, CompactIn *in, Err *err)
{
    uint64_t channel = compact_uint(in);

    while (in->rest.len) {
        uint64_t len = compact_uint(in);

        if (len == 0) {
            channel = compact_uint(in);
            continue;
        }
        Str item = compact_raw(in, len);
        if (!in->bad && !take_item(mux, channel, item, err))
            return false;
    }
    return !in->bad || refuse(err, "a batch that is cut short");
}

static bool take_frame(Mux *mux, Str frame, Err *err)
{
    CompactIn in = compact_in(frame);
    uint64_t channel = compact_uint(&in);

    if (in.bad)
        return refuse(err, "a frame without a channel");
    if (channel)
        return take_message(mux, channel, in.rest, err);
    uint64_t type = compact_uint(&in);
    if (in.bad)
        return refuse(err, "a frame without a type");
    return type == MUX_CONTROL_BATCH ? take_batch(mux, &in, err) : take_control(mux, type, &in, err);
}

bool mux_deliver(Mux *mux, Err *err)
{
    mux_cork(mux);
    if (tell_all(mux, err))
        return mux_uncork(mux, err);
    mux->corked--;
    return false;
}

bool mux_take(Mux *mux, Str frame, Err *err)
{
    mux_cork(mux);
    if (tell_all(mux, err) && (frame.len == 0 || take_frame(mux, frame, err)))
        return mux_uncork(mux, err);
    mux->corked--;
    return false;
}
