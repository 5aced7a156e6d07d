/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when: libmicrohttpd's callbacks of one request, in the order of core.h's picture. */
#include "base/lock.h"
#include "http/core.h"

void *exchange_on_target(void *server, const char *target, struct MHD_Connection *connection)
{
    Exchange *x = exchange_new(server);
    Server *own = server;

    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    x->connection = connection;
    x->conn = info->socket_context;
    x->request.peer = str_from_z(x->conn->peer);
    conn_set_due(x->conn, x->began + own->options.read_time);
    x->request.started = time_now();
    x->request.deadline = x->began + own->options.request_time;
    /* Copied, because libmicrohttpd takes its copy of the target apart in place. */
    x->request.target = str_copy(&x->arena, str_from_z(target));
    atomic_fetch_add_explicit(&own->running, 1, memory_order_relaxed);
    return x;
}

/* Makes the reply the form of x->err. */
static void fail(Exchange *x)
{
    const ServerHook *hook = x->endpoint ? x->endpoint->hook : NULL;

    if (hook && hook->on_error) {
        buf_reset(&x->reply.body);
        x->reply.headers = (Pairs){0};
        hook->on_error(&x->request, &x->reply, &x->err, hook->context);
    } else {
        reply_error(&x->reply, &x->err);
    }
    if (x->reply.status == MHD_HTTP_SERVICE_UNAVAILABLE)
        reply_header(&x->reply, MHD_HTTP_HEADER_RETRY_AFTER,
                     str_printf(x->request.arena, "%d", REPLY_RETRY_AFTER));
}

static enum MHD_Result queue(Exchange *x)
{
    struct MHD_Response *response = x->response;

    x->response = NULL;
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
    MHD_destroy_response(response);
    return result;
}

/* Answers without a handler: an error, or what find_endpoint() has put together. */
static enum MHD_Result refuse(Exchange *x)
{
    x->inline_run = true;
    if (x->err.code)
        fail(x);
    if (x->err.code == ERR_METHOD)
        reply_header(&x->reply, MHD_HTTP_HEADER_ALLOW, x->allow);
    send_whole(x);
    return queue(x);
}

/* Runs the handler; what it leaves is a reply, made into a response unless it streams already. */
static void handle(Exchange *x)
{
    Err *err = &x->err;
    bool ok = time_monotonic() < x->request.deadline ||
              err_set(err, ERR_BUSY, "the request waited too long for its turn");

    ok = ok && x->endpoint->handler(&x->request, &x->reply, err);
    if (x->streaming || (ok && x->response && !x->head)) {
        stream_end(x, ok);
        return;
    }
    /* A handler that was told that only the head is wanted has done nothing wrong. */
    if (x->response && x->head)
        return;
    if (!ok) {
        send_forget(x);
        fail(x);
    }
    if (x->reply.events)
        send_events(x);
    else
        send_whole(x);
}

void exchange_run(void *exchange)
{
    Exchange *x = exchange;

    handle(x);
    pthread_mutex_t *lock = lock_take(&x->lock);
    x->done = true;
    exchange_resume(x);
    lock_drop(&lock);
    exchange_unref(x);
}

static enum MHD_Result dispatch(Exchange *x)
{
    Workers *workers = x->server->workers;

    x->dispatched = true;
    conn_set_due(x->conn, x->endpoint->endless ? 0 : x->request.deadline + SECONDS(5));
    if (!exchange_check_body(x))
        return refuse(x);
    if (x->endpoint->inline_ok) {
        x->inline_run = true;
        handle(x);
        return queue(x);
    }
    if (!workers_reserve(workers)) {
        bool stops = atomic_load_explicit(&x->server->cut, memory_order_relaxed);

        observe_rejected(x->server, stops ? "stop" : "queue");
        (void)err_set(&x->err, ERR_BUSY, stops ? "the server stops" : "too many requests are waiting");
        return refuse(x);
    }
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
    /* Under the lock because the worker resumes under it: so never before it is suspended. */
    pthread_mutex_t *lock = lock_take(&x->lock);
    x->suspended = true;
    MHD_suspend_connection(x->connection);
    lock_drop(&lock);
    workers_put(workers, x);
    return MHD_YES;
}

/* A part of the body. What is over the limit is read and dropped, so that the client gets to read the 413. */
static enum MHD_Result receive(Exchange *x, Str data)
{
    enum { DROPPED_MAX = 64 * 1024 * 1024 };
    size_t max = x->endpoint->body_max;

    if (x->dropped || data.len > max - x->upload.len) {
        x->dropped += data.len;
        return x->dropped < DROPPED_MAX ? MHD_YES : MHD_NO;
    }
    buf_put(&x->upload, data);
    return MHD_YES;
}

static bool expects_body(const Exchange *x)
{
    Str length = pairs_header(x->request.headers, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length.len && !str_eq_z(length, "0")) ||
           pairs_header(x->request.headers, MHD_HTTP_HEADER_TRANSFER_ENCODING).len;
}

enum MHD_Result exchange_on_access(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **exchange)
{
    Exchange *x = *exchange;

    (void)server, (void)connection, (void)url, (void)version;
    if (!x->begun) {
        x->begun = true;
        x->request.method = str_copy(&x->arena, str_from_z(method));
        x->refused = !exchange_begin(x);
        /* An answer before the end of the request closes the connection: so only if there is a body not to be read. */
        return x->refused && expects_body(x) ? refuse(x) : MHD_YES;
    }
    if (*size) {
        enum MHD_Result result = receive(x, (Str){data, *size});

        *size = 0;
        return result;
    }
    if (x->refused)
        return refuse(x);
    return x->dispatched ? queue(x) : dispatch(x);
}

void exchange_on_completed(void *server, struct MHD_Connection *connection, void **exchange,
                           enum MHD_RequestTerminationCode code)
{
    Exchange *x = *exchange;
    Server *own = server;

    (void)connection;
    if (!x)
        return;
    *exchange = NULL;
    if (x->reply.events)
        events_leave(x->reply.events, x->reply.cursor);
    pthread_mutex_t *lock = lock_take(&x->lock);
    x->gone = true;
    (void)pthread_cond_signal(&x->room);
    lock_drop(&lock);

    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    observe_done(x, info && code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? (int)info->http_status : 499);
    conn_set_due(x->conn, time_monotonic() + own->options.idle + own->options.read_time);
    if (x->response)
        MHD_destroy_response(x->response);
    exchange_unref(x);
    atomic_fetch_sub_explicit(&own->running, 1, memory_order_release);
}
