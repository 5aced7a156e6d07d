/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/server -- an HTTP/1.1 service from tables of routes
 *
 *     Server *server = server_new(&options, err);
 *     server_mount(server, catalog_routes, COUNT_OF(catalog_routes), catalog, err);
 *     server_start(server, err);            prints nothing; server_url(server) is where it listens
 *     ...
 *     server_stop(server);                  finishes what runs
 *     server_free(server);
 *
 * Event threads read requests, find the route, check tokens and parameters, and send; handlers run on workers, so that
 * nothing they wait for (a database) holds up other clients. Every server answers by itself:
 *
 *     /healthz       200 while the process lives
 *     /readyz        200, or 503 with the names of the server_ready_check()s that fail and why
 *     /metrics       Prometheus text format 0.0.4
 *     /openapi.json  OpenAPI 3.0.3, from the tables
 *
 * The order in which an answer is looked for: hooks, in the order added; routes; the fallback (GET and HEAD only).
 *
 * Who may ask: with `tokens`, `Authorization: Bearer TOKEN`, and the role that the route needs (401, 403). Without, on
 * a loopback address, everybody is an admin called "local"; web pages of other sites are kept out then: a request
 * whose Host is a name other than localhost and `hosts`, or whose Origin is foreign and whose method changes things,
 * gets 403.
 *
 * What every limit does when it is reached:
 *
 *     connections        further clients wait in the listen queue
 *     per_ip             further connections of that address are closed
 *     header_bytes       431 or 414 (from libmicrohttpd, not JSON)
 *     body_bytes         413, and the connection is closed
 *     queue              503 with Retry-After
 *     idle               the connection is closed
 *     read_time          the connection is closed: the request did not arrive whole in time
 *     request_time       the handler's next reply_flush() or request_wanted() fails; 503 if nothing was sent yet, and
 *                        the connection is closed if something was
 *     url_pairs_max      400 (URL_PAIRS_MAX)
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/metrics.h"
#include "http/route.h"

typedef struct ServerOptions {
    const char
        *listen; /* "127.0.0.1:8080", "[::1]:0" (a free port), "localhost:80", "*:80"; NULL: 127.0.0.1:0 */
    const char *cert_file; /* PEM; both for TLS, or neither */
    const char *key_file;
    TokenFile *tokens; /* NULL: no tokens, everybody is an admin */
    bool open_to_all;  /* allow an address that is not loopback without TLS and tokens */
    const char
        *hosts;       /* "a.example,b.example": Host names allowed without tokens; NULL: none but localhost */
    const char *cors; /* Access-Control-Allow-Origin of every answer; NULL: none */
    bool access_log;  /* a line at info level for each request */

    unsigned event_threads; /* 0: 2 */
    unsigned workers;       /* 0: 16 */
    unsigned queue;         /* requests that wait for a worker; 0: 1024 */
    unsigned connections;   /* 0: 1024 */
    unsigned per_ip;        /* 0: no limit of its own */
    size_t header_bytes;    /* of the request line and headers, with their book-keeping; 0: 32 KiB */
    size_t body_bytes;      /* of a request; 0: 10 MiB */
    Duration idle;          /* on a connection with no traffic; 0: 60 s; whole seconds */
    Duration read_time;     /* for a request to arrive; 0: 60 s */
    Duration request_time;  /* for a request to be answered; 0: 300 s */
    Duration stop_time;     /* for running requests when the server stops; 0: 10 s */
    Duration heartbeat;     /* between comments on a quiet event stream; 0: 15 s */
} ServerOptions;

typedef struct Server Server;

/*
 * A server with its options, not yet listening. The texts in `options` must outlive it.
 *
 * ERR_CONFIG  the address cannot be read; or it is not loopback, and TLS or tokens are missing
 */
Server *server_new(const ServerOptions *options, Err *err) ATTR_MUST_USE;

/* All of these before server_start(), from one thread. The tables must outlive the server. */

/* Add routes; their handlers find `context` in request->context. ERR_BUG: the table is wrong. */
bool server_mount(Server *server, const Route *routes, size_t count, void *context, Err *err) ATTR_MUST_USE;

/* Named JSON schemas that Route.reply refers to. */
typedef struct ServerSchema {
    const char *name, *json;
} ServerSchema;
void server_schemas(Server *server, const ServerSchema *schemas, size_t count);

/*
 * A hook takes any request that it recognises, before the routes and whatever the path. Its parameters are its own
 * business: request->query, request_form(). `on_error` writes its own form of an error (NULL: the usual one), also
 * for those found before the handler runs (401, 403, 413, 503).
 */
typedef struct ServerHook {
    const char *name; /* for logs and metrics */
    bool (*matches)(const Request *request, void *context);
    RouteHandler *handler;
    void (*on_error)(const Request *request, Reply *reply, const Err *err, void *context);
    void *context;
    Role needs;
    size_t body_max; /* bytes; 0: the server's */
} ServerHook;
void server_add_hook(Server *server, const ServerHook *hook);

/* What answers a GET that no route does, `/` first of all. Fails with ERR_NOT_FOUND where there is nothing. */
void server_set_fallback(Server *server, RouteHandler *handler, void *context, Role needs);

/* A reason for /readyz to say 503: `check` fails with ERR_DB or any other code. Called from worker threads, one call at a time per request. */
void server_ready_check(Server *server, const char *name, bool (*check)(void *context, Err *err),
                        void *context);

/* The hub of its event streams. */
struct Events *server_events(Server *server);

/* The registry that /metrics prints, for others to add theirs. */
Metrics *server_metrics(Server *server);

/*
 * Listen and answer.
 *
 * ERR_IO      the address is taken or not this machine's, or threads cannot be started
 * ERR_CONFIG  the certificate or key cannot be read or do not fit: http/tls.h
 */
bool server_start(Server *server, Err *err) ATTR_MUST_USE;

/* Read certificate and key again, for connections to come; on failure those before stay. ERR_CONFIG. */
bool server_reload_tls(Server *server, Err *err) ATTR_MUST_USE;

/* When the certificate expires; 0 without TLS. Of a server that was started. */
Instant server_tls_expires(const Server *server);

/* "http://127.0.0.1:40123", with the real port. Valid until server_free(). */
const char *server_url(const Server *server);
unsigned server_port(const Server *server);

/*
 * Stop: accept no more, end event streams, let running requests finish for `stop_time`, then cut what is left. Returns
 * when no handler runs any more, so a handler that neither writes nor asks request_wanted() holds it up.
 */
void server_stop(Server *server);

/* Frees a server that was never started, or has been stopped. */
void server_free(Server *server);

#endif
