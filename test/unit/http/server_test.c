/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sees of routes, parameters, errors, users and headers. */
#include "http/server.h"

#include <zlib.h>

#include "base/os.h"
#include "http/listing.h"
#include "http/pages.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static unsigned port;      /* of the server without tokens */
static unsigned safe_port; /* of the one with */
static char dir[] = "/tmp/strata-server-test-XXXXXX";
static char token_path[64];

/* Repeats what it was given. */
static bool echo(Request *request, Reply *reply, Err *err)
{
    JsonOut out = reply_json(reply);

    (void)err;
    json_begin(&out, '{');
    json_key(&out, "shard");
    json_str(&out, arg_text(request, "shard"));
    json_key(&out, "path");
    json_str(&out, arg_text(request, "path"));
    json_key(&out, "limit");
    json_int(&out, arg_number(request, "limit"));
    json_key(&out, "user");
    json_str(&out, request->user.name);
    json_key(&out, "uid");
    json_int(&out, request->user.filtered ? (int64_t)request->user.uid : -1);
    json_key(&out, "peer");
    json_str(&out, request->peer);
    json_end(&out, '}');
    return true;
}

static bool save(Request *request, Reply *reply, Err *err)
{
    (void)err;
    reply->status = 201;
    reply->type = "text/plain";
    buf_put(&reply->body, arg_text(request, "note"));
    return true;
}

static bool take_json(Request *request, Reply *reply, Err *err)
{
    (void)err;
    JsonOut out = reply_json(reply);
    json_raw(&out, request->body);
    return true;
}

static bool fail(Request *request, Reply *reply, Err *err)
{
    (void)request;
    buf_put_z(&reply->body, "half an ans");
    reply_header(reply, "X-Left", STR("over"));
    (void)err_set(err, ERR_DB, "the database is away");
    return err_hint(err, "wait");
}

static bool versioned(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    if (reply_etag(reply, STR("v1")))
        return true;
    reply->type = "text/plain";
    reply_header(reply, "X-Broken", STR("a\r\nSet-Cookie: b"));
    buf_put_z(&reply->body, "one");
    return true;
}

static bool text(Request *request, Reply *reply, Err *err)
{
    (void)err;
    reply->type = "text/plain";
    for (int64_t i = 0; i < arg_number(request, "bytes"); i++)
        buf_put_byte(&reply->body, (char)('a' + i % 26));
    return true;
}

static const char *const columns[] = {"name", "size", "at", "more", NULL};

static bool list(Request *request, Reply *reply, Err *err)
{
    Listing rows = listing_begin(reply, listing_format(request), columns);

    for (int i = 0; i < 2; i++) {
        listing_row(&rows);
        listing_str(&rows, i ? STR("a,\"b\"\n") : STR("plain"));
        listing_int(&rows, i);
        listing_time(&rows, SECONDS(i));
        if (i)
            listing_json(&rows, STR("{\"x\":1}"));
        else
            listing_null(&rows);
        if (!listing_row_end(&rows, err))
            return false;
    }
    return listing_end(&rows, STR("k2"), err);
}

static bool go_there(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    reply_redirect(reply, 301, STR("/healthz"));
    return true;
}

static const Route routes[] = {
    {"GET", "/api/{shard}/ls", "Echo",
     PARAMS({"shard", PARAM_TEXT, IN_PATH}, {"path", PARAM_RAW, .required = true}, PARAM_LIMIT("1000", "100"),
            PARAM_AFTER),
     .handler = echo, .needs = READER},
    {"POST", "/api/{shard}/ls", "Save",
     PARAMS({"shard", PARAM_TEXT, IN_PATH}, {"note", PARAM_TEXT, IN_FORM, .required = true}), .handler = save,
     .needs = WRITER, .body = BODY_FORM},
    {"POST", "/json", "Take JSON", .handler = take_json, .body = BODY_JSON, .body_max = 100},
    {"GET", "/fail", "Fail", .handler = fail},
    {"GET", "/versioned", "Versioned", .handler = versioned, .inline_ok = true},
    {"GET", "/text", "Text", PARAMS({"bytes", PARAM_UINT, .default_text = "5000"}), .handler = text},
    {"GET", "/list", "List", PARAMS(PARAM_FORMAT), .handler = list},
    {"GET", "/go", "Redirect", .handler = go_there, .inline_ok = true},
};

