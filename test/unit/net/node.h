/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node -- a loop in a thread of its own that writes down what happens, and a raw peer that does what it should not
 *
 * What a node wrote down is read when its thread has ended: node_end() waits for that.
 */
#ifndef TEST_NET_NODE_H
#define TEST_NET_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/endpoint.h"
#include "net/loop.h"
#include "test/unit/net/traces.h"

typedef struct Node {
    Loop *loop;
    pthread_t thread;
    Buf log; /* a line an event */
    bool ran;
    bool (*connected)(struct Node *node, Peer *peer, Err *err);
    bool (*frame)(struct Node *node, Peer *peer, Str frame, Err *err);
    void (*drained)(struct Node *node, Peer *peer);
    void (*disconnected)(struct Node *node, Peer *peer);
    void (*woken)(struct Node *node);
    void (*taken)(struct Node *node);
    atomic_int connects, disconnects, failures, frames, ticks;
    void *own;
} Node;

static inline bool node_connected(void *ctx, Peer *peer, Err *err)
{
    Node *node = ctx;

    buf_printf(&node->log, "connect\n");
    bool good = !node->connected || node->connected(node, peer, err);
    atomic_fetch_add(&node->connects, 1);
    return good;
}

static inline bool node_frame(void *ctx, Peer *peer, Str frame, Err *err)
{
    Node *node = ctx;

    atomic_fetch_add(&node->frames, 1);
    return !node->frame || node->frame(node, peer, frame, err);
}

static inline void node_drained(void *ctx, Peer *peer)
{
    Node *node = ctx;

    if (node->drained)
        node->drained(node, peer);
}

static inline void node_disconnected(void *ctx, Peer *peer, const Err *why)
{
    Node *node = ctx;

    buf_printf(&node->log, "disconnect %s %s\n", err_name(why->code), why->text);
    if (node->disconnected)
        node->disconnected(node, peer);
    atomic_fetch_add(&node->disconnects, 1);
}

static inline void node_failed(void *ctx, const char *address, const Err *why)
{
    Node *node = ctx;

    CHECK(address && why->text[0]);
    buf_printf(&node->log, "failure %s %s\n", err_name(why->code), why->text);
    atomic_fetch_add(&node->failures, 1);
}

static inline void node_woken(void *ctx)
{
    Node *node = ctx;

    if (node->woken)
        node->woken(node);
}

static inline void node_taken(void *ctx)
{
    Node *node = ctx;

    if (node->taken)
        node->taken(node);
}

static inline void node_ticked(void *ctx)
{
    Node *node = ctx;

    atomic_fetch_add(&node->ticks, 1);
}

static inline void *node_run(void *arg)
{
    Node *node = arg;
    Err err = {0};

    node->ran = loop_run(node->loop, &err);
    return NULL;
}

/* Its key is that of the seed byte. */
static inline void node_begin(Node *node, int seed, const LoopOptions *options)
{
    static const LoopEvents events = {.on_connect = node_connected,
                                      .on_frame = node_frame,
                                      .on_drain = node_drained,
                                      .on_disconnect = node_disconnected,
                                      .on_failure = node_failed,
                                      .on_taken = node_taken,
                                      .on_wake = node_woken,
                                      .on_tick = node_ticked};
    SignPair own = pair_of(seed);
    Err err = {0};

    CHECK(loop_open(&own, options, &events, node, &node->loop, &err));
}

static inline void node_start(Node *node)
{
    CHECK(pthread_create(&node->thread, NULL, node_run, node) == 0);
}

static inline void node_join(Node *node)
{
    (void)pthread_join(node->thread, NULL);
    CHECK(node->ran);
}

static inline void node_end(Node *node)
{
    loop_stop(node->loop);
    node_join(node);
    loop_close(node->loop);
    node->loop = NULL;
}

static inline const char *must_listen(Node *node, const char *address)
{
    const char *actual = NULL;
    Err err = {0};

    CHECK(loop_listen(node->loop, str_from_z(address), &actual, &err));
    if (err.code)
        printf("# %s\n", err.text);
    return actual ? actual : "";
}

static inline void must_connect(Node *node, const char *address)
{
    Err err = {0};

    CHECK(loop_connect(node->loop, str_from_z(address), &err));
}

/* Whether a line of the log starts with this and has that. */
static inline bool node_logged(Node *node, const char *start, const char *part)
{
    Str rest = buf_str(&node->log), line;
    ARENA_SCOPE(arena);

    while (rest.len) {
        rest = str_cut(rest, '\n', &line);
        if (str_starts(line, str_from_z(start)) && strstr(str_to_z(&arena, line), part))
            return true;
    }
    printf("# logged: %.*s\n", STR_ARG(buf_str(&node->log)));
    return false;
}

static inline void wait_for(atomic_int *what, int least)
{
    while (atomic_load(what) < least)
        time_sleep(MILLISECONDS(1));
}

/* ---- a peer by hand ---- */

typedef struct Raw {
    int fd;
    Wire wire;
} Raw;

static inline void raw_begin(Raw *raw, const char *address, int seed)
{
    Endpoint endpoint;
    Err err = {0};
    SignPair own = pair_of(seed);

    CHECK(endpoint_parse(str_from_z(address), &endpoint, &err));
    raw->fd = socket(endpoint.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(raw->fd, &endpoint.at.any,
                  endpoint.is_unix ? sizeof endpoint.at.path : sizeof endpoint.at.v6) == 0);
    wire_begin(&raw->wire, NOISE_INITIATOR, &own, 0);
}

static inline void raw_end(Raw *raw)
{
    (void)close(raw->fd);
    wire_end(&raw->wire);
}

/* False when the connection is gone. */
static inline bool raw_write(Raw *raw, Str bytes)
{
    while (bytes.len) {
        ssize_t n = send(raw->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n < 0)
            return false;
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static inline bool raw_flush(Raw *raw)
{
    bool good = raw_write(raw, buf_str(&raw->wire.out));

    buf_reset(&raw->wire.out);
    return good;
}

/* What comes next; false at the end of the connection. */
static inline bool raw_next(Raw *raw, WireEvent *event, Str *frame)
{
    char bytes[16384];
    Err err = {0};

    for (;;) {
        CHECK(wire_next(&raw->wire, event, frame, &err));
        if (!raw_flush(raw) || err.code)
            return false;
        if (*event != WIRE_MORE)
            return true;
        ssize_t n = recv(raw->fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            return false;
        wire_give(&raw->wire, (Str){bytes, (size_t)n});
    }
}

static inline void raw_shake(Raw *raw)
{
    WireEvent event;
    Str frame;

    CHECK(raw_next(raw, &event, &frame) && event == WIRE_OPENED);
}

static inline bool raw_send(Raw *raw, Str frame)
{
    Err err = {0};

    CHECK(wire_send(&raw->wire, frame, &err));
    return raw_flush(raw);
}

/* Until the other side has closed it. */
static inline void raw_wait_end(Raw *raw)
{
    char bytes[16384];

    while (recv(raw->fd, bytes, sizeof bytes, 0) > 0)
        continue;
}

#endif
