/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/loop -- encrypted connections to many peers, by one thread, over TCP and unix sockets (libuv; docs/format/peer.md)
 *
 *     loop_open(&own, &(LoopOptions){0}, &events, ctx, &loop, err);
 *     loop_listen(loop, STR("[::]:4123"), err);              as often as one likes
 *     loop_connect(loop, STR("example.org:4123"), err);      from now on, again and again when it is lost
 *     loop_run(loop, err);                                   until loop_stop()
 *     loop_close(loop);
 *
 * One thread runs a loop, and only that one calls its functions and those of its peers, but for loop_stop() and loop_wake().
 * All events come from loop_run().
 *
 * What is queued for a peer is bounded in three steps. An owner that sends of itself stops when peer_is_full(), and goes on with
 * on_drain(). A peer that asks more than it takes answers is not read from for a while. And at last it is given up. The second
 * bound is well above the first, because two loops that both waited for the other to read would wait for ever.
 *
 * Of more connections than may come the oldest whose handshake is not done is ended, or else the new one: strangers that only
 * connect do not keep others out.
 *
 * Whatever a peer does ends its own connection at most, with one sentence: bytes that are not of the protocol, a frame that is
 * too long, a handshake that does not end in time, no byte for too long, nothing taken for too long.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/time.h"
#include "net/peer.h"

typedef struct Loop Loop;

/*
 * Any but on_frame may be NULL. `ctx` is the owner's. False from one of the first two ends the connection with *err.
 */
typedef struct LoopEvents {
    bool (*on_connect)(void *ctx, Peer *peer, Err *err); /* the handshake is done: who it is is known */
    bool (*on_frame)(void *ctx, Peer *peer, Str frame, Err *err);
    void (*on_drain)(void *ctx, Peer *peer);                      /* peer_is_full() was, and is no more */
    void (*on_disconnect)(void *ctx, Peer *peer, const Err *why); /* after on_connect; ERR_NONE: ended here */
    /* Of a connection that got no on_connect, or an address that cannot be found or taken connections at. */
    void (*on_failure)(void *ctx, const char *address, const Err *why);
    /* An address of loop_connect() was lost, or cannot be reached now; it is tried again. After the event that says why. */
    void (*on_lost)(void *ctx, const char *address);
    void (*on_taken)(void *ctx); /* after frames of whichever peers, before the loop waits again */
    void (*on_wake)(void *ctx);  /* loop_wake() was called since the last time */
    void (*on_tick)(void *ctx);  /* so often as the options say */
} LoopEvents;

enum {
    LOOP_PEERS_MAX = 1024,
    LOOP_QUEUE_FULL = 1024 * 1024,
    LOOP_QUEUE_HOLD = 16 * 1024 * 1024,
    LOOP_QUEUE_MAX = 64 * 1024 * 1024,
};

/* 0 stands for what is behind the comment. */
typedef struct LoopOptions {
    size_t frame_max;     /* bytes of a frame that a peer may send: WIRE_FRAME_MAX */
    size_t peers_max;     /* connections that came: LOOP_PEERS_MAX */
    size_t queue_full;    /* with so many bytes to be sent peer_is_full(): LOOP_QUEUE_FULL */
    size_t queue_hold;    /* with so many it is not read from: LOOP_QUEUE_HOLD */
    size_t queue_max;     /* and with so many it is given up: LOOP_QUEUE_MAX */
    Duration handshake;   /* from the beginning of a connection to the end of its handshake: 10 s */
    Duration keep_alive;  /* something is sent at least so often: 5 s */
    Duration gone;        /* a peer that sends or takes nothing for so long is gone: 30 s */
    Duration retry_first; /* wait before a lost peer is called again, doubled each time it fails: 500 ms, */
    Duration retry_most;  /* up to this: 60 s. Half of it is chance */
    Duration finish;      /* for queued bytes to leave when a connection ends: 5 s */
    Duration tick;        /* between one on_tick and the next: none */
    bool watch_stop;      /* end when stop_asked() (base/stop.h) */
} LoopOptions;

/* `own` is the static pair, copied. ERR_IO. */
bool loop_open(const SignPair *own, const LoopOptions *options, const LoopEvents *events, void *ctx,
               Loop **out, Err *err) ATTR_MUST_USE;

/* Ends what is still there; on_disconnect() comes for it. The loop does not run. */
void loop_close(Loop *loop);

/*
 * Take connections. A path of a socket that nobody listens on any more is taken over. *out gets the address with the port
 * that was given for port 0; it lives as long as the loop, and may be NULL.
 *
 * ERR_USAGE, ERR_LIMIT  as endpoint_parse(); a name is not listened on
 * ERR_IO                the address cannot be had
 */
bool loop_listen(Loop *loop, Str address, const char **out, Err *err) ATTR_MUST_USE;

/*
 * Keep a connection to this address. Failures go to on_failure() and on_disconnect(), and it is tried again.
 *
 * ERR_CONFLICT          it is kept already
 * ERR_USAGE, ERR_LIMIT  as endpoint_parse()
 */
bool loop_connect(Loop *loop, Str address, Err *err) ATTR_MUST_USE;

/* Keep it no more, and end the connection, as peer_finish(). Nothing when it was not kept. */
void loop_disconnect(Loop *loop, Str address);

/* Once. ERR_IO: the loop cannot wait. */
bool loop_run(Loop *loop, Err *err) ATTR_MUST_USE;

/* Any thread, any number of times before loop_close(): loop_run() returns when what is queued has left. */
void loop_stop(Loop *loop);

/* Any thread, before loop_close(): on_wake() comes soon. */
void loop_wake(Loop *loop);

/* Calls `visit` with every peer that is connected; it may end them. */
void loop_each(Loop *loop, void (*visit)(void *ctx, Peer *peer), void *ctx);

#endif
