/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/os.h"
#include "http/core.h"

static void fill_defaults(ServerOptions *options)
{
#define USUALLY(field, value) options->field = options->field ? options->field : (value)
    USUALLY(listen, "127.0.0.1:0");
    USUALLY(event_threads, 2);
    USUALLY(workers, 16);
    USUALLY(queue, 1024);
    USUALLY(connections, 1024);
    USUALLY(header_bytes, (size_t)32 * 1024);
    USUALLY(body_bytes, (size_t)10 * 1024 * 1024);
    USUALLY(idle, SECONDS(60));
    USUALLY(read_time, SECONDS(60));
    USUALLY(request_time, SECONDS(300));
    USUALLY(stop_time, SECONDS(10));
    USUALLY(heartbeat, SECONDS(15));
#undef USUALLY
}

static bool check_exposure(const ServerOptions *options, const Address *address, Err *err)
{
    bool tokens = options->tokens && token_file_in_use(options->tokens);

    if (address->is_loopback || options->open_to_all || (options->cert_file && tokens))
        return true;
    (void)err_set(err, ERR_CONFIG, "address '%s' can be reached from outside, which needs TLS and tokens",
                  options->listen);
    if (!options->cert_file)
        return err_hint(err, "set cert and key in section [http], or listen on 127.0.0.1");
    return err_hint(err, "there is no token yet: strata token create --role admin");
}

static bool add_builtin(Server *server, Err *err)
{
    server->nothing = endpoint_new(server, "-", "none");
    server->nothing->body_max = server->options.body_bytes;
    return server_mount(server, builtin_routes, builtin_route_count, server, err);
}

static void init_sync(Server *server)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&server->tick, &attr);
    (void)pthread_condattr_destroy(&attr);
}

Server *server_new(const ServerOptions *options, Err *err)
{
    Arena arena = {0};
    Server *server = arena_new(&arena, Server, 1);
    Address address;

    server->arena = arena;
    server->options = *options;
    server->listening = -1;
    fill_defaults(&server->options);
    server->hooks_end = &server->hooks;
    server->tables_end = &server->tables;
    init_sync(server);
    (void)gnutls_rnd(GNUTLS_RND_NONCE, &server->id_seed, sizeof server->id_seed);
    server->router = router_new(&server->arena);
    server->metrics = metrics_new();
    server->events = events_new(server->options.heartbeat);
    bool ok = (!server->options.cert_file == !server->options.key_file ||
               err_set(err, ERR_CONFIG, "TLS needs a certificate and a key, only one is given")) &&
              address_parse(server->options.listen, &address, err) &&
              check_exposure(&server->options, &address, err) && builtin_metrics(server, err) &&
              add_builtin(server, err);
    if (ok) {
        server->loopback = address.is_loopback;
        return server;
    }
    server_free(server);
    return NULL;
}

Endpoint *endpoint_new(Server *server, const char *method, const char *label)
{
    Endpoint *endpoint = arena_new(&server->arena, Endpoint, 1);

    endpoint->method = method;
    endpoint->label = label;
    endpoint->body_max = server->options.body_bytes;
    endpoint->seconds = metric_cell(server->own[OWN_SECONDS], (const char *[]){method, label});
    return endpoint;
}

bool server_mount(Server *server, const Route *routes, size_t count, void *context, Err *err)
{
    for (size_t i = 0; i < count; i++) {
        const Route *route = &routes[i];
        Endpoint *endpoint = endpoint_new(server, route->method, route->path);

        endpoint->route = route;
        endpoint->handler = route->handler;
        endpoint->context = context;
        endpoint->needs = route->needs;
        endpoint->body = route->body;
        endpoint->inline_ok = route->inline_ok;
        endpoint->endless = route->endless;
        if (route->body_max)
            endpoint->body_max = route->body_max;
        if (!router_add(server->router, route, endpoint, err))
            return false;
    }
    RouteTable *table = arena_new(&server->arena, RouteTable, 1);
    *table = (RouteTable){routes, count, NULL};
    *server->tables_end = table;
    server->tables_end = &table->next;
    return true;
}

void server_schemas(Server *server, const ServerSchema *schemas, size_t count)
{
    SchemaTable *table = arena_new(&server->arena, SchemaTable, 1);

    *table = (SchemaTable){schemas, count, server->schemas};
    server->schemas = table;
}

void server_add_hook(Server *server, const ServerHook *hook)
{
    HookEntry *entry = arena_new(&server->arena, HookEntry, 1);
    Endpoint *endpoint = endpoint_new(server, "-", hook->name);

    entry->hook = *hook;
    entry->endpoint = endpoint;
    endpoint->hook = &entry->hook;
    endpoint->handler = hook->handler;
    endpoint->context = hook->context;
    endpoint->needs = hook->needs;
    endpoint->body = BODY_ANY;
    if (hook->body_max)
        endpoint->body_max = hook->body_max;
    *server->hooks_end = entry;
    server->hooks_end = &entry->next;
}

void server_set_fallback(Server *server, RouteHandler *handler, void *context, Role needs)
{
    Endpoint *endpoint = endpoint_new(server, "GET", "fallback");

    endpoint->handler = handler;
    endpoint->context = context;
    endpoint->needs = needs;
    server->fallback = endpoint;
}

void server_ready_check(Server *server, const char *name, bool (*check)(void *context, Err *err),
                        void *context)
{
    ReadyCheck *entry = arena_new(&server->arena, ReadyCheck, 1);

    *entry = (ReadyCheck){name, check, context, server->checks};
    server->checks = entry;
}

Metrics *server_metrics(Server *server)
{
    return server->metrics;
}

