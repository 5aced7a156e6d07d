/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and logged about requests. */
#include <fcntl.h>

#include "base/os.h"
#include "http/server.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static char dir[] = "/tmp/strata-observe-test-XXXXXX";
static char log_path[64];
static unsigned port;

static bool text(Request *request, Reply *reply, Err *err)
{
    (void)err;
    for (int64_t i = 0; i < arg_number(request, "bytes"); i++)
        buf_put_byte(&reply->body, 'x');
    return true;
}

static const Route routes[] = {
    {"GET", "/text/{name}", "Text",
     PARAMS({"name", PARAM_TEXT, IN_PATH}, {"bytes", PARAM_UINT, .default_text = "5"}), .handler = text},
};

/* A request is counted when it has ended, which may be a moment after its client has the answer. */
static Answer fetch_metrics(Arena *arena)
{
    for (;;) {
        Answer a = fetch(port, arena, "GET", "/metrics", "");

        if (a.status != 200 ||
            (str_has(a.body, "status=\"404\"} 1\n") && str_has(a.body, "strata_http_running 1\n")))
            return a;
        time_sleep(MILLISECONDS(1));
    }
}

static void requests_are_counted_by_route_and_status(void)
{
    ARENA_SCOPE(arena);

    (void)fetch(port, &arena, "GET", "/text/a", "");
    (void)fetch(port, &arena, "GET", "/text/b?bytes=7", "");
    (void)fetch(port, &arena, "GET", "/text/a?bytes=x", "");
    (void)fetch(port, &arena, "GET", "/a/path/nobody/knows", "");
    Answer a = fetch_metrics(&arena);
    CHECK(a.status == 200 && str_starts(answer_header(&a, "Content-Type"), STR("text/plain; version=0.0.4")));
    CHECK(str_has(a.body,
                  "strata_http_requests_total{method=\"GET\",route=\"/text/{name}\",status=\"200\"} 2\n"));
    CHECK(str_has(a.body,
                  "strata_http_requests_total{method=\"GET\",route=\"/text/{name}\",status=\"400\"} 1\n"));
    CHECK(str_has(a.body, "strata_http_requests_total{method=\"-\",route=\"none\",status=\"404\"} 1\n"));
    CHECK(str_has(a.body, "strata_http_request_seconds_count{method=\"GET\",route=\"/text/{name}\"} 3\n"));
    CHECK(str_has(a.body, "strata_http_running 1\n") && str_has(a.body, "strata_build_info{version="));
    CHECK(!str_has(a.body, "nobody/knows"));
}

/* What the server logged up to and with `what`. */
static Str read_log(Arena *arena, const char *what)
{
    for (;;) {
        BUF_SCOPE(log);
        Err err = {0};

        CHECK(os_read_file(log_path, 1 << 20, &log, &err));
        if (str_has(buf_str(&log), what))
            return str_copy(arena, buf_str(&log));
        time_sleep(MILLISECONDS(1));
    }
}

static void a_request_is_one_line_in_the_log(void)
{
    ARENA_SCOPE(arena);

    (void)fetch(
        port, &arena, "GET", "/text/a%20\"b\\?bytes=7",
        "X-Request-Id: id-1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    Str log = read_log(&arena, "id=id-1");
    CHECK(str_has(log, "request method=GET target=/text/a%20\\x22b\\x5c?bytes=7 status=200 bytes=7 ms="));
    CHECK(str_has(log, " id=id-1 user=local peer=127.0.0.1 "
                       "traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"));
    (void)fetch(port, &arena, "GET", "/nothing", "X-Request-Id: id-2\r\ntraceparent: rubbish\r\n");
    log = read_log(&arena, "id=id-2");
    CHECK(str_has(log, "target=/nothing status=404") && !str_has(log, "rubbish"));
}

int main(void)
{
    Err err = {0};
    FD_SCOPE(log);

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(log_path, sizeof log_path, "%s/log", dir);
    log = os_open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    Server *server = server_new(&(ServerOptions){.access_log = true}, &err);
    if (log < 0 || dup2(log, STDERR_FILENO) < 0 || !server ||
        !server_mount(server, routes, COUNT_OF(routes), NULL, &err) || !server_start(server, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    port = server_port(server);
    RUN(requests_are_counted_by_route_and_status);
    RUN(a_request_is_one_line_in_the_log);
    server_stop(server);
    server_free(server);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
