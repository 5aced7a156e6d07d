/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed body: the handler's thread fills chunks, the event thread drains them, one waits for the other. */
#include <poll.h>
#include <sys/socket.h>

#include "base/lock.h"
#include "http/core.h"
#include "http/gzip.h"

void exchange_resume(Exchange *x)
{
    if (!x->suspended)
        return;
    x->suspended = false;
    MHD_resume_connection(x->connection);
}

ssize_t stream_read(void *exchange, uint64_t at, char *data, size_t max)
{
    Exchange *x = exchange;
    LOCK_SCOPE(held, &x->lock);
    size_t rest = x->out.len - x->out_at, some = rest < max ? rest : max;

    (void)at;
    if (atomic_load_explicit(&x->server->cut, memory_order_relaxed))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (some) {
        memcpy(data, x->out.ptr + x->out_at, some);
        x->out_at += some;
        atomic_fetch_add_explicit(&x->sent, some, memory_order_relaxed);
        if (some == rest)
            (void)pthread_cond_signal(&x->room);
        return (ssize_t)some;
    }
    if (x->done)
        return x->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    x->suspended = true;
    MHD_suspend_connection(x->connection);
    return 0;
}

/* Why nothing more should be sent, if so. With the lock held. */
static bool check_wanted(const Exchange *x, Err *err)
{
    if (x->gone)
        return err_set(err, ERR_INTERRUPTED, "the client hung up");
    if (atomic_load_explicit(&x->server->cut, memory_order_relaxed))
        return err_set(err, ERR_INTERRUPTED, "the server stops");
    if (!x->endpoint->endless && time_monotonic() >= x->request.deadline)
        return err_set(err, ERR_BUSY, "the request took too long");
    return true;
}

/* Waits until the chunk before has gone. With the lock held. */
static bool wait_for_room(Exchange *x, Err *err)
{
    for (;;) {
        if (!check_wanted(x, err))
            return false;
        if (x->out_at == x->out.len)
            return true;
        Duration until = time_monotonic() + SECONDS(1);
        struct timespec wake = {.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};
        (void)pthread_cond_timedwait(&x->room, &x->lock, &wake);
    }
}

/* Hands `chunk` over by swapping buffers; it comes back empty. */
static bool hand_over(Exchange *x, Buf *chunk, Err *err)
{
    LOCK_SCOPE(held, &x->lock);

    if (!wait_for_room(x, err)) {
        x->broken = true;
        return false;
    }
    Buf drained = x->out;
    x->out = *chunk;
    *chunk = drained;
    buf_reset(chunk);
    x->out_at = 0;
    x->streaming = true;
    exchange_resume(x);
    return true;
}

static bool send_body(Exchange *x, GzipFlush flush, Err *err)
{
    bool ok;

    /* Once it streams, the response is the event thread's. */
    if (!x->streaming && !x->response)
        send_stream(x);
    if (!x->gzip) {
        ok = hand_over(x, &x->reply.body, err);
    } else {
        gzip_put(x->gzip, buf_str(&x->reply.body), flush, &x->packed);
        buf_reset(&x->reply.body);
        ok = x->packed.len == 0 || hand_over(x, &x->packed, err);
    }
    return ok;
}

static bool flush_body(Reply *reply, GzipFlush flush, Err *err)
{
    Exchange *x = reply->exchange;

    if (!x || x->inline_run)
        return true;
    if (x->head) {
        if (!x->response)
            send_stream(x);
        buf_reset(&reply->body);
        return err_set(err, ERR_INTERRUPTED, "the client asked for the head only");
    }
    if (x->broken)
        return err_set(err, ERR_INTERRUPTED, "the answer was cut before");
    return send_body(x, flush, err);
}

bool reply_flush_chunk(Reply *reply, Err *err)
{
    return flush_body(reply, GZIP_MORE, err);
}

bool reply_push(Reply *reply, Err *err)
{
    return flush_body(reply, GZIP_NOW, err);
}

void stream_end(Exchange *x, bool ok)
{
    Err err;

    if (ok && !x->broken)
        ok = (x->reply.body.len == 0 && !x->gzip) || send_body(x, GZIP_END, &err);
    x->broken = !ok || x->broken;
}

bool request_wanted(const Request *request, Err *err)
{
    Exchange *x = request->exchange;
    LOCK_SCOPE(held, &x->lock);
    char byte;

    if (!check_wanted(x, err))
        return false;
    if (x->conn && recv(x->conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        return err_set(err, ERR_INTERRUPTED, "the client hung up");
    return true;
}
