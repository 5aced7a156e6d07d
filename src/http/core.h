/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/core -- what the server's own files share; nobody outside http/ includes this
 *
 * An Exchange is one request with its reply. Two threads know it: the event thread of its connection, from the request
 * line until libmicrohttpd says that the request is completed, and the worker that runs its handler. Each holds a
 * reference. A connection is suspended while its handler runs and while a stream has nothing to send; `suspended` and
 * the stream's fields change under `lock`, so that it is resumed exactly once.
 *
 *     event thread              worker
 *     on_target  (new)
 *     on_access  begin
 *                dispatch  ---> run: handler
 *                               whole: response made   |  stream: response made at the first chunk
 *     on_access  send  <--- resume
 *     on_stream  drains `out`   <--- reply_flush fills it, waits for `room`
 *     on_completed
 *
 * Order of locks: Exchange.lock, then libmicrohttpd's own. Server.lock and Events' lock are never held with the first.
 */
#ifndef HTTP_CORE_H
#define HTTP_CORE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/events.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/workers.h"

enum {
    STATUS_SLOTS = 24,              /* statuses whose counters an endpoint keeps at hand */
    EXCHANGES_KEPT = 64,            /* finished ones kept for the next request */
    EXCHANGE_BUF_KEPT = 256 * 1024, /* a longer buffer is given back between requests, bytes */
};

/* What can answer: a route, a hook, the fallback, or nothing. */
typedef struct Endpoint {
    const Route *route;
    const ServerHook *hook;
    RouteHandler *handler;
    void *context;
    Role needs;
    RouteBody body;
    size_t body_max;
    bool inline_ok, endless;
    const char *method, *label; /* for metrics */
    MetricCell *seconds;
    _Atomic(MetricCell *) by_status[STATUS_SLOTS];
} Endpoint;

/* A client's connection, from accept to close. */
typedef struct Conn {
    struct Conn *next, *prev; /* in Server.conns */
    Arena home;               /* what this struct is in */
    Server *server;
    int fd;
    atomic_int_fast64_t due; /* time_monotonic() at which it is closed; 0: not while it is as now */
    char peer[64];
} Conn;

typedef struct Exchange {
    Server *server;
    Conn *conn;
    struct MHD_Connection *connection;
    Arena arena; /* of the request */
    Arena home;  /* what this struct is in */
    Request request;
    Reply reply;
    Endpoint *endpoint;
    RouteMatch match;
    Str allow; /* of a 405 */
    Err err;   /* the handler's, on whichever thread it runs */
    Buf upload;
    Duration began;                  /* time_monotonic() */
    bool begun, refused, dispatched; /* event thread only */
    size_t dropped;                  /* bytes of body beyond body_max, read and forgotten */
    bool head, takes_gzip;           /* of the request */
    bool inline_run;                 /* the handler runs on the event thread */
    struct MHD_Response *response;   /* made, not yet queued */
    struct Gzip *gzip;               /* of a stream */
    Buf packed;                      /* gzip output */
    atomic_int refs;
    atomic_uint_fast64_t sent; /* bytes of body */
    struct Exchange *next_free;

    pthread_mutex_t lock;
    pthread_cond_t room;
    Buf out; /* the chunk being sent, from out_at */
    size_t out_at;
    bool suspended;
    bool streaming; /* the first chunk has been handed over */
    bool done;      /* the handler has returned */
    bool broken;    /* the stream must end in a cut connection */
    bool gone;      /* completed: nobody reads any more */
} Exchange;

typedef struct ReadyCheck {
    const char *name;
    bool (*check)(void *context, Err *err);
    void *context;
    struct ReadyCheck *next;
} ReadyCheck;

typedef struct RouteTable {
    const Route *routes;
    size_t count;
    struct RouteTable *next;
} RouteTable;

typedef struct SchemaTable {
    const ServerSchema *schemas;
    size_t count;
    struct SchemaTable *next;
} SchemaTable;

typedef struct HookEntry {
    ServerHook hook;
    Endpoint *endpoint;
    struct HookEntry *next;
} HookEntry;

/* The server's own metrics; rows in builtin.c, same order. */
typedef enum OwnMetric {
    OWN_REQUESTS,
    OWN_SECONDS,
    OWN_BYTES,
    OWN_REJECTED,
    OWN_CONNECTIONS,
    OWN_RUNNING,
    OWN_QUEUED,
    OWN_SUBSCRIBERS,
    OWN_START,
    OWN_CPU,
    OWN_MEMORY,
    OWN_FDS,
    OWN_BUILD,
    OWN_COUNT
} OwnMetric;

