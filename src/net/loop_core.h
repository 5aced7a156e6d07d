/* SPDX-License-Identifier: Apache-2.0 */
/* net/loop_core -- what the files of the loop share */
#ifndef NET_LOOP_CORE_H
#define NET_LOOP_CORE_H

#include <stdatomic.h>
#include <uv.h>

#include "net/endpoint.h"
#include "net/lookup.h"
#include "net/loop.h"

typedef union Socket {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
} Socket;

/*
 *     state       leaves it when
 *     CONNECTING  the connection is there
 *     SHAKING     the handshake is done: on_connect()
 *     OPEN        it ends here, or the peer sends no more
 *     FINISHING   all has left, and the peer has sent its last byte, which is not looked at
 *     CLOSED      libuv has closed the handles: on_disconnect(), and the peer is freed
 */
typedef enum PeerState { PEER_CONNECTING, PEER_SHAKING, PEER_OPEN, PEER_FINISHING, PEER_CLOSED } PeerState;

typedef struct Dialer Dialer;

struct Peer {
    Arena arena;
    Loop *loop;
    Peer *next, **link; /* in loop->peers */
    Peer *next_stirred; /* in loop->stirred, while is_stirred */
    Dialer *dialer;     /* NULL: it called */
    PeerState state;
    bool told; /* on_connect() came */
    bool is_stirred, reading, writing;
    bool paused, held;          /* not read from: as the owner wishes, because of what is queued */
    bool full;                  /* on_drain() is to come */
    bool ended, shutting, shut; /* FINISHING: its last byte came; our last byte is about to leave, has left */
    Socket socket;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    int handles; /* not closed by libuv yet */
    Wire wire;
    Buf sending; /* what `write` writes */
    size_t left; /* of that and more, when last looked */
    uint64_t bytes_in, bytes_out;
    uint64_t began, heard, sent,
        moved; /* milliseconds of the loop: when the last byte came, was queued, left */
    char address[ENDPOINT_TEXT_MAX];
    Err why;
    void *own;
};

typedef struct Listener {
    Loop *loop;
    struct Listener *next;
    Socket socket;
    bool is_unix, open;
    char address[ENDPOINT_TEXT_MAX];
} Listener;

struct Dialer {
    Loop *loop;
    Dialer *next;
    Endpoint endpoint;
    Str address;
    uv_timer_t retry;
    Lookup *look_up;             /* NULL: there is none */
    bool over;                   /* it is kept no more */
    struct addrinfo *found, *at; /* of a name: all, and the one that is tried */
    Duration wait;               /* before the next try, but for chance */
    Peer *peer;
};

struct Loop {
    Arena arena;
    SignPair own;
    LoopOptions options;
    LoopEvents events;
    void *ctx;
    uv_loop_t uv;
    uv_async_t async;
    uv_prepare_t prepare;
    uv_poll_t poll;
    uv_timer_t tick;
    bool stopping;
    bool taken; /* frames, since on_taken() */
    atomic_bool stop, wake;
    Peer *peers, *stirred;
    size_t peer_count; /* of those that came and are not closed */
    Listener *listeners;
    Dialer *dialers;
    char chunk[64 * 1024]; /* where bytes are read to */
};

static inline uint64_t loop_ms(Duration duration)
{
    return duration <= 0 ? 0 : (uint64_t)((duration + MILLISECONDS(1) - 1) / MILLISECONDS(1));
}

/* Raise what libuv returned. False. */
bool loop_fail(Err *err, int status, const char *what, const char *address);

/* ---- peers (peer.c) ---- */

/* A peer with a socket that is to be accepted or connected. ERR_IO. */
bool peer_new(Loop *loop, bool is_unix, Dialer *dialer, Peer **out, Err *err) ATTR_MUST_USE;
void peer_begin(Peer *peer); /* the connection is there */
void peer_opened(Peer *peer);
void peer_ended(Peer *peer);                /* its last byte came */
void peer_fail(Peer *peer, const Err *why); /* as peer_close(); says which peer it is */
void peer_leave(Peer *peer);                /* FINISHING: nothing more is to be done when both ends are */

/* ---- bytes of a peer (peer_io.c) ---- */

void peer_stir(Peer *peer);  /* peer_read() and peer_write() before the loop waits */
void peer_read(Peer *peer);  /* what waits, and then from the socket, when it may be */
void peer_write(Peer *peer); /* what is queued */

/* ---- addresses that are kept (dial.c) ---- */

void dialer_lost(Dialer *dialer, const Peer *peer); /* its peer is about to be freed */
void dialer_look(Dialer *dialer);                   /* whether its name was found */
void dialer_end(Dialer *dialer);

/* ---- the loop (loop.c) ---- */

void loop_ease(
    Loop *loop); /* a peer is gone: if it was the last and the loop is to stop, loop_run() returns */

#endif
