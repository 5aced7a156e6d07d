/* SPDX-License-Identifier: Apache-2.0 */
/* Long answers: back-pressure, clients that leave, failures in the middle, many at once. */
#include <pthread.h>
#include <stdatomic.h>
#include <zlib.h>

#include "http/server.h"
#include "test/check.h"
#include "test/unit/http/client.h"

enum { LONG = 8 * 1024 * 1024, LONGER = 64 * 1024 * 1024, SHORT = 256 * 1024, ROW = 64 };

static Server *server;
static unsigned port;
static atomic_int handed_over; /* bytes that the handler below could write */
static atomic_int given_up, running;

/* The row at so many bytes, which holds that number: by hand, since printf takes most of the time under a sanitizer. */
static void put_row(int64_t at, char row[ROW])
{
    static const char frame[] = "{\"at\":";
    size_t start = sizeof frame - 1, digits = 1;

    memset(row, ' ', ROW);
    memcpy(row, frame, start);
    memcpy(row + ROW - 2, "}\n", 2);
    for (int64_t rest = at; rest >= 10; rest /= 10)
        digits++;
    for (; digits > 0; at /= 10)
        row[start + --digits] = (char)('0' + at % 10);
}

/* Writes `bytes` in rows of 64; fails after `fail` bytes if that is given. */
static bool rows(Request *request, Reply *reply, Err *err)
{
    int64_t fail = arg_number(request, "fail");
    bool ok = true;

    atomic_fetch_add(&running, 1);
    reply->type = "application/x-ndjson";
    for (int64_t at = 0, bytes = arg_number(request, "bytes"); ok && at < bytes; at += ROW) {
        char row[ROW];

        put_row(at, row);
        if (fail && at >= fail)
            ok = err_set(err, ERR_DB, "the database went away");
        else
            buf_put(&reply->body, (Str){row, ROW});
        ok = ok && reply_flush(reply, err);
        if (ok)
            atomic_store(&handed_over, (int)at + ROW);
    }
    if (!ok && err->code == ERR_INTERRUPTED)
        atomic_fetch_add(&given_up, 1);
    atomic_fetch_sub(&running, 1);
    return ok;
}

/* Hands over one line at a time, each when the test says so. */
static atomic_int allowed;

static bool lines(Request *request, Reply *reply, Err *err)
{
    reply->type = "text/plain";
    for (int i = 0; i < 3; i++) {
        while (atomic_load(&allowed) <= i)
            if (!request_wanted(request, err))
                return false;
        if (i == 0)
            buf_put_z(&reply->body, "first\n");
        else
            buf_printf(&reply->body, "line %d\n", i);
        if (!reply_push(reply, err))
            return false;
    }
    return true;
}

/* Works until nobody wants the answer any more. */
static bool forever(Request *request, Reply *reply, Err *err)
{
    (void)reply;
    atomic_fetch_add(&running, 1);
    while (request_wanted(request, err))
        time_sleep(MILLISECONDS(1));
    atomic_fetch_sub(&running, 1);
    return false;
}

static const Route routes[] = {
    {"GET", "/rows", "Rows", PARAMS({"bytes", PARAM_SIZE, .default_text = "8M"}, {"fail", PARAM_SIZE}),
     .handler = rows},
    {"GET", "/inline", "Rows on the event thread",
     PARAMS({"bytes", PARAM_SIZE, .default_text = "1M"}, {"fail", PARAM_SIZE}), .handler = rows,
     .inline_ok = true},
    {"GET", "/lines", "Lines", .handler = lines},
    {"GET", "/forever", "Never", .handler = forever},
};

static bool is_rows(Str body, size_t bytes)
{
    bool good = body.len == bytes;

    for (size_t at = 0; good && at < bytes; at += ROW) {
        char row[ROW];

        put_row((int64_t)at, row);
        good = memcmp(body.ptr + at, row, ROW) == 0;
    }
    return good;
}

