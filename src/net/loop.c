/* SPDX-License-Identifier: Apache-2.0 */
/* The loop itself: its life, its end, and what comes from other threads. */
#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/stop.h"
#include "net/loop_core.h"

bool loop_fail(Err *err, int status, const char *what, const char *address)
{
    if (status > -1024) { /* libuv's own numbers are lower */
        errno = -status;
        return err_sys(err, ERR_IO, "cannot %s '%s'", what, address);
    }
    return err_set(err, ERR_IO, "cannot %s '%s': %s", what, address, uv_strerror(status));
}

/* ---- the end ---- */

static void end_peers(Loop *loop)
{
    for (Peer *peer = loop->peers; peer; peer = peer->next)
        peer_finish(peer);
}

static void begin_stop(Loop *loop)
{
    if (loop->stopping)
        return;
    loop->stopping = true;
    for (Listener *listener = loop->listeners; listener; listener = listener->next)
        if (!uv_is_closing(&listener->socket.handle))
            uv_close(&listener->socket.handle, NULL);
    for (Dialer *dialer = loop->dialers; dialer; dialer = dialer->next)
        dialer_end(dialer);
    end_peers(loop);
    loop_ease(loop);
}

void loop_ease(Loop *loop)
{
    if (loop->stopping && !loop->peers)
        uv_stop(&loop->uv);
}

/* ---- other threads and signals ---- */

static void on_async(uv_async_t *async)
{
    Loop *loop = async->data;

    if (atomic_exchange(&loop->wake, false) && loop->events.on_wake && !loop->stopping)
        loop->events.on_wake(loop->ctx);
    if (atomic_load(&loop->stop))
        begin_stop(loop);
    for (Dialer *dialer = loop->dialers; dialer; dialer = dialer->next)
        dialer_look(dialer);
}

void loop_stop(Loop *loop)
{
    atomic_store(&loop->stop, true);
    (void)uv_async_send(&loop->async);
}

void loop_wake(Loop *loop)
{
    atomic_store(&loop->wake, true);
    (void)uv_async_send(&loop->async);
}

static void on_stop_fd(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    (void)uv_poll_stop(poll); /* it stays readable */
    begin_stop(poll->data);
}

/* ---- what waits until the loop is about to wait ---- */

static void tell_taken(Loop *loop)
{
    bool taken = loop->taken;

    loop->taken = false;
    if (taken && loop->events.on_taken)
        loop->events.on_taken(loop->ctx);
}

static void on_prepare(uv_prepare_t *prepare)
{
    Loop *loop = prepare->data;

    while (tell_taken(loop), loop->stirred) {
        Peer *peer = loop->stirred;

        loop->stirred = peer->next_stirred;
        peer->is_stirred = false;
        peer_read(peer);
        peer_write(peer);
    }
}

static void on_tick(uv_timer_t *tick)
{
    Loop *loop = tick->data;

    if (loop->events.on_tick && !loop->stopping)
        loop->events.on_tick(loop->ctx);
}

/* ---- life ---- */

static void fill_size(size_t *value, size_t standard)
{
    if (!*value)
        *value = standard;
}

static void fill_duration(Duration *value, Duration standard)
{
    if (!*value)
        *value = standard;
}

static void fill(LoopOptions *options)
{
    fill_size(&options->frame_max, WIRE_FRAME_MAX);
    fill_size(&options->peers_max, LOOP_PEERS_MAX);
    fill_size(&options->queue_full, LOOP_QUEUE_FULL);
    fill_size(&options->queue_hold, LOOP_QUEUE_HOLD);
    fill_size(&options->queue_max, LOOP_QUEUE_MAX);
    fill_duration(&options->handshake, SECONDS(10));
    fill_duration(&options->keep_alive, SECONDS(5));
    fill_duration(&options->gone, SECONDS(30));
    fill_duration(&options->retry_first, MILLISECONDS(500));
    fill_duration(&options->retry_most, SECONDS(60));
    fill_duration(&options->finish, SECONDS(5));
}

static int open_handles(Loop *loop)
{
    int status = uv_async_init(&loop->uv, &loop->async, on_async);

    if (status < 0)
        return status;
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    (void)uv_timer_init(&loop->uv, &loop->tick);
    loop->async.data = loop->prepare.data = loop->poll.data = loop->tick.data = loop;
    if (loop->options.tick)
        (void)uv_timer_start(&loop->tick, on_tick, loop_ms(loop->options.tick), loop_ms(loop->options.tick));
    if (!loop->options.watch_stop || stop_fd() < 0)
        return 0;
    status = uv_poll_init(&loop->uv, &loop->poll, stop_fd());
    return status < 0 ? status : uv_poll_start(&loop->poll, UV_READABLE, on_stop_fd);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void free_loop(Loop *loop)
{
    (void)uv_loop_close(&loop->uv);
    for (Dialer *dialer = loop->dialers; dialer; dialer = dialer->next)
        if (dialer->found)
            freeaddrinfo(dialer->found);
    sign_wipe(&loop->own);
    Arena arena = loop->arena;
    arena_free(&arena);
}

bool loop_open(const SignPair *own, const LoopOptions *options, const LoopEvents *events, void *ctx,
               Loop **out, Err *err)
{
    Arena arena = {0};
    Loop *loop = arena_new(&arena, Loop, 1);

    loop->own = *own;
    loop->options = *options;
    loop->events = *events;
    loop->ctx = ctx;
    loop->arena = arena;
    fill(&loop->options);
    int status = uv_loop_init(&loop->uv);
    if (status < 0) {
        arena_free(&arena);
        return loop_fail(err, status, "make", "a loop");
    }
    status = open_handles(loop);
    if (status < 0) {
        uv_walk(&loop->uv, close_handle, NULL);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        free_loop(loop);
        return loop_fail(err, status, "make", "a loop");
    }
    *out = loop;
    return true;
}

void loop_close(Loop *loop)
{
    begin_stop(loop);
    for (Peer *peer = loop->peers; peer; peer = peer->next)
        peer_close(peer, NULL);
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT))
        continue;
    free_loop(loop);
}

/* A write to a connection that is gone must not end the process, whatever it does with SIGPIPE elsewhere. */
static void hold_pipe_signal(sigset_t *before)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, before);
}

static void release_pipe_signal(const sigset_t *before)
{
    sigset_t set;
    struct timespec none = {0};

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGPIPE);
    if (sigismember(before, SIGPIPE) == 0)
        while (sigtimedwait(&set, NULL, &none) >= 0)
            continue;
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool loop_run(Loop *loop, Err *err)
{
    sigset_t before;

    hold_pipe_signal(&before);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    release_pipe_signal(&before);
    return (loop->stopping && !loop->peers) || err_set(err, ERR_IO, "the loop of peers has ended by itself");
}

void loop_each(Loop *loop, void (*visit)(void *ctx, Peer *peer), void *ctx)
{
    for (Peer *peer = loop->peers; peer; peer = peer->next)
        if (peer->state == PEER_OPEN)
            visit(ctx, peer);
}