static bool is_mas(const Request *request, void *context)
{
    (void)context;
    return pairs_find(request->query, "intersects") != NULL;
}

static bool answer_mas(Request *request, Reply *reply, Err *err)
{
    Pairs form;

    if (!request_form(request, &form, err))
        return false;
    const Pair *wkt = pairs_find(form, "wkt");
    if (!wkt)
        wkt = pairs_find(request->query, "wkt");
    if (!wkt)
        return err_set(err, ERR_USAGE, "no wkt");
    buf_printf(&reply->body, "%.*s|%.*s", STR_ARG(request->path), STR_ARG(wkt->value));
    return true;
}

static void mas_error(const Request *request, Reply *reply, const Err *err, void *context)
{
    (void)request, (void)context;
    reply->status = 400;
    reply->type = "text/plain; charset=utf-8";
    buf_printf(&reply->body, "{ \"error\": \"%s\" }\n", err->text);
}

static const ServerHook hook = {.name = "mas",
                                .matches = is_mas,
                                .handler = answer_mas,
                                .on_error = mas_error,
                                .needs = READER,
                                .body_max = 1000};

static const Page page_table[] = {{"/", "text/html", {"<p>hello</p>", 12}, {"", 0}, "e1"}};
static const Pages pages = {page_table, COUNT_OF(page_table), NULL};

static bool database_away(void *context, Err *err)
{
    return *(bool *)context || err_set(err, ERR_DB, "no database");
}

static bool database_ready = true;

