/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at each limit of ServerOptions, and when a server stops while it works. */
#include <pthread.h>
#include <stdatomic.h>

#include "http/server.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static atomic_int running, finished;
static atomic_bool go_on;

/* Runs until the test lets it go, whatever happens to the client. */
static bool wait_for_test(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&go_on))
        time_sleep(MILLISECONDS(1));
    buf_put_z(&reply->body, "done");
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&finished, 1);
    return true;
}

static bool flood(Request *request, Reply *reply, Err *err)
{
    (void)request;
    for (;;) {
        buf_put(&reply->body, STR("0123456789abcdef0123456789abcdef"));
        if (!reply_flush(reply, err))
            return false;
    }
}

static bool until_late(Request *request, Reply *reply, Err *err)
{
    (void)reply;
    while (request_wanted(request, err))
        time_sleep(MILLISECONDS(1));
    return false;
}

static bool answer(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)err;
    buf_put_z(&reply->body, "ok");
    return true;
}

static const Route routes[] = {
    {"GET", "/wait", "Wait", .handler = wait_for_test},
    {"GET", "/flood", "Flood", .handler = flood},
    {"GET", "/late", "Late", .handler = until_late},
    {"GET", "/ok", "Ok", .handler = answer},
    {"POST", "/ok", "Ok", .handler = answer, .body = BODY_ANY},
};

static Server *start(const ServerOptions *options)
{
    Err err = {0};
    Server *server = server_new(options, &err);

    atomic_store(&go_on, false);
    atomic_store(&finished, 0);
    if (!server || !server_mount(server, routes, COUNT_OF(routes), NULL, &err) ||
        !server_start(server, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    return server;
}

static void end(Server *server)
{
    server_stop(server);
    server_free(server);
}

static void wait_running(int count)
{
    while (atomic_load(&running) != count)
        time_sleep(MILLISECONDS(1));
}

static const Str ask_wait = {"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n", 39};

static void a_full_queue_says_503_and_when_to_come_back(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.workers = 1, .queue = 1});
    CLIENT_SCOPE(first, server_port(server));
    CLIENT_SCOPE(second, server_port(server));
    Answer refused = {0}, waited;

    CHECK(client_send(&first, ask_wait));
    wait_running(1);
    CHECK(client_send(&second, ask_wait));
    /* The second takes the queue's only place, sooner or later. */
    while (refused.status != 503) {
        CLIENT_SCOPE(third, server_port(server));

        if (str_has(fetch(server_port(server), &arena, "GET", "/healthz", "").body, "ok") &&
            client_send(&third, STR("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))) {
            struct timeval patience = {.tv_usec = 50000};

            (void)setsockopt(third.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            refused = client_read(&third, &arena, false);
        }
    }
    CHECK(str_has(refused.body, "\"code\":\"BUSY\"") &&
          str_eq_z(answer_header(&refused, "Retry-After"), "1"));
    atomic_store(&go_on, true);
    CHECK(str_eq_z(client_read(&first, &arena, false).body, "done"));
    /* On a busy machine one of the others can have been in the queue before it. */
    waited = client_read(&second, &arena, false);
    CHECK(str_eq_z(waited.body, "done") || waited.status == 503);
    CHECK(fetch(server_port(server), &arena, "GET", "/ok", "").status == 200);
    end(server);
}

static void an_idle_connection_is_closed(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.idle = SECONDS(1)});
    CLIENT_SCOPE(client, server_port(server));

    CHECK(client_ask(&client, &arena, STR("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200);
    CHECK(!client_more(&client));
    end(server);
}

/* Sends a byte now and then until the connection is closed. */
static void drip(Client *client)
{
    while (client_send(client, STR("x"))) {
        char byte;

        time_sleep(MILLISECONDS(100));
        if (recv(client->fd, &byte, 1, MSG_DONTWAIT) == 0)
            break;
    }
}

static void a_request_that_drips_in_is_cut(void)
{
    Server *server = start(&(ServerOptions){.idle = SECONDS(1), .read_time = SECONDS(1)});
    CLIENT_SCOPE(in_head, server_port(server));
    CLIENT_SCOPE(in_body, server_port(server));

    CHECK(client_send(&in_head, STR("GET /ok HTTP/1.1\r\nHost: localhost\r\nX: ")));
    drip(&in_head);
    CHECK(
        client_send(&in_body, STR("POST /ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")));
    drip(&in_body);
    CHECK(atomic_load(&finished) == 0);
    end(server);
}

static void a_request_that_takes_too_long_is_told_or_cut(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.request_time = MILLISECONDS(300)});
    Answer late = fetch(server_port(server), &arena, "GET", "/late", "");
    Answer flooded;

    do /* on a busy machine the time can be over before anything is sent */
        flooded = fetch(server_port(server), &arena, "GET", "/flood", "");
    while (flooded.status == 503);
    CHECK(late.status == 503 && str_has(late.body, "took too long"));
    CHECK(flooded.status == 200 && !flooded.whole);
    end(server);
}

static void too_long_a_head_is_refused(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(target);
    Server *server = start(&(ServerOptions){.header_bytes = 8192});

    buf_put_z(&target, "/ok?x=");
    for (int i = 0; i < 10000; i++)
        buf_put_byte(&target, 'x');
    buf_put_byte(&target, 0);
    Answer a = fetch(server_port(server), &arena, "GET", target.ptr, "");
    CHECK(a.status == 414 || a.status == 431 || a.status == 0);
    CHECK(fetch(server_port(server), &arena, "GET", "/ok", "").status == 200);
    end(server);
}

static void too_many_connections_of_one_address_are_closed(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.per_ip = 2});
    CLIENT_SCOPE(first, server_port(server));
    CLIENT_SCOPE(second, server_port(server));
    Str ask = STR("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");

    CHECK(client_ask(&first, &arena, ask).status == 200);
    CHECK(client_ask(&second, &arena, ask).status == 200);
    CHECK(fetch(server_port(server), &arena, "GET", "/ok", "").status == 0);
    CHECK(client_ask(&first, &arena, ask).status == 200);
    end(server);
}

