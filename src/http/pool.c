/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges are made once and used again: a request then costs no allocation but what its handler takes. */
#include "base/lock.h"
#include "http/core.h"
#include "http/gzip.h"

static Exchange *take_free(Server *server)
{
    LOCK_SCOPE(held, &server->lock);
    Exchange *x = server->free;

    if (x) {
        server->free = x->next_free;
        server->free_count--;
    }
    return x;
}

static Exchange *make(Server *server)
{
    Arena arena = {0};
    Exchange *x = arena_new(&arena, Exchange, 1);

    x->home = arena;
    x->server = server;
    (void)pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&x->room, &attr);
    (void)pthread_condattr_destroy(&attr);
    return x;
}

Exchange *exchange_new(Server *server)
{
    Exchange *x = take_free(server);

    if (!x)
        x = make(server);
    x->began = time_monotonic();
    x->request.arena = &x->arena;
    x->request.exchange = x;
    x->reply.exchange = x;
    x->reply.status = 200;
    atomic_store_explicit(&x->refs, 1, memory_order_relaxed);
    return x;
}

static void give_back(Buf *buf)
{
    if (buf->size > EXCHANGE_BUF_KEPT)
        buf_release(buf);
    buf_reset(buf);
}

/* Ready for another request: everything zero but what is expensive to make. */
static void clean(Exchange *x)
{
    if (x->gzip)
        gzip_free(x->gzip);
    arena_reset(&x->arena);
    give_back(&x->upload);
    give_back(&x->reply.body);
    give_back(&x->packed);
    give_back(&x->out);
    x->conn = NULL;
    x->connection = NULL;
    x->response = NULL;
    x->request = (Request){0};
    x->reply = (Reply){.body = x->reply.body};
    x->endpoint = NULL;
    x->match = (RouteMatch){0};
    x->allow = (Str){0};
    x->err.code = ERR_NONE;
    x->gzip = NULL;
    x->out_at = x->dropped = 0;
    x->begun = x->refused = x->dispatched = x->head = x->takes_gzip = x->inline_run = false;
    x->suspended = x->streaming = x->done = x->broken = x->gone = false;
    atomic_store_explicit(&x->sent, 0, memory_order_relaxed);
}

static void destroy(Exchange *x)
{
    arena_free(&x->arena);
    buf_release(&x->upload);
    buf_release(&x->reply.body);
    buf_release(&x->packed);
    buf_release(&x->out);
    (void)pthread_cond_destroy(&x->room);
    (void)pthread_mutex_destroy(&x->lock);

    Arena home = x->home;
    arena_free(&home);
}

static bool keep(Exchange *x)
{
    Server *server = x->server;
    LOCK_SCOPE(held, &server->lock);

    if (server->free_count == EXCHANGES_KEPT)
        return false;
    x->next_free = server->free;
    server->free = x;
    server->free_count++;
    return true;
}

void exchange_unref(Exchange *x)
{
    if (atomic_fetch_sub_explicit(&x->refs, 1, memory_order_acq_rel) != 1)
        return;
    clean(x);
    if (!keep(x))
        destroy(x);
}

void exchange_free_all(Server *server)
{
    for (Exchange *x; (x = take_free(server));)
        destroy(x);
}