static Server *start(const ServerOptions *options)
{
    Err err = {0};
    Server *server = server_new(options, &err);
    union {
        const Pages *from;
        void *to;
    } cast = {.from = &pages};

    if (!server || !server_mount(server, routes, COUNT_OF(routes), NULL, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    server_add_hook(server, &hook);
    server_set_fallback(server, pages_answer, cast.to, NOBODY);
    server_ready_check(server, "database", database_away, &database_ready);
    if (!server_start(server, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return server;
}

static void parameters_arrive_typed(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/api/a%2Fb/ls?path=/x%20y+z(1),:&limit=7", "");

    CHECK(a.status == 200 && str_eq_z(answer_header(&a, "Content-Type"), "application/json"));
    CHECK(str_eq_z(a.body,
                   "{\"shard\":\"a/b\",\"path\":\"/x y z(1),:\",\"limit\":7,\"user\":\"local\",\"uid\":-1,"
                   "\"peer\":\"127.0.0.1\"}"));
    a = fetch(port, &arena, "GET", "http://localhost/api/s/ls/?path=%ff", "");
    CHECK(a.status == 200 && str_has(a.body, "\"limit\":100"));
}

static void wrong_requests_get_one_clear_error(void)
{
    static const struct {
        const char *method, *target, *headers;
        int status;
        const char *says;
    } rows[] = {
        {"GET", "/api/s/ls", "", 400,
         "{\"error\":{\"code\":\"USAGE\",\"message\":\"parameter 'path' is missing\""},
        {"GET", "/api/s/ls?path=/&limit=0", "", 400, "'limit'"},
        {"GET", "/api/s/ls?path=/&path=/", "", 400, "more than once"},
        {"GET", "/api/s/ls?path=/&nix=1", "", 400, "'nix'"},
        {"GET", "/api/%ff/ls?path=/", "", 400, "'shard'"},
        {"GET", "/api/%4/ls?path=/", "", 400, "two hex digits"},
        {"GET", "/api/s/ls?path=%00", "", 400, "'path'"},
        {"GET", "/api/s/ls?path=/", "Content-Length: 3\r\n", 400, "no body"},
        {"GET", "/nothing", "", 404, "\"code\":\"NOT_FOUND\""},
        {"PUT", "/nothing", "", 404, "NOT_FOUND"},
        {"DELETE", "/api/s/ls?path=/", "", 405, "\"code\":\"METHOD\""},
        {"BREW", "/fail", "", 405, "METHOD"},
        {"POST", "/api/s/ls", "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", 400,
         "form-urlencoded"},
        {"POST", "/json", "Content-Type: application/json\r\nContent-Length: 101\r\n", 413, "LIMIT"},
        {"POST", "/json", "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n\xff", 400, "UTF-8"},
        {"GET", "/fail", "", 503,
         "{\"error\":{\"code\":\"DB\",\"message\":\"the database is away\",\"hint\":\"wait\"}}"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ARENA_SCOPE(arena);
        Answer a = fetch(port, &arena, rows[i].method, rows[i].target, rows[i].headers);

        if (a.status != rows[i].status)
            printf("# row %zu: %d %.*s\n", i, a.status, STR_ARG(a.body));
        CHECK(a.status == rows[i].status && str_has(a.body, rows[i].says));
        CHECK(a.status != 503 || str_eq_z(answer_header(&a, "Retry-After"), "1"));
        CHECK(a.status != 405 || str_has(answer_header(&a, "Allow"), "GET, HEAD"));
        CHECK(answer_header(&a, "X-Left").len == 0);
    }
}

static void bodies_are_taken_as_their_route_says(void)
{
    ARENA_SCOPE(arena);
    Answer a =
        fetch(port, &arena, "POST", "/api/s/ls",
              "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 12\r\n\r\n"
              "note=a%20b+c");

    CHECK(a.status == 201 && str_eq_z(a.body, "a b c"));
    a = fetch(
        port, &arena, "POST", "/json",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n");
    CHECK(a.status == 200 && str_eq_z(a.body, "{\"a\":1}"));
    a = fetch(port, &arena, "POST", "/json",
              "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(a.status == 200 && str_eq_z(a.body, "{}"));
}

static void too_long_a_chunked_body_is_read_and_refused(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);
    BUF_SCOPE(body);

    buf_put_z(&body, "POST /json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&body, "64\r\n%0100d\r\n", i);
    buf_put_z(&body, "0\r\n\r\n");
    Answer a = client_ask(&client, &arena, buf_str(&body));
    CHECK(a.status == 413 && str_has(a.body, "more than 100"));
}

static void head_gives_the_head_of_get(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);
    Answer get = client_ask(&client, &arena, STR("GET /text HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    Answer head = client_ask(&client, &arena, STR("HEAD /text HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    Answer again = client_ask(&client, &arena, STR("GET /text HTTP/1.1\r\nHost: localhost\r\n\r\n"));

    CHECK(get.status == 200 && get.body.len == 5000 && head.status == 200 && head.body.len == 0);
    CHECK(str_eq_z(answer_header(&head, "Content-Length"), "5000"));
    CHECK(str_eq(answer_header(&head, "ETag"), answer_header(&get, "ETag")) && again.body.len == 5000);
}

static void options_tells_what_can_be_asked(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "OPTIONS", "/api/s/ls", "");

    CHECK(a.status == 204 && str_has(answer_header(&a, "Allow"), "POST"));
    CHECK(answer_header(&a, "Access-Control-Allow-Origin").len == 0);
    a = fetch(port, &arena, "OPTIONS", "*", "");
    CHECK(a.status == 204 && str_has(answer_header(&a, "Allow"), "DELETE"));
    a = fetch(port, &arena, "OPTIONS", "/nothing", "");
    CHECK(a.status == 404);
    a = fetch(safe_port, &arena, "OPTIONS", "/api/s/ls", "Origin: https://map.example\r\n");
    CHECK(a.status == 204 &&
          str_eq_z(answer_header(&a, "Access-Control-Allow-Origin"), "https://map.example"));
    CHECK(str_has(answer_header(&a, "Access-Control-Allow-Methods"), "GET"));
}

static void an_answer_the_client_has_is_not_sent_again(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/versioned", "");

    CHECK(a.status == 200 && str_eq_z(answer_header(&a, "ETag"), "W/\"v1\""));
    CHECK(str_eq_z(answer_header(&a, "X-Broken"), "aSet-Cookie: b") &&
          answer_header(&a, "Set-Cookie").len == 0);
    a = fetch(port, &arena, "GET", "/versioned", "If-None-Match: \"v0\", W/\"v1\"\r\n");
    CHECK(a.status == 304 && a.body.len == 0 && str_eq_z(answer_header(&a, "ETag"), "W/\"v1\""));
    a = fetch(port, &arena, "GET", "/versioned", "If-None-Match: \"v2\"\r\n");
    CHECK(a.status == 200);

    a = fetch(port, &arena, "GET", "/text", "");
    Str same = str_printf(&arena, "If-None-Match: %.*s\r\n", STR_ARG(answer_header(&a, "ETag")));
    CHECK(fetch(port, &arena, "GET", "/text", same.ptr).status == 304);
    CHECK(fetch(port, &arena, "GET", "/text?bytes=4999", same.ptr).status == 200);
}

static bool unzip(Str packed, char *out, size_t size, size_t *len)
{
    union {
        const char *from;
        Bytef *to;
    } cast = {.from = packed.ptr};
    z_stream stream = {
        .next_in = cast.to, .avail_in = (uInt)packed.len, .next_out = (Bytef *)out, .avail_out = (uInt)size};

    (void)inflateInit2(&stream, 15 + 16);
    int status = inflate(&stream, Z_FINISH);
    *len = stream.total_out;
    (void)inflateEnd(&stream);
    return status == Z_STREAM_END;
}

static void answers_are_compressed_for_those_who_want_it(void)
{
    ARENA_SCOPE(arena);
    char text_again[6000];
    size_t len;
    Answer plain = fetch(port, &arena, "GET", "/text", "");
    Answer packed = fetch(port, &arena, "GET", "/text", "Accept-Encoding: br, gzip\r\n");
    Answer small = fetch(port, &arena, "GET", "/text?bytes=100", "Accept-Encoding: gzip\r\n");

    CHECK(answer_header(&plain, "Content-Encoding").len == 0);
    CHECK(str_eq_z(answer_header(&plain, "Vary"), "Accept-Encoding"));
    CHECK(str_eq_z(answer_header(&packed, "Content-Encoding"), "gzip") && packed.body.len < 1000);
    CHECK(unzip(packed.body, text_again, sizeof text_again, &len));
    CHECK(str_eq((Str){text_again, len}, plain.body));
    CHECK(answer_header(&small, "Content-Encoding").len == 0 && small.body.len == 100);
}

static void rows_come_in_the_form_asked_for(void)
{
    ARENA_SCOPE(arena);
    Answer json = fetch(port, &arena, "GET", "/list", "");
    Answer lines = fetch(port, &arena, "GET", "/list", "Accept: application/x-ndjson\r\n");
    Answer csv = fetch(port, &arena, "GET", "/list?format=csv", "Accept: application/json\r\n");

    CHECK(str_eq_z(
        json.body,
        "{\"items\":[{\"name\":\"plain\",\"size\":0,\"at\":\"1970-01-01T00:00:00Z\",\"more\":null},"
        "{\"name\":\"a,\\\"b\\\"\\n\",\"size\":1,\"at\":\"1970-01-01T00:00:01Z\",\"more\":{\"x\":1}}],"
        "\"next\":\"k2\"}"));
    CHECK(str_eq_z(
        lines.body,
        "{\"name\":\"plain\",\"size\":0,\"at\":\"1970-01-01T00:00:00Z\",\"more\":null}\n"
        "{\"name\":\"a,\\\"b\\\"\\n\",\"size\":1,\"at\":\"1970-01-01T00:00:01Z\",\"more\":{\"x\":1}}\n"
        "{\"next\":\"k2\"}\n"));
    CHECK(str_eq_z(csv.body, "name,size,at,more\nplain,0,1970-01-01T00:00:00Z,\n"
                             "\"a,\"\"b\"\"\n\",1,1970-01-01T00:00:01Z,\"{\"\"x\"\":1}\"\n"));
    CHECK(str_starts(answer_header(&csv, "Content-Type"), STR("text/csv")));
}

static void a_hook_takes_its_requests_whatever_the_path(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "//g/d%61ta?x&intersects&wkt=POLYGON((0 0,1 1))", "");

    CHECK(a.status == 0); /* a blank in the request line is not HTTP: closed */
    a = fetch(port, &arena, "GET", "//g/d%61ta?x&intersects&wkt=POLYGON((0%200,1+1))", "");
    CHECK(a.status == 200 && str_eq_z(a.body, "//g/data|POLYGON((0 0,1 1))"));
    a = fetch(port, &arena, "POST", "/list?intersects",
              "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nwkt=P+Q");
    CHECK(a.status == 200 && str_eq_z(a.body, "/list|P Q"));
    a = fetch(port, &arena, "PUT", "/list?intersects&a=%zz", "");
    CHECK(a.status == 400 && str_eq_z(a.body, "{ \"error\": \"no wkt\" }\n"));
    CHECK(str_eq_z(answer_header(&a, "Content-Type"), "text/plain; charset=utf-8"));
    a = fetch(port, &arena, "POST", "/?intersects", "Content-Length: 1001\r\n");
    CHECK(a.status == 400 && str_has(a.body, "{ \"error\": \"the body has 1001 bytes"));
    a = fetch(safe_port, &arena, "GET", "/x?intersects&wkt=P", "");
    CHECK(a.status == 400 && str_has(a.body, "a token is needed"));
}

static void pages_and_redirects(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/", "");

    CHECK(a.status == 200 && str_eq_z(a.body, "<p>hello</p>") &&
          answer_header(&a, "Content-Security-Policy").len);
    CHECK(fetch(port, &arena, "GET", "/", "If-None-Match: W/\"e1\"\r\n").status == 304);
    CHECK(fetch(port, &arena, "HEAD", "/x", "").status == 404);
    a = fetch(port, &arena, "GET", "/go", "");
    CHECK(a.status == 301 && str_eq_z(answer_header(&a, "Location"), "/healthz"));
}

static void a_request_has_an_id(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/healthz", ""), b = fetch(port, &arena, "GET", "/healthz", "");

    CHECK(answer_header(&a, "X-Request-Id").len == 16);
    CHECK(!str_eq(answer_header(&a, "X-Request-Id"), answer_header(&b, "X-Request-Id")));
    a = fetch(port, &arena, "GET", "/healthz", "X-Request-Id: abc-1.2_3\r\n");
    CHECK(str_eq_z(answer_header(&a, "X-Request-Id"), "abc-1.2_3"));
    a = fetch(port, &arena, "GET", "/healthz", "X-Request-Id: a b\"c\r\n");
    CHECK(answer_header(&a, "X-Request-Id").len == 16);
}

static void tokens_decide_who_may_what(void)
{
    static const struct {
        const char *method, *target, *authorization;
        int status;
        const char *says;
    } rows[] = {
        {"GET", "/api/s/ls?path=/", "", 401, "UNAUTHORIZED"},
        {"GET", "/api/s/ls?path=/", "Authorization: Bearer nix\r\n", 401, "UNAUTHORIZED"},
        {"GET", "/api/s/ls?path=/", "Authorization: Basic read\r\n", 401, "UNAUTHORIZED"},
        {"GET", "/api/s/ls?path=/", "Authorization: bearer read\r\n", 200, "\"user\":\"ann\",\"uid\":1000"},
        {"GET", "/api/s/ls?path=/", "Authorization: Bearer write\r\n", 200, "\"user\":\"bob\",\"uid\":-1"},
        {"POST", "/api/s/ls", "Authorization: Bearer read\r\n", 403, "DENIED"},
        {"POST", "/api/s/ls", "Authorization: Bearer write\r\n", 400, "'note'"},
        {"POST", "/api/s/ls", "", 401, "UNAUTHORIZED"},
        {"GET", "/healthz", "Authorization: Bearer nix\r\n", 200, "ok"},
        {"GET", "/metrics", "", 401, "UNAUTHORIZED"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ARENA_SCOPE(arena);
        Answer a = fetch(safe_port, &arena, rows[i].method, rows[i].target, rows[i].authorization);

        CHECK(a.status == rows[i].status && str_has(a.body, rows[i].says));
        CHECK(a.status != 401 || str_starts(answer_header(&a, "WWW-Authenticate"), STR("Bearer")));
    }
}

static Answer fetch_as(Arena *arena, const char *method, const char *host, const char *origin)
{
    CLIENT_SCOPE(client, port);

    return client_ask(&client, arena,
                      str_printf(arena, "%s /api/s/ls?path=/ HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n", method,
                                 host, origin ? "Origin: " : "", origin ? origin : "", origin ? "\r\n" : ""));
}

static void pages_of_other_sites_are_kept_out(void)
{
    ARENA_SCOPE(arena);

    CHECK(fetch_as(&arena, "GET", "localhost:80", NULL).status == 200);
    CHECK(fetch_as(&arena, "GET", "127.0.0.1", NULL).status == 200);
    CHECK(fetch_as(&arena, "GET", "[::1]:80", NULL).status == 200);
    CHECK(fetch_as(&arena, "GET", "ours.example:80", NULL).status == 200);
    CHECK(fetch_as(&arena, "GET", "evil.example", NULL).status == 403);
    CHECK(fetch_as(&arena, "GET", "1.evil.example", NULL).status == 403);
    CHECK(fetch_as(&arena, "GET", "localhost", "http://evil.example").status == 200);
    CHECK(fetch_as(&arena, "POST", "localhost", "http://evil.example").status == 403);
    CHECK(fetch_as(&arena, "POST", "localhost", "null").status == 403);
    CHECK(fetch_as(&arena, "POST", "localhost", "http://localhost").status == 400);
}

static void readiness_names_what_is_missing(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/readyz", "");

    CHECK(a.status == 200 && str_has(a.body, "\"status\":\"ready\""));
    database_ready = false;
    a = fetch(port, &arena, "GET", "/readyz", "");
    CHECK(a.status == 503 &&
          str_has(a.body, "{\"name\":\"database\",\"ready\":false,\"message\":\"no database\"}"));
    CHECK(str_has(a.body, "\"status\":\"not ready\""));
    database_ready = true;
    CHECK(fetch(port, &arena, "GET", "/healthz", "").status == 200);
}

static void addresses_beyond_this_machine_need_tls_and_tokens(void)
{
    static const char *const bad[] = {"0.0.0.0:0", "*:0", "[::]:0", "192.0.2.1:80"};
    static const char *const wrong[] = {"127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "example.org:80",
                                        "::1:80:"};
    Err err = {0};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK(!server_new(&(ServerOptions){.listen = bad[i]}, &err) && err.code == ERR_CONFIG);
        Server *server = server_new(&(ServerOptions){.listen = bad[i], .open_to_all = true}, &err);
        CHECK(server != NULL);
        server_free(server);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(!server_new(&(ServerOptions){.listen = wrong[i]}, &err) && err.code == ERR_CONFIG);
    CHECK(!server_new(&(ServerOptions){.cert_file = "/x"}, &err) && err.code == ERR_CONFIG);
}

static void a_taken_port_is_an_error(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    ServerOptions options = {.listen = str_printf(&arena, "127.0.0.1:%u", port).ptr};
    Server *server = server_new(&options, &err);

    CHECK(server && !server_start(server, &err) && err.code == ERR_IO && strstr(err.text, "cannot serve at"));
    server_free(server);
}

static TokenFile *write_tokens(void)
{
    BUF_SCOPE(file);
    Err err = {0};

    (void)snprintf(token_path, sizeof token_path, "%s/tokens", dir);
    token_put_hash(&file, STR("read"));
    buf_put_z(&file, " reader ann uid=1000 groups=5\n");
    token_put_hash(&file, STR("write"));
    buf_put_z(&file, " writer bob\n");
    CHECK(os_write_file(token_path, buf_str(&file), 0600, &err));
    return token_file_open(token_path, &err);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    TokenFile *tokens = write_tokens();
    Server *server = start(&(ServerOptions){.hosts = "a.example, ours.example"});
    Server *safe =
        start(&(ServerOptions){.listen = "127.0.0.1:0", .tokens = tokens, .cors = "https://map.example"});
    port = server_port(server);
    safe_port = server_port(safe);
    RUN(parameters_arrive_typed);
    RUN(wrong_requests_get_one_clear_error);
    RUN(bodies_are_taken_as_their_route_says);
    RUN(too_long_a_chunked_body_is_read_and_refused);
    RUN(head_gives_the_head_of_get);
    RUN(options_tells_what_can_be_asked);
    RUN(an_answer_the_client_has_is_not_sent_again);
    RUN(answers_are_compressed_for_those_who_want_it);
    RUN(rows_come_in_the_form_asked_for);
    RUN(a_hook_takes_its_requests_whatever_the_path);
    RUN(pages_and_redirects);
    RUN(a_request_has_an_id);
    RUN(tokens_decide_who_may_what);
    RUN(pages_of_other_sites_are_kept_out);
    RUN(readiness_names_what_is_missing);
    RUN(addresses_beyond_this_machine_need_tls_and_tokens);
    RUN(a_taken_port_is_an_error);
    server_stop(server);
    server_stop(safe);
    server_free(server);
    server_free(safe);
    token_file_close(tokens);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