static void more_clients_than_connections_wait(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.connections = 2});
    Str ask = STR("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CLIENT_SCOPE(first, server_port(server));
    CLIENT_SCOPE(second, server_port(server));

    CHECK(client_ask(&first, &arena, ask).status == 200);
    CHECK(client_ask(&second, &arena, ask).status == 200);

    CLIENT_SCOPE(third, server_port(server));
    char byte;
    CHECK(client_send(&third, ask));
    time_sleep(MILLISECONDS(50));
    CHECK(recv(third.fd, &byte, 1, MSG_DONTWAIT) < 0);
    client_close(&first);
    CHECK(client_read(&third, &arena, false).status == 200);
    CHECK(client_ask(&second, &arena, ask).status == 200);
    end(server);
}

/* Many short lives, so that a stop at any moment finds the acceptor and the event threads at work. */
static void servers_come_and_go(void)
{
    for (int round = 0; round < 100; round++) {
        ARENA_SCOPE(arena);
        Server *server = start(&(ServerOptions){.workers = 1, .event_threads = (unsigned)round % 3});

        CHECK(fetch(server_port(server), &arena, "GET", "/ok", "").status == 200);
        end(server);
    }
}

static void *stop(void *server)
{
    server_stop(server);
    return NULL;
}

static void a_stop_lets_running_requests_finish(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){0});
    CLIENT_SCOPE(client, server_port(server));
    CLIENT_SCOPE(idle, server_port(server));
    pthread_t thread;

    CHECK(client_ask(&idle, &arena, STR("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200);
    CHECK(client_send(&client, ask_wait));
    wait_running(1);
    CHECK(pthread_create(&thread, NULL, stop, server) == 0);
    time_sleep(MILLISECONDS(200));
    /* It listens no more, but still answers. */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(server))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, (const void *)&at, sizeof at) < 0);
    (void)close(fd);
    atomic_store(&go_on, true);
    Answer a = client_read(&client, &arena, false);
    CHECK(a.status == 200 && str_eq_z(a.body, "done"));
    CHECK(str_eq_z(answer_header(&a, "Connection"), "close"));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(!client_more(&idle));
    server_free(server);
}

static void a_stop_cuts_streams_that_do_not_end(void)
{
    ARENA_SCOPE(arena);
    Server *server = start(&(ServerOptions){.stop_time = MILLISECONDS(200)});
    CLIENT_SCOPE(reading, server_port(server));
    CLIENT_SCOPE(stuck, server_port(server));
    Str ask = STR("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    pthread_t thread;

    CHECK(client_send(&reading, ask) && client_send(&stuck, ask));
    CHECK(client_wait(&reading, 0, STR("\r\n\r\n")) && client_wait(&stuck, 0, STR("\r\n\r\n")));
    CHECK(pthread_create(&thread, NULL, stop, server) == 0);
    while (client_more(&reading))
        buf_reset(&reading.in);
    CHECK(pthread_join(thread, NULL) == 0);
    server_free(server);
}

static atomic_bool hammering;

static void *hammer(void *port)
{
    while (atomic_load(&hammering)) {
        ARENA_SCOPE(arena);
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t) * (unsigned *)port)};
        Client client = {.fd = socket(AF_INET, SOCK_STREAM, 0)};

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(client.fd, (const void *)&at, sizeof at) == 0)
            for (int i = 0; i < 100; i++)
                if (client_ask(&client, &arena, STR("GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")).status ==
                    0)
                    break;
        client_close(&client);
    }
    return NULL;
}

static void a_stop_under_load_is_clean(void)
{
    for (int round = 0; round < 5; round++) {
        Server *server = start(&(ServerOptions){.workers = 4, .stop_time = MILLISECONDS(round * 50)});
        unsigned port = server_port(server);
        pthread_t threads[8];

        atomic_store(&hammering, true);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            CHECK(pthread_create(&threads[i], NULL, hammer, &port) == 0);
        time_sleep(MILLISECONDS(100));
        server_stop(server);
        atomic_store(&hammering, false);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        server_free(server);
    }
}

int main(void)
{
    RUN(a_full_queue_says_503_and_when_to_come_back);
    RUN(an_idle_connection_is_closed);
    RUN(a_request_that_drips_in_is_cut);
    RUN(a_request_that_takes_too_long_is_told_or_cut);
    RUN(too_long_a_head_is_refused);
    RUN(too_many_connections_of_one_address_are_closed);
    RUN(more_clients_than_connections_wait);
    RUN(servers_come_and_go);
    RUN(a_stop_lets_running_requests_finish);
    RUN(a_stop_cuts_streams_that_do_not_end);
    RUN(a_stop_under_load_is_clean);
    DONE();
}
