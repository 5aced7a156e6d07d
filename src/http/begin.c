/* SPDX-License-Identifier: Apache-2.0 */
/* From the headers of a request to what answers it, who asks, and its parameters. */
#include <strings.h>

#include "http/accept.h"
#include "http/core.h"

/* Copied, because a stream's handler may still read them when libmicrohttpd has forgotten the connection. */
static enum MHD_Result copy_header(void *exchange, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    Exchange *x = exchange;
    Pairs *headers = &x->request.headers;

    (void)kind;
    headers->at[headers->count++] = (Pair){.name = str_copy(&x->arena, (Str){name, name_len}),
                                           .value = str_copy(&x->arena, (Str){value, value ? value_len : 0})};
    return MHD_YES;
}

static void copy_headers(Exchange *x)
{
    int count = MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, NULL, NULL);

    x->request.headers.at = arena_new(&x->arena, Pair, count > 0 ? (size_t)count : 1);
    (void)MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, copy_header, x);
}

/* A client's request id is kept when it is short and cannot break a log line. */
static bool is_sane_id(Str id)
{
    if (!id.len || id.len > 64)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
              c == '_' || c == '.'))
            return false;
    }
    return true;
}

/* splitmix64 of a counter: unlike its neighbours, and never twice in a process. */
static uint64_t mix(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static Str make_id(Exchange *x)
{
    static const char digits[] = "0123456789abcdef";
    Server *server = x->server;
    uint64_t n = atomic_fetch_add_explicit(&server->id_count, 1, memory_order_relaxed);
    char *text = arena_new(&x->arena, char, 17);

    n = mix(server->id_seed + n * 0x9e3779b97f4a7c15u);
    for (int i = 15; i >= 0; i--, n >>= 4)
        text[i] = digits[n & 15];
    return (Str){text, 16};
}

/* "00-<32 hex>-<16 hex>-<2 hex>" (W3C Trace Context, section 3.2). */
static bool is_traceparent(Str text)
{
    static const char form[] = "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";

    if (text.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (form[i] == 'h' ? !hex : c != form[i])
            return false;
    }
    return true;
}

static void read_headers(Exchange *x)
{
    Request *request = &x->request;

    copy_headers(x);
    Str id = pairs_header(request->headers, "X-Request-Id");
    Str trace = pairs_header(request->headers, "traceparent");
    request->id = is_sane_id(id) ? id : make_id(x);
    request->traceparent = is_traceparent(trace) ? trace : (Str){"", 0};
    x->head = str_eq_z(request->method, "HEAD");
    x->takes_gzip = accept_has(pairs_header(request->headers, "Accept-Encoding"), "gzip");
}

static bool find_hook(Exchange *x)
{
    for (HookEntry *entry = x->server->hooks; entry; entry = entry->next) {
        if (entry->hook.matches(&x->request, entry->hook.context)) {
            x->endpoint = entry->endpoint;
            return true;
        }
    }
    return false;
}

/* OPTIONS: what can be asked here; for a browser that asks before it asks (CORS) as well. */
static void answer_options(Exchange *x, Str allow)
{
    x->reply.status = MHD_HTTP_NO_CONTENT;
    reply_header(&x->reply, MHD_HTTP_HEADER_ALLOW, allow);
    if (x->server->options.cors) {
        reply_header(&x->reply, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, allow);
        reply_header(&x->reply, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS,
                     STR("Authorization, Content-Type, Last-Event-ID, X-Request-Id"));
        reply_header(&x->reply, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, STR("600"));
    }
}

static bool find_endpoint(Exchange *x)
{
    Server *server = x->server;
    bool options = str_eq_z(x->request.method, "OPTIONS");
    bool reads = x->head || str_eq_z(x->request.method, "GET");
    Str allow = {"", 0};
    Err *err = &x->err;

    x->endpoint = server->nothing;
    if (options && str_eq_z(x->request.path_raw, "*")) {
        answer_options(x, STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        return false;
    }
    if (!options && find_hook(x))
        return true;
    if (router_find(server->router, x->request.method, x->request.path_raw, &x->arena, &x->match, &allow,
                    err)) {
        x->endpoint = x->match.data;
        return true;
    }
    if (err->code == ERR_NOT_FOUND && reads && server->fallback) {
        err->code = ERR_NONE;
        x->endpoint = server->fallback;
        return true;
    }
    if (err->code == ERR_METHOD && options) {
        err->code = ERR_NONE;
        answer_options(x, allow);
    }
    x->allow = allow;
    return false;
}

/* Whether `host` ("name", "name:port", "1.2.3.4:80", "[::1]:80") is one that no other site can be called. */
static bool is_own_host(const Server *server, Str host)
{
    Str name = host, rest = str_from_z(server->options.hosts);

    if (!host.len || host.ptr[0] == '[')
        return true;
    (void)str_cut(host, ':', &name);
    bool address = true;
    for (size_t i = 0; i < name.len; i++)
        address = address && ((name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '.');
    if (address || (name.len == 9 && strncasecmp(name.ptr, "localhost", 9) == 0))
        return true;
    while (rest.len) {
        Str one;

        rest = str_cut(rest, ',', &one);
        one = str_trim(one);
        if (one.len == name.len && strncasecmp(one.ptr, name.ptr, one.len) == 0)
            return true;
    }
    return false;
}

/* "http://host:port" is the address asked, whatever the scheme. */
static bool is_same_origin(Str origin, Str host)
{
    const char *colons = origin.len ? memmem(origin.ptr, origin.len, "://", 3) : NULL;

    return colons && str_eq(str_sub(origin, (size_t)(colons - origin.ptr) + 3, origin.len), host);
}

/*
 * Without tokens everybody on this machine is an admin, also the browser that runs some site's script: so that script
 * must not be able to send what changes things (foreign Origin), nor to read by calling its own name a loopback address
 * (DNS rebinding: foreign Host).
 */
static bool check_site(Exchange *x)
{
    Str host = pairs_header(x->request.headers, "Host"), origin = pairs_header(x->request.headers, "Origin");
    bool changes = !x->head && !str_eq_z(x->request.method, "GET");

    if (x->server->loopback && !is_own_host(x->server, host)) {
        (void)err_set(&x->err, ERR_DENIED, "this service does not go by the name '%.*s'",
                      STR_ARG(str_sub(host, 0, 100)));
        return err_hint(&x->err, "name it in the option for hosts, or use an address or localhost");
    }
    if (changes && origin.len && !is_same_origin(origin, host))
        return err_set(&x->err, ERR_DENIED, "pages of '%.*s' may not change anything here",
                       STR_ARG(str_sub(origin, 0, 100)));
    return true;
}

static bool identify(Exchange *x)
{
    TokenFile *tokens = x->server->options.tokens;
    Str sent = pairs_header(x->request.headers, "Authorization"), scheme;

    if (!tokens || !token_file_in_use(tokens)) {
        x->request.user = (User){.role = ADMIN, .name = STR("local")};
        return x->endpoint->needs == NOBODY || check_site(x);
    }
    Str token = str_trim(str_cut(sent, ' ', &scheme));
    if (!token.len || scheme.len != 6 || strncasecmp(scheme.ptr, "bearer", 6) != 0)
        return true;
    return token_find(tokens, token, &x->arena, &x->request.user, &x->err) || x->endpoint->needs == NOBODY;
}

static bool authorize(Exchange *x)
{
    Role needs = x->endpoint->needs;
    const User *user = &x->request.user;

    if (!identify(x))
        return false;
    x->err.code = ERR_NONE;
    if (user->role >= needs)
        return true;
    if (user->role == NOBODY) {
        (void)err_set(&x->err, ERR_UNAUTHORIZED, "a token is needed");
        return err_hint(&x->err, "send the header 'Authorization: Bearer TOKEN'");
    }
    return err_set(&x->err, ERR_DENIED, "'%.*s' is a %s, this needs a %s", STR_ARG(user->name),
                   role_name(user->role), role_name(needs));
}

/* What the Content-Length says is checked before a byte of the body is read. */
static bool check_length(Exchange *x)
{
    Str sent = pairs_header(x->request.headers, "Content-Length");
    uint64_t length = 0;

    if (sent.len && str_to_uint64(sent, &length) && length > x->endpoint->body_max)
        return err_set(&x->err, ERR_LIMIT, "the body has %llu bytes, more than %zu",
                       (unsigned long long)length, x->endpoint->body_max);
    if (length && x->endpoint->body == BODY_NONE)
        return err_set(&x->err, ERR_USAGE, "%s %s takes no body", x->endpoint->method, x->endpoint->label);
    return true;
}

bool exchange_begin(Exchange *x)
{
    Request *request = &x->request;

    x->endpoint = x->server->nothing;
    read_headers(x);
    url_split(request->target, &request->path_raw, &request->query_raw);
    (void)url_decode(&x->arena, request->path_raw, false, &request->path);
    if (!url_pairs(&x->arena, request->query_raw, &request->query, &x->err) || !find_endpoint(x))
        return false;
    request->route = x->endpoint->route;
    request->context = x->endpoint->context;
    return authorize(x) && check_length(x);
}

static bool check_type(Exchange *x)
{
    static const char *const types[] = {
        [BODY_FORM] = "application/x-www-form-urlencoded",
        [BODY_JSON] = "application/json",
        [BODY_ANY] = NULL,
    };
    const char *type = types[x->endpoint->body];

    if (x->request.body.len && type && !request_is_type(&x->request, type))
        return err_set(&x->err, ERR_USAGE, "the body must be %s", type);
    if (x->endpoint->body == BODY_JSON && str_utf8_prefix(x->request.body) != x->request.body.len)
        return err_set(&x->err, ERR_USAGE, "the body is not UTF-8");
    return true;
}

bool exchange_check_body(Exchange *x)
{
    const Route *route = x->endpoint->route;
    Pairs form = {0};

    if (x->dropped)
        return err_set(&x->err, ERR_LIMIT, "the body has more than %zu bytes", x->endpoint->body_max);
    x->request.body = buf_str(&x->upload);
    if (x->request.body.len && x->endpoint->body == BODY_NONE)
        return err_set(&x->err, ERR_USAGE, "%s %s takes no body", x->endpoint->method, x->endpoint->label);
    if (!check_type(x))
        return false;
    if (!route)
        return true;
    if (x->endpoint->body == BODY_FORM && !request_form(&x->request, &form, &x->err))
        return false;
    Value *values = arena_new(&x->arena, Value, route->param_count + 1);
    x->request.values = values;
    return param_check(route->params, route->param_count, x->request.query, form, x->match.path,
                       route->any_params, &x->arena, values, &x->err);
}
