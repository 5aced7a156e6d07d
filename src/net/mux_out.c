/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out: each message alone, or many in a batch. */
#include "net/mux_core.h"

#include <assert.h>

static size_t uint_bytes(uint64_t number)
{
    return number < 0xfd ? 1 : number <= UINT16_MAX ? 3 : number <= UINT32_MAX ? 5 : 9;
}

static bool send_frame(Mux *mux, Str frame, Err *err)
{
    if (mux->gone)
        return err_set(err, ERR_IO, "the connection is gone");
    return mux->options.send(mux->options.ctx, frame, err);
}

static bool send_alone(Mux *mux, uint64_t channel, uint64_t type, Str payload, Err *err)
{
    buf_reset(&mux->frame);
    compact_put_uint(&mux->frame, channel);
    compact_put_uint(&mux->frame, type);
    buf_put(&mux->frame, payload);
    return send_frame(mux, buf_str(&mux->frame), err);
}

/* ---- batches ---- */

/* Puts `head` before what is at `at`, and gives the frame from there on. */
static Str prepend(Buf *buf, Str head, size_t at)
{
    assert(head.len <= at);
    memcpy(buf->ptr + at - head.len, head.ptr, head.len);
    return str_sub(buf_str(buf), at - head.len, buf->len);
}

/* One item goes as a frame of its own, which is shorter. */
static bool flush(Mux *mux, Err *err)
{
    MuxBatch *batch = &mux->batch;
    bool alone = batch->items == 1;
    BUF_SCOPE(head);

    if (batch->items == 0)
        return true;
    if (!alone) {
        compact_put_uint(&head, 0);
        compact_put_uint(&head, MUX_CONTROL_BATCH);
    }
    compact_put_uint(&head, batch->first_channel);
    batch->items = 0;
    bool sent =
        send_frame(mux, prepend(&batch->buf, buf_str(&head), alone ? batch->first_at : MUX_BATCH_ROOM), err);
    buf_reset(&batch->buf);
    if (batch->buf.size > WIRE_BODY_MAX / 64)
        buf_release(&batch->buf);
    return sent;
}

static void begin_batch(MuxBatch *batch, uint64_t channel)
{
    buf_reset(&batch->buf);
    (void)buf_reserve(&batch->buf, MUX_BATCH_ROOM);
    batch->buf.len = MUX_BATCH_ROOM;
    batch->channel = batch->first_channel = channel;
}

static void add_item(MuxBatch *batch, uint64_t channel, uint64_t type, Str payload)
{
    if (batch->items == 0)
        begin_batch(batch, channel);
    if (batch->channel != channel) {
        compact_put_uint(&batch->buf, 0);
        compact_put_uint(&batch->buf, channel);
        batch->channel = channel;
    }
    compact_put_uint(&batch->buf, uint_bytes(type) + payload.len);
    if (batch->items++ == 0)
        batch->first_at = batch->buf.len;
    compact_put_uint(&batch->buf, type);
    buf_put(&batch->buf, payload);
}

bool mux_put(Mux *mux, uint64_t channel, uint64_t type, Str payload, Err *err)
{
    enum { AROUND = 32 }; /* lengths and numbers */

    if (!mux->corked)
        return send_alone(mux, channel, type, payload, err);
    if (mux->batch.items && mux->batch.buf.len + payload.len + AROUND > MUX_BATCH_MAX && !flush(mux, err))
        return false;
    if (payload.len + AROUND > MUX_BATCH_MAX)
        return send_alone(mux, channel, type, payload, err);
    add_item(&mux->batch, channel, type, payload);
    return true;
}

bool mux_put_control(Mux *mux, uint64_t type, uint64_t id, Err *err)
{
    BUF_SCOPE(body);

    compact_put_uint(&body, id);
    return mux_put(mux, 0, type, buf_str(&body), err);
}

void mux_cork(Mux *mux)
{
    mux->corked++;
}

bool mux_uncork(Mux *mux, Err *err)
{
    assert(mux->corked > 0);
    return --mux->corked > 0 || flush(mux, err);
}
