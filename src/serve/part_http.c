/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP service: made from [http], filled by every part's mount(), and its address told in DIR/run/http.url. */
#include "base/log.h"
#include "serve/home.h"
#include "serve/http_options.h"
#include "serve/part.h"
#include "serve/presence.h"

enum { EXPIRES_SOON_DAYS = 14 };

typedef struct Http {
    Server *server;
    TokenFile *tokens;
    ErrCode tokens_told; /* what was last said about the file of tokens */
} Http;

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
    ServerOptions options = http_options(daemon_instance(daemon), daemon_arena(daemon), http->tokens);
    ServerOptions again = options;

    again.listen = last_address(daemon, options.listen);
    return (again.listen && listen_at(daemon, http, &again, err)) || listen_at(daemon, http, &options, err);
}

/* Days until the certificate expires; negative when it has. */
static int64_t days_left(const Http *http)
{
    Duration left = server_tls_expires(http->server) - time_now(), day = SECONDS(24 * 60 * 60);

    return left < 0 ? -1 : left / day;
}

static void tell_expiry(const Http *http)
{
    if (server_tls_expires(http->server) == 0)
        return;
    if (days_left(http) < 0)
        log_line(LOG_ERROR, "the certificate has expired: no client will take it");
    else if (days_left(http) < EXPIRES_SOON_DAYS)
        log_line(LOG_WARNING, "the certificate expires soon days=%lld", (long long)days_left(http));
}

static bool tell(const Daemon *daemon, const Http *http, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *dir = instance_path(daemon_instance(daemon)), *url = server_url(http->server);

    log_line(LOG_INFO, "listening url=%s", url);
    tell_expiry(http);
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
    if (http_open_tokens(daemon_instance(daemon), daemon_arena(daemon), &http->tokens, err) &&
        listen_again_or_anew(daemon, http, err) && tell(daemon, http, err))
        return true;
    close_all(daemon, http);
    return err_wrap(err, "cannot start the HTTP service");
}

static void stop(Daemon *daemon)
{
    close_all(daemon, daemon_kept(daemon, &part_http));
}

/* A change of the file that cannot be read leaves the tokens as they were: somebody should hear of it. */
static void tick(Daemon *daemon)
{
    Http *http = daemon_kept(daemon, &part_http);
    Err err = {0};

    if (!http->tokens)
        return;
    (void)!token_file_check(http->tokens, &err);
    if (err.code != ERR_NONE && err.code != http->tokens_told)
        log_err(LOG_ERROR, "the tokens were not read again", &err);
    http->tokens_told = err.code;
}

static void reload(Daemon *daemon)
{
    const Http *http = daemon_kept(daemon, &part_http);
    Err err = {0};

    if (!server_reload_tls(http->server, &err))
        log_err(LOG_ERROR, "the certificate stays as it was", &err);
    else
        tell_expiry(http);
}

static void describe(Daemon *daemon, Buf *out)
{
    const Http *http = daemon_kept(daemon, &part_http);
    Err err = {0};

    buf_put_z(out, server_url(http->server));
    buf_put_z(out, http->tokens && token_file_in_use(http->tokens) ? "; tokens" : "; no tokens");
    if (http->tokens && !token_file_check(http->tokens, &err))
        buf_printf(out, ", but %s", err.text);
    if (server_tls_expires(http->server) == 0)
        return;
    if (days_left(http) < 0)
        buf_put_z(out, "; the certificate has expired");
    else
        buf_printf(out, "; the certificate is good for %lld days", (long long)days_left(http));
}

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    (void)daemon;
    return home_mount(http, err);
}

const ServePart part_http = {.name = "http",
                             .start = start,
                             .stop = stop,
                             .mount = mount,
                             .tick = tick,
                             .reload = reload,
                             .describe = describe};
