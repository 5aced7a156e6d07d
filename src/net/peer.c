/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one connection. */
#include "net/peer.h"

#include "net/loop_core.h"

/* ---- the end ---- */

/* Before peer_close(), so that the sentence says whose connection it was. */
void peer_fail(Peer *peer, const Err *why)
{
    Err err = *why;

    (void)err_wrap(&err, "peer '%s'", peer->address);
    peer_close(peer, &err);
}

static void tell_end(Peer *peer)
{
    const LoopEvents *events = &peer->loop->events;

    if (peer->told && events->on_disconnect)
        events->on_disconnect(peer->loop->ctx, peer, &peer->why);
    else if (!peer->told && peer->why.code && events->on_failure)
        events->on_failure(peer->loop->ctx, peer->address, &peer->why);
}

static void unlink_peer(Peer *peer)
{
    Loop *loop = peer->loop;

    *peer->link = peer->next;
    if (peer->next)
        peer->next->link = peer->link;
    if (!peer->is_stirred)
        return;
    for (Peer **at = &loop->stirred; *at; at = &(*at)->next_stirred)
        if (*at == peer) {
            *at = peer->next_stirred;
            return;
        }
}

static void on_closed(uv_handle_t *handle)
{
    Peer *peer = handle->data;
    Loop *loop = peer->loop;

    if (--peer->handles > 0)
        return;
    tell_end(peer);
    unlink_peer(peer);
    if (peer->dialer)
        dialer_lost(peer->dialer, peer);
    wire_end(&peer->wire);
    buf_release(&peer->sending);
    Arena arena = peer->arena;
    arena_free(&arena);
    loop_ease(loop);
}

void peer_close(Peer *peer, const Err *why)
{
    if (peer->state == PEER_CLOSED)
        return;
    if (why)
        peer->why = *why;
    peer->state = PEER_CLOSED;
    if (!peer->dialer)
        peer->loop->peer_count--;
    uv_close(&peer->socket.handle, on_closed);
    uv_close((uv_handle_t *)&peer->timer, on_closed);
}

/* ---- an end that lets bytes leave ---- */

void peer_leave(Peer *peer)
{
    if (peer->ended && peer->shut)
        peer_close(peer, NULL);
}

static void on_late(uv_timer_t *timer)
{
    Peer *peer = timer->data;
    Err err = {0};

    if (peer_queued(peer) && !peer->why.code) {
        (void)err_set(&err, ERR_IO, "what was to be sent was not taken in time");
        peer_fail(peer, &err);
    } else {
        peer_close(peer, NULL);
    }
}

static void begin_finish(Peer *peer)
{
    peer->state = PEER_FINISHING;
    (void)uv_timer_start(&peer->timer, on_late, loop_ms(peer->loop->options.finish), 0);
    peer_stir(peer);
}

void peer_finish(Peer *peer)
{
    if (peer->state == PEER_OPEN)
        begin_finish(peer);
    else if (peer->state != PEER_FINISHING)
        peer_close(peer, NULL);
}

/* What is queued for it still leaves: it may have ended one direction only. */
void peer_ended(Peer *peer)
{
    Err err = {0};

    peer->ended = true;
    if (peer->state == PEER_FINISHING) {
        peer_leave(peer);
        return;
    }
    if (peer->state != PEER_OPEN)
        (void)err_set(&err, ERR_IO, "it ended the connection before the handshake was done");
    else if (peer->wire.in_at < peer->wire.in.len)
        (void)err_set(&err, ERR_IO, "it ended the connection in the middle of a frame");
    else
        (void)err_set(&err, ERR_IO, "it ended the connection");
    if (peer->state != PEER_OPEN) {
        peer_fail(peer, &err);
        return;
    }
    (void)err_wrap(&err, "peer '%s'", peer->address);
    peer->why = err;
    begin_finish(peer);
}

/* ---- the beginning ---- */

static void on_no_handshake(uv_timer_t *timer)
{
    Peer *peer = timer->data;
    Err err = {0};

    (void)err_set(&err, ERR_IO, "no handshake was done in %.3g s",
                  (double)peer->loop->options.handshake / (double)SECONDS(1));
    peer_fail(peer, &err);
}

static void link_peer(Peer *peer)
{
    Loop *loop = peer->loop;

    peer->next = loop->peers;
    peer->link = &loop->peers;
    if (peer->next)
        peer->next->link = &peer->next;
    loop->peers = peer;
    if (!peer->dialer)
        loop->peer_count++;
}

bool peer_new(Loop *loop, bool is_unix, Dialer *dialer, Peer **out, Err *err)
{
    Arena arena = {0};
    Peer *peer = arena_new(&arena, Peer, 1);

    peer->arena = arena;
    peer->loop = loop;
    peer->dialer = dialer;
    int status =
        is_unix ? uv_pipe_init(&loop->uv, &peer->socket.pipe, 0) : uv_tcp_init(&loop->uv, &peer->socket.tcp);
    if (status < 0) {
        arena_free(&arena);
        return loop_fail(err, status, "make", "a socket");
    }
    (void)uv_timer_init(&loop->uv, &peer->timer);
    peer->socket.handle.data = peer->timer.data = peer;
    peer->handles = 2;
    peer->began = uv_now(&loop->uv);
    (void)uv_timer_start(&peer->timer, on_no_handshake, loop_ms(loop->options.handshake), 0);
    link_peer(peer);
    *out = peer;
    return true;
}

