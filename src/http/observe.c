/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and logged about a request when it is over. */
#include <stdio.h>

#include "base/log.h"
#include "http/core.h"

/* The statuses this server sends; what is not among them is looked up each time. */
static const short usual[STATUS_SLOTS] = {200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400,
                                          401, 403, 404, 405, 409, 413, 415, 499, 500, 503, 422, 429};

static MetricCell *look_up(const Exchange *x, int status)
{
    char text[12];

    (void)snprintf(text, sizeof text, "%d", status);
    return metric_cell(x->server->own[OWN_REQUESTS],
                       (const char *[]){x->endpoint->method, x->endpoint->label, text});
}

static MetricCell *status_cell(const Exchange *x, int status)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        if (usual[i] != status)
            continue;
        MetricCell *cell = atomic_load_explicit(&x->endpoint->by_status[i], memory_order_acquire);
        if (!cell) {
            cell = look_up(x, status);
            atomic_store_explicit(&x->endpoint->by_status[i], cell, memory_order_release);
        }
        return cell;
    }
    return look_up(x, status);
}

/* `text` as it can stand in a line of key=value pairs. */
static Str in_line(Arena *arena, Str text)
{
    BUF_SCOPE(buf);

    for (size_t i = 0; i < text.len && buf.len < 1024; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
            buf_put_byte(&buf, (char)c);
        else
            buf_printf(&buf, "\\x%02x", c);
    }
    return str_copy(arena, buf_str(&buf));
}

static void log_request(Exchange *x, int status, Duration took, uint64_t bytes)
{
    const Request *request = &x->request;
    Str user = request->user.name.len ? in_line(&x->arena, request->user.name) : STR("-");
    Str target = in_line(&x->arena, request->target);
    Str method = in_line(&x->arena, request->method);

    log_line(LOG_INFO,
             "request method=%.*s target=%.*s status=%d bytes=%llu ms=%.3f id=%.*s user=%.*s peer=%.*s%s%.*s",
             STR_ARG(method), STR_ARG(target), status, (unsigned long long)bytes, (double)took / 1000,
             STR_ARG(request->id), STR_ARG(user), STR_ARG(request->peer),
             request->traceparent.len ? " traceparent=" : "", STR_ARG(request->traceparent));
}

void observe_done(Exchange *x, int status)
{
    Duration took = time_monotonic() - x->began;
    uint64_t bytes = atomic_load_explicit(&x->sent, memory_order_relaxed);

    if (!x->endpoint) /* it ended before its headers had arrived */
        return;
    metric_add(status_cell(x, status), 1);
    metric_observe(x->endpoint->seconds, (double)took / 1e6);
    metric_add(x->server->bytes, (double)bytes);
    if (x->server->options.access_log)
        log_request(x, status, took, bytes);
}

void observe_rejected(Server *server, const char *reason)
{
    metric_add(metric_cell(server->own[OWN_REJECTED], &reason), 1);
}
