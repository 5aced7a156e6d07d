/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in and out of one connection. */
#include "net/loop_core.h"

/* Buffers of more than this are given back when nothing is in them. */
enum { KEEP_BYTES = 128 * 1024 };

void peer_stir(Peer *peer)
{
    if (peer->is_stirred || peer->state == PEER_CLOSED)
        return;
    peer->is_stirred = true;
    peer->next_stirred = peer->loop->stirred;
    peer->loop->stirred = peer;
}

/* ---- out ---- */

static void fail(Peer *peer, int status, const char *what)
{
    Err err = {0};

    loop_fail(&err, status, what, peer->address);
    peer_close(peer, &err);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    Peer *peer = shutdown->data;

    peer->shut = true;
    if (peer->state != PEER_FINISHING)
        return;
    if (status < 0)
        peer_close(peer, NULL);
    else
        peer_leave(peer);
}

static void shut(Peer *peer)
{
    if (peer->shutting)
        return;
    peer->shutting = true;
    peer->shutdown.data = peer;
    if (uv_shutdown(&peer->shutdown, &peer->socket.stream, on_shut) < 0)
        peer_close(peer, NULL);
}

/* Until half of what made it so has left. */
static void drain(Peer *peer)
{
    Loop *loop = peer->loop;
    size_t queued = peer_queued(peer);

    if (peer->state != PEER_OPEN)
        return;
    if (peer->held && queued <= loop->options.queue_hold / 2) {
        peer->held = false;
        peer_stir(peer);
    }
    if (peer->full && queued <= loop->options.queue_full / 2) {
        peer->full = false;
        if (loop->events.on_drain)
            loop->events.on_drain(loop->ctx, peer);
    }
}

static void on_written(uv_write_t *write, int status)
{
    Peer *peer = write->data;

    peer->writing = false;
    if (peer->state == PEER_CLOSED)
        return;
    if (status < 0) {
        fail(peer, status, "send to");
        return;
    }
    peer->moved = uv_now(&peer->loop->uv);
    buf_reset(&peer->sending);
    if (peer->sending.size > KEEP_BYTES)
        buf_release(&peer->sending);
    peer_write(peer);
    drain(peer);
}

/* As much as the socket takes at once. What does not fit, or fails, is left to peer_write(). */
static void write_some(Peer *peer)
{
    Buf *out = &peer->wire.out;

    if (peer->writing || out->len == 0)
        return;
    uv_buf_t bytes = {.base = out->ptr, .len = out->len};
    int sent = uv_try_write(&peer->socket.stream, &bytes, 1);
    if (sent <= 0)
        return;
    peer->bytes_out += (uint64_t)sent;
    peer->sent = peer->moved = uv_now(&peer->loop->uv);
    buf_consume(out, (size_t)sent);
}

/* One write is under way at a time; what is queued meanwhile is the next. */
void peer_write(Peer *peer)
{
    Buf empty = peer->sending;

    if (peer->state == PEER_CLOSED || peer->state == PEER_CONNECTING || peer->writing)
        return;
    write_some(peer);
    if (peer->wire.out.len == 0) {
        if (peer->state == PEER_FINISHING)
            shut(peer);
        else
            drain(peer);
        return;
    }
    peer->sending = peer->wire.out;
    peer->wire.out = empty;
    peer->writing = true;
    peer->bytes_out += peer->sending.len;
    peer->sent = peer->moved = uv_now(&peer->loop->uv);
    peer->write.data = peer;
    uv_buf_t bytes = {.base = peer->sending.ptr, .len = peer->sending.len};
    int status = uv_write(&peer->write, &peer->socket.stream, &bytes, 1, on_written);
    peer->left = uv_stream_get_write_queue_size(&peer->socket.stream);
    if (status < 0) {
        peer->writing = false;
        fail(peer, status, "send to");
    }
}

/* ---- in ---- */

static bool is_held(const Peer *peer)
{
    return peer->state == PEER_OPEN && (peer->paused || peer->held);
}

static bool is_read(const Peer *peer)
{
    return peer->state == PEER_SHAKING || (peer->state == PEER_OPEN && !is_held(peer));
}

static bool take_event(Peer *peer, WireEvent event, Str frame, Err *err)
{
    if (event == WIRE_OPENED)
        peer_opened(peer);
    if (event != WIRE_FRAME)
        return true;
    peer->loop->taken = true;
    return peer->loop->events.on_frame(peer->loop->ctx, peer, frame, err);
}

static void take_frames(Peer *peer)
{
    WireEvent event = WIRE_FRAME;
    Str frame;
    Err err = {0};

    while (event != WIRE_MORE && is_read(peer))
        if (!wire_next(&peer->wire, &event, &frame, &err) || !take_event(peer, event, frame, &err)) {
            peer_fail(peer, &err);
            return;
        }
}

static void stop_reading(Peer *peer)
{
    if (peer->reading)
        (void)uv_read_stop(&peer->socket.stream);
    peer->reading = false;
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    Peer *peer = handle->data;

    (void)wanted;
    *out = (uv_buf_t){.base = peer->loop->chunk, .len = sizeof peer->loop->chunk};
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    Peer *peer = stream->data;

    if (len == 0 || peer->state == PEER_CLOSED)
        return;
    if (len == UV_EOF) {
        stop_reading(peer);
        peer_ended(peer);
    } else if (len < 0) {
        fail(peer, (int)len, "read from");
    } else if (peer->state != PEER_FINISHING) {
        peer->heard = uv_now(&peer->loop->uv);
        peer->bytes_in += (uint64_t)len;
        wire_give(&peer->wire, (Str){bytes->base, (size_t)len});
        take_frames(peer);
        /* libuv reads up to 32 pieces in a row: who waits for what was asked meanwhile would stand still so long. */
        if (peer->state == PEER_OPEN)
            write_some(peer);
        if (is_held(peer))
            stop_reading(peer);
        peer_stir(peer);
    }
}

/* What came is looked at first. A connection that finishes is read to its end, so that closing it loses nothing it was sent. */
void peer_read(Peer *peer)
{
    if (peer->reading && is_held(peer))
        stop_reading(peer);
    if (peer->reading)
        return;
    take_frames(peer);
    if (!is_read(peer) && (peer->state != PEER_FINISHING || peer->ended))
        return;
    peer->heard = uv_now(&peer->loop->uv);
    peer->reading = true;
    int status = uv_read_start(&peer->socket.stream, on_room, on_read);
    if (status < 0)
        fail(peer, status, "read from");
}