/* One that called over a unix socket has no name of its own: it is the socket's. */
static void name(Peer *peer)
{
    struct sockaddr_storage at;
    int len = sizeof at;
    size_t room = sizeof peer->address - 5;

    if (peer->address[0])
        return;
    (void)snprintf(peer->address, sizeof peer->address, "unix:");
    if (peer->socket.handle.type != UV_TCP)
        (void)uv_pipe_getsockname(&peer->socket.pipe, peer->address + 5, &room);
    else if (uv_tcp_getpeername(&peer->socket.tcp, (struct sockaddr *)&at, &len) == 0)
        (void)endpoint_text((struct sockaddr *)&at, peer->address);
}

void peer_begin(Peer *peer)
{
    Loop *loop = peer->loop;

    name(peer);
    if (peer->socket.handle.type == UV_TCP)
        (void)uv_tcp_nodelay(&peer->socket.tcp, 1);
    peer->state = PEER_SHAKING;
    wire_begin(&peer->wire, peer->dialer ? NOISE_INITIATOR : NOISE_RESPONDER, &loop->own,
               loop->options.frame_max);
    peer_stir(peer);
}

/* ---- while it is open ---- */

static bool is_alive(Peer *peer, Err *err)
{
    uint64_t now = uv_now(&peer->loop->uv), gone = loop_ms(peer->loop->options.gone);
    double seconds = (double)gone / 1000;
    size_t left = uv_stream_get_write_queue_size(&peer->socket.stream);

    if (left < peer->left)
        peer->moved = now;
    peer->left = left;
    if (peer->reading && now - peer->heard >= gone)
        return err_set(err, ERR_IO, "nothing came from it for %.3g s", seconds);
    return !left || now - peer->moved < gone || err_set(err, ERR_IO, "it took nothing for %.3g s", seconds);
}

static void on_tick(uv_timer_t *timer)
{
    Peer *peer = timer->data;
    Loop *loop = peer->loop;
    Err err = {0};

    if (!is_alive(peer, &err)) {
        peer_fail(peer, &err);
        return;
    }
    if (uv_now(&loop->uv) - peer->sent < loop_ms(loop->options.keep_alive) || peer_queued(peer))
        return;
    if (wire_send(&peer->wire, (Str){0}, &err))
        peer_write(peer);
}

void peer_opened(Peer *peer)
{
    Loop *loop = peer->loop;
    Duration shorter =
        loop->options.keep_alive < loop->options.gone ? loop->options.keep_alive : loop->options.gone;
    uint64_t period = loop_ms(shorter / 4);
    Err err = {0};

    peer->state = PEER_OPEN;
    (void)uv_timer_start(&peer->timer, on_tick, period, period);
    peer->told = !loop->events.on_connect || loop->events.on_connect(loop->ctx, peer, &err);
    if (!peer->told)
        peer_fail(peer, &err);
}

bool peer_send(Peer *peer, Str frame, Err *err)
{
    const LoopOptions *options = &peer->loop->options;
    size_t queued = peer_queued(peer) + frame.len;

    if (peer->state != PEER_OPEN)
        return err_set(err, ERR_IO, "the connection with '%s' is ending", peer->address);
    if (queued > options->queue_max) {
        (void)err_set(err, ERR_LIMIT, "%zu bytes are queued for it, and %zu may be", queued,
                      options->queue_max);
        peer_fail(peer, err);
        return false;
    }
    if (!wire_send(&peer->wire, frame, err))
        return false;
    peer->full = peer->full || queued > options->queue_full;
    peer->held = peer->held || queued > options->queue_hold;
    peer_stir(peer);
    return true;
}

size_t peer_queued(const Peer *peer)
{
    return peer->wire.out.len + uv_stream_get_write_queue_size(&peer->socket.stream);
}

void peer_bytes(const Peer *peer, uint64_t *in, uint64_t *out)
{
    *in = peer->bytes_in;
    *out = peer->bytes_out;
}

bool peer_is_full(const Peer *peer)
{
    return peer->full;
}

void peer_pause(Peer *peer)
{
    peer->paused = true;
    peer_stir(peer);
}

void peer_resume(Peer *peer)
{
    peer->paused = false;
    peer_stir(peer);
}

NoiseRole peer_role(const Peer *peer)
{
    return peer->wire.role;
}

const unsigned char *peer_key(const Peer *peer)
{
    return peer->wire.remote;
}

const unsigned char *peer_hash(const Peer *peer)
{
    return peer->wire.hash;
}

const char *peer_address(const Peer *peer)
{
    return peer->address;
}

const char *peer_called(const Peer *peer)
{
    return peer->dialer ? peer->dialer->address.ptr : NULL;
}

void peer_set(Peer *peer, void *own)
{
    peer->own = own;
}

void *peer_get(const Peer *peer)
{
    return peer->own;
}