static void a_long_answer_arrives_whole_and_the_connection_goes_on(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);
    Answer a = client_ask(&client, &arena, STR("GET /rows HTTP/1.1\r\nHost: localhost\r\n\r\n"));

    CHECK(a.status == 200 && a.whole && is_rows(a.body, LONG));
    CHECK(str_eq_z(answer_header(&a, "Transfer-Encoding"), "chunked"));
    a = client_ask(&client, &arena, STR("GET /rows?bytes=6400 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CHECK(a.whole && is_rows(a.body, 6400) && str_eq_z(answer_header(&a, "Content-Length"), "6400"));
    a = client_ask(&client, &arena, STR("GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CHECK(a.whole && is_rows(a.body, 1 << 20) && answer_header(&a, "Content-Length").len);
}

static void pipelined_requests_are_answered_in_order(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);

    CHECK(client_send(&client, STR("GET /rows?bytes=640 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "GET /rows?bytes=1M HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    CHECK(is_rows(client_read(&client, &arena, false).body, 640));
    CHECK(is_rows(client_read(&client, &arena, false).body, 1 << 20));
    CHECK(str_has(client_read(&client, &arena, false).body, "ok"));
}

static void an_old_client_gets_it_until_the_connection_closes(void)
{
    CLIENT_SCOPE(client, port);

    CHECK(client_send(&client, STR("GET /rows?bytes=1M HTTP/1.0\r\n\r\n")));
    while (client_more(&client))
        ;
    Str all = buf_str(&client.in);
    const char *body = memmem(all.ptr, all.len, "\r\n\r\n", 4);
    CHECK(body && is_rows((Str){body + 4, all.len - (size_t)(body + 4 - all.ptr)}, 1 << 20));
}

static void the_handler_waits_for_a_slow_client(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);
    int before = -1;

    atomic_store(&handed_over, 0);
    CHECK(client_send(&client, STR("GET /rows?bytes=64M HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    /* The socket's buffers fill; then it stands still. */
    while (atomic_load(&handed_over) != before || before == 0) {
        before = atomic_load(&handed_over);
        time_sleep(MILLISECONDS(100));
    }
    CHECK(before < 32 * 1024 * 1024);
    Answer a = client_read(&client, &arena, false);
    CHECK(a.whole && is_rows(a.body, LONGER));
}

static void wait_until_idle(void)
{
    while (atomic_load(&running) > 0)
        time_sleep(MILLISECONDS(1));
}

static void a_client_that_hangs_up_frees_the_worker(void)
{
    for (int i = 0; i < 20; i++) {
        CLIENT_SCOPE(client, port);

        CHECK(client_send(&client, STR("GET /rows?bytes=1G HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        CHECK(client_wait(&client, 0, STR("\r\n\r\n")) > 0);
    }
    wait_until_idle();
    CHECK(atomic_load(&given_up) == 20);
}

static void a_client_that_hangs_up_before_the_answer_is_noticed(void)
{
    for (int i = 0; i < 20; i++) {
        CLIENT_SCOPE(client, port);

        CHECK(client_send(&client, STR("GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        while (i % 2 == 0 && atomic_load(&running) == 0)
            time_sleep(MILLISECONDS(1));
    }
    wait_until_idle();
    CHECK(atomic_load(&running) == 0);
}

static void a_failure_before_the_first_chunk_is_an_error_and_after_it_a_cut(void)
{
    ARENA_SCOPE(arena);
    Answer early = fetch(port, &arena, "GET", "/rows?fail=6400", "");
    Answer late = fetch(port, &arena, "GET", "/rows?fail=1M", "");
    Answer packed = fetch(port, &arena, "GET", "/rows?fail=1M", "Accept-Encoding: gzip\r\n");

    CHECK(early.status == 503 && str_has(early.body, "the database went away"));
    CHECK(late.status == 200 && !late.whole && late.body.len <= 1 << 20);
    CHECK(packed.status == 200 && !packed.whole);
}

static void head_of_a_long_answer_costs_no_body(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, port);

    atomic_store(&handed_over, 0);
    Answer a = client_ask(&client, &arena, STR("HEAD /rows?bytes=1G HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CHECK(a.status == 200 && atomic_load(&handed_over) < 1 << 20);
    /* How long it would be is not known, so the connection closes, without a byte of body. */
    CHECK(!client_more(&client) && client.in.len == 0);
}

static void a_compressed_stream_unpacks_to_the_same(void)
{
    ARENA_SCOPE(arena);
    Answer a = fetch(port, &arena, "GET", "/rows", "Accept-Encoding: gzip\r\n");
    char *out = arena_new(&arena, char, LONG + 1);
    union {
        const char *from;
        Bytef *to;
    } cast = {.from = a.body.ptr};
    z_stream stream = {
        .next_in = cast.to, .avail_in = (uInt)a.body.len, .next_out = (Bytef *)out, .avail_out = LONG + 1};

    CHECK(a.whole && a.body.len < LONG / 3 && str_eq_z(answer_header(&a, "Content-Encoding"), "gzip"));
    CHECK(inflateInit2(&stream, 15 + 16) == Z_OK);
    CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END && is_rows((Str){out, stream.total_out}, LONG));
    (void)inflateEnd(&stream);
}

static void what_is_pushed_arrives_before_the_rest_exists(void)
{
    CLIENT_SCOPE(client, port);

    atomic_store(&allowed, 1);
    CHECK(client_send(&client, STR("GET /lines HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    CHECK(client_wait(&client, 0, STR("first\n")) > 0);
    atomic_store(&allowed, 2);
    CHECK(client_wait(&client, 0, STR("line 1\n")) > 0);
    atomic_store(&allowed, 3);
    CHECK(client_wait(&client, 0, STR("line 2\n\r\n0\r\n\r\n")) > 0);
}

static void *read_rows(void *wrong)
{
    for (int i = 0; i < 5; i++) {
        ARENA_SCOPE(arena);
        CLIENT_SCOPE(client, port);
        Answer one =
            client_ask(&client, &arena, STR("GET /rows?bytes=6400 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        Answer two =
            client_ask(&client, &arena, STR("GET /rows?bytes=256K HTTP/1.1\r\nHost: localhost\r\n\r\n"));

        if (!is_rows(one.body, 6400) || !is_rows(two.body, SHORT))
            atomic_fetch_add((atomic_int *)wrong, 1);
    }
    return NULL;
}

static void a_hundred_clients_at_once_get_what_they_asked(void)
{
    pthread_t threads[100];
    atomic_int wrong = 0;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, read_rows, &wrong) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(atomic_load(&wrong) == 0);
}

int main(void)
{
    Err err = {0};

    server = server_new(&(ServerOptions){.workers = 8}, &err);
    if (!server || !server_mount(server, routes, COUNT_OF(routes), NULL, &err) ||
        !server_start(server, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    port = server_port(server);
    RUN(a_long_answer_arrives_whole_and_the_connection_goes_on);
    RUN(pipelined_requests_are_answered_in_order);
    RUN(an_old_client_gets_it_until_the_connection_closes);
    RUN(the_handler_waits_for_a_slow_client);
    RUN(a_client_that_hangs_up_frees_the_worker);
    RUN(a_client_that_hangs_up_before_the_answer_is_noticed);
    RUN(a_failure_before_the_first_chunk_is_an_error_and_after_it_a_cut);
    RUN(head_of_a_long_answer_costs_no_body);
    RUN(a_compressed_stream_unpacks_to_the_same);
    RUN(what_is_pushed_arrives_before_the_rest_exists);
    RUN(a_hundred_clients_at_once_get_what_they_asked);
    server_stop(server);
    server_free(server);
    DONE();
}