Events *server_events(Server *server)
{
    return server->events;
}

const char *server_url(const Server *server)
{
    return server->url;
}

unsigned server_port(const Server *server)
{
    return server->port;
}

/* libmicrohttpd's complaints are about clients (bad TLS, cut connections): of interest only when looking for them. */
ATTR_PRINTF(2, 0)
static void log_library(void *server, const char *fmt, va_list args)
{
    char text[512];

    (void)server;
    (void)vsnprintf(text, sizeof text, fmt, args);
    log_line(LOG_DEBUG, "libmicrohttpd: %.*s", STR_ARG(str_trim(str_from_z(text))));
}

/* Left as it is: percent signs are url.c's business. */
static size_t keep_escapes(void *server, struct MHD_Connection *connection, char *text)
{
    (void)server, (void)connection;
    return strlen(text);
}

static bool open_tls(Server *server, Err *err)
{
    if (!server->options.cert_file)
        return true;
    server->tls = tls_open(server->options.cert_file, server->options.key_file, err);
    return server->tls != NULL;
}

/* What a connection shows in its handshake. */
static int retrieve_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
                                int authority_count, const gnutls_pk_algorithm_t *algorithms,
                                int algorithm_count, gnutls_pcert_st **chain, unsigned *count,
                                gnutls_privkey_t *key)
{
    struct MHD_Connection *connection = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const Conn *conn = info->socket_context;

    (void)authorities, (void)authority_count, (void)algorithms, (void)algorithm_count;
    tls_get(conn->server->tls, chain, count, key);
    return 0;
}

bool server_reload_tls(Server *server, Err *err)
{
    return !server->tls || tls_reload(server->tls, err);
}

Instant server_tls_expires(const Server *server)
{
    return server->tls ? tls_expires(server->tls) : 0;
}

/* Each connection is a descriptor; the soft limit is raised as far as it goes. */
static void raise_descriptor_limit(unsigned connections)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= connections + 256u)
        return;
    limit.rlim_cur = limit.rlim_max < connections + 256u ? limit.rlim_max : connections + 256u;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static struct MHD_Daemon *start_daemon(Server *server)
{
    const ServerOptions *options = &server->options;
    struct MHD_OptionItem more[3] = {{MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    size_t used = 0;

    if (options->cert_file) {
        flags |= MHD_USE_TLS;
        more[used++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
                                               (void *)(intptr_t)retrieve_certificate};
    }
    if (options->event_threads > 1) /* a pool of one is refused */
        more[used++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, options->event_threads, NULL};
    more[used] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    /* The acceptor counts; with so high a limit any event thread can have them all. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_access, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, server,
        MHD_OPTION_CONNECTION_LIMIT, options->connections * options->event_threads,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->per_ip, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->header_bytes, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)((options->idle + SECONDS(1) - 1) / SECONDS(1)), MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        server, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        conn_notify, server, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static bool start_threads(Server *server, int *fd, Err *err)
{
    const ServerOptions *options = &server->options;

    server->workers = workers_start(options->workers, options->queue, exchange_run, err);
    if (!server->workers)
        return false;
    int error = pthread_create(&server->ticker, NULL, conn_tick, server);
    if (error)
        return err_set(err, ERR_IO, "cannot start a thread: %s", strerrordesc_np(error));
    server->ticking = true;
    raise_descriptor_limit(options->connections);
    server->daemon = start_daemon(server);
    if (!server->daemon)
        return err_set(err, ERR_IO, "cannot start the event threads");
    if (!acceptor_start(server, *fd, err))
        return false;
    *fd = -1;
    return true;
}

bool server_start(Server *server, Err *err)
{
    FD_SCOPE(fd);
    Address address;
    BUF_SCOPE(url);
    sigset_t all, before;

    if (!open_tls(server, err) || !address_parse(server->options.listen, &address, err))
        return false;
    fd = address_listen(&address, &server->port, err);
    if (fd < 0)
        return err_wrap(err, "cannot serve at '%s'", server->options.listen);
    address_put_url(&url, &address, server->port, server->options.cert_file);
    server->url = str_to_z(&server->arena, buf_str(&url));

    /* Signals are the main thread's business. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = start_threads(server, &fd, err);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok)
        server_stop(server);
    return ok;
}

/* Waits until no request runs, at most until `deadline`. */
static void wait_idle(Server *server, Duration deadline)
{
    while (atomic_load(&server->running) > 0 && time_monotonic() < deadline)
        time_sleep(MILLISECONDS(2));
}

static void stop_ticker(Server *server)
{
    if (!server->ticking)
        return;
    pthread_mutex_t *lock = lock_take(&server->lock);
    (void)pthread_cond_signal(&server->tick);
    lock_drop(&lock);
    (void)pthread_join(server->ticker, NULL);
    server->ticking = false;
}

void server_stop(Server *server)
{
    atomic_store(&server->stopping, true);
    acceptor_stop(server);
    if (server->daemon) {
        events_close(server->events);
        wait_idle(server, time_monotonic() + server->options.stop_time);
    }
    atomic_store(&server->cut, true);
    stop_ticker(server);
    /* After this nothing is suspended, which libmicrohttpd insists on. */
    if (server->workers)
        workers_stop(server->workers);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    if (server->workers)
        workers_free(server->workers);
    server->workers = NULL;
    server->daemon = NULL;
}

void server_free(Server *server)
{
    exchange_free_all(server);
    events_free(server->events);
    metrics_free(server->metrics);
    tls_close(server->tls);
    (void)pthread_cond_destroy(&server->tick);
    (void)pthread_mutex_destroy(&server->lock);

    Arena arena = server->arena;
    arena_free(&arena);
}