struct Server {
    Arena arena;
    ServerOptions options; /* with defaults filled in */
    bool loopback;
    char *url;
    unsigned port;
    Router *router;
    HookEntry *hooks, **hooks_end;
    Endpoint *fallback, *nothing;
    RouteTable *tables, **tables_end;
    SchemaTable *schemas;
    ReadyCheck *checks;
    Metrics *metrics;
    Metric *own[OWN_COUNT];
    MetricCell *bytes;
    Events *events;
    Workers *workers;
    struct MHD_Daemon *daemon;
    Tls *tls; /* NULL without */
    pthread_t ticker, acceptor;
    bool ticking;
    int listening, wake;   /* of the acceptor; -1 without one */
    atomic_uint connected; /* connections taken in and not yet closed */
    uint64_t id_seed;
    atomic_uint_fast64_t id_count;
    atomic_int running; /* exchanges between on_target and on_completed */
    atomic_bool stopping, cut;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t tick;  /* stopping */
    Conn *conns;
    Exchange *free;
    size_t free_count;
};

/* listen.c: read "host:port". */
typedef struct Address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    bool is_v6, is_loopback;
} Address;

/* ERR_CONFIG  it is not "host:port" with a host that is an address, localhost or * */
bool address_parse(const char *text, Address *out, Err *err) ATTR_MUST_USE;
/* A listening socket; *port gets the real one. ERR_IO */
int address_listen(const Address *address, unsigned *port, Err *err) ATTR_MUST_USE;
void address_put_url(Buf *buf, const Address *address, unsigned port, bool tls);

/* acceptor.c: the thread that takes connections in, and has `fd` when this succeeds. ERR_IO */
bool acceptor_start(Server *server, int fd, Err *err) ATTR_MUST_USE;
void acceptor_stop(Server *server);

/* conn.c: connections, and the thread that closes those that take too long. */
void conn_notify(void *server, struct MHD_Connection *connection, void **conn,
                 enum MHD_ConnectionNotificationCode code);
void conn_set_due(Conn *conn, Duration due);
void *conn_tick(void *arg);

/* exchange.c: libmicrohttpd's callbacks, and the work on a request. */
void *exchange_on_target(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_on_access(void *server, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data, size_t *size,
                                   void **exchange);
void exchange_on_completed(void *server, struct MHD_Connection *connection, void **exchange,
                           enum MHD_RequestTerminationCode code);
void exchange_run(void *exchange); /* on a worker */

/* The endpoint for something that can answer, in the server's arena. */
Endpoint *endpoint_new(Server *server, const char *method, const char *label);

/* pool.c: exchanges, used again and again. */
Exchange *exchange_new(Server *server);
void exchange_unref(Exchange *x);
void exchange_free_all(Server *server);

/* begin.c: from the headers to an endpoint, a user and parameters. False with x->err. */
bool exchange_begin(Exchange *x);
bool exchange_check_body(Exchange *x);

/* send.c: make x->response from the reply. */
void send_whole(Exchange *x);
void send_stream(Exchange *x);
void send_events(Exchange *x);
void send_forget(Exchange *x); /* drop what send_stream() made, before anything has gone */

/* stream.c */
ssize_t stream_read(void *exchange, uint64_t at, char *data, size_t max);
void stream_end(Exchange *x, bool ok);
void exchange_resume(Exchange *x); /* with x->lock held */

/* events.c: the reader of an event stream's reply, its end, and what the ticker does once a second. */
ssize_t events_read(void *arg, uint64_t at, char *data, size_t max);
void events_leave(Events *events, struct EventCursor *cursor);
void events_tick(Events *events);

/* builtin.c and openapi.c: the routes every server has. */
extern const Route builtin_routes[];
extern const size_t builtin_route_count;
/* ERR_BUG: a row is wrong. */
bool builtin_metrics(Server *server, Err *err) ATTR_MUST_USE;
void openapi_print(const Server *server, Buf *buf);

/* observe.c: the metrics and access log of a finished request; `status` 499 when the client left before an answer. */
void observe_done(Exchange *x, int status);
void observe_rejected(Server *server, const char *reason);

#endif
