/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP service: made from [http], filled by every part's mount(), and its address told in DIR/run/http.url. */
#include "base/log.h"
#include "http/server.h"
#include "serve/part.h"
#include "serve/presence.h"

typedef struct Http {
    Server *server;
    TokenFile *tokens;
} Http;

static const HttpSection *section_of(const Daemon *daemon)
{
    return conf_get(instance_conf(daemon_instance(daemon)), &http_section, (Str){0});
}

static const char *text_or_null(Arena *arena, Str text)
{
    return text.len ? str_to_z(arena, text) : NULL;
}

static ServerOptions options_of(Daemon *daemon, const Http *http)
{
    const HttpSection *section = section_of(daemon);
    const Instance *instance = daemon_instance(daemon);
    Arena *arena = daemon_arena(daemon);

    return (ServerOptions){
        .listen = str_to_z(arena, section->listen),
        .cert_file = instance_below(instance, arena, section->cert),
        .key_file = instance_below(instance, arena, section->key),
        .tokens = http->tokens,
        .open_to_all = section->open_to_all,
        .hosts = text_or_null(arena, section->hosts),
        .cors = text_or_null(arena, section->cors),
        .access_log = section->access_log,
        .workers = (unsigned)section->workers,
        .connections = (unsigned)section->connections,
        .per_ip = (unsigned)section->per_ip,
        .body_bytes = (size_t)section->body_bytes,
        .idle = section->idle,
        .request_time = section->request_time,
        .stop_time = section->stop_time,
    };
}

static bool open_tokens(Daemon *daemon, Http *http, Err *err)
{
    const char *path =
        instance_below(daemon_instance(daemon), daemon_arena(daemon), section_of(daemon)->tokens);

    if (!path)
        return true;
    http->tokens = token_file_open(path, err);
    return http->tokens != NULL;
}

static bool listen_at(Daemon *daemon, Http *http, const ServerOptions *options, Err *err)
{
    Server *server = server_new(options, err);

    if (!server)
        return false;
    if (!daemon_mount(daemon, server, err) || !server_start(server, err)) {
        server_free(server);
        return false;
    }
    http->server = server;
    return true;
}

/* "127.0.0.1:0" with the port of the last time; NULL when there was none. */
static const char *last_address(Daemon *daemon, const char *listen)
{
    const char *dir = instance_path(daemon_instance(daemon));
    Str any = str_from_z(listen), port;
    Err ignored;
    int64_t number;

    if (!str_ends(any, STR(":0")) || !presence_get(dir, "http.port", daemon_arena(daemon), &port, &ignored) ||
        !str_to_int64(str_trim(port), &number))
        return NULL;
    return str_printf(daemon_arena(daemon), "%.*s:%lld", STR_ARG(str_sub(any, 0, any.len - 2)),
                      (long long)number)
        .ptr;
}

/* With "any port", bookmarks go on working when the port of the last time is still free. */
static bool listen_again_or_anew(Daemon *daemon, Http *http, Err *err)
{
    ServerOptions options = options_of(daemon, http), again = options;

    again.listen = last_address(daemon, options.listen);
    return (again.listen && listen_at(daemon, http, &again, err)) || listen_at(daemon, http, &options, err);
}

static bool tell(const Daemon *daemon, const Http *http, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *dir = instance_path(daemon_instance(daemon)), *url = server_url(http->server);

    log_line(LOG_INFO, "listening url=%s", url);
    return presence_put(dir, "http.port", str_printf(&scratch, "%u\n", server_port(http->server)), err) &&
           presence_put(dir, "http.url", str_printf(&scratch, "%s\n", url), err);
}

static void close_all(Daemon *daemon, Http *http)
{
    presence_remove(instance_path(daemon_instance(daemon)), "http.url");
    if (http->server) {
        server_stop(http->server);
        server_free(http->server);
    }
    if (http->tokens)
        token_file_close(http->tokens);
}

static bool start(Daemon *daemon, Err *err)
{
    Http *http = arena_new(daemon_arena(daemon), Http, 1);

    daemon_keep(daemon, &part_http, http);
    if (open_tokens(daemon, http, err) && listen_again_or_anew(daemon, http, err) && tell(daemon, http, err))
        return true;
    close_all(daemon, http);
    return err_wrap(err, "cannot start the HTTP service");
}

static void stop(Daemon *daemon)
{
    close_all(daemon, daemon_kept(daemon, &part_http));
}

static void describe(Daemon *daemon, Buf *out)
{
    const Http *http = daemon_kept(daemon, &part_http);

    buf_put_z(out, server_url(http->server));
}

const ServePart part_http = {.name = "http", .start = start, .stop = stop, .describe = describe};
