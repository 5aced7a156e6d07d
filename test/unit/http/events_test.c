/* SPDX-License-Identifier: Apache-2.0 */
#include "http/events.h"

#include <stdatomic.h>

#include "http/server.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static Server *server;
static Events *events;

static bool follow(Request *request, Reply *reply, Err *err)
{
    const Value *topics = arg(request, "topics");

    return events_follow(events, topics->list, topics->count, request, reply, err);
}

static const Route routes[] = {
    {"GET", "/events", "Follow",
     PARAMS({"topics", PARAM_LIST, .required = true}, {"last_event_id", PARAM_TEXT}), .handler = follow,
     .endless = true},
};

static void publish(const char *topic, const char *type, const char *data)
{
    Err err = {0};

    CHECK(events_publish(events, str_from_z(topic), str_from_z(type), str_from_z(data), &err));
}

/* Asks for a stream, and waits until it has begun. */
static void ask(Client *client, const char *topics, const char *headers)
{
    ARENA_SCOPE(arena);

    CHECK(
        client_send(client, str_printf(&arena, "GET /events?topics=%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                                       topics, headers)));
    CHECK(client_wait(client, 0, STR("retry: 2000\n\n")) > 0);
}

/* The id of the last event received. */
static uint64_t last_id(const Client *client)
{
    uint64_t id = 0;
    const char *from = client->in.ptr, *end = client->in.ptr + client->in.len;

    for (const char *at; (at = memmem(from, (size_t)(end - from), "\nid: ", 5)); from = at + 5)
        id = strtoull(at + 5, NULL, 10);
    return id;
}

static void wait_followers(size_t count)
{
    while (events_followers(events) != count)
        time_sleep(MILLISECONDS(1));
}

static void followers_get_their_topics_in_order(void)
{
    CLIENT_SCOPE(one, server_port(server));
    CLIENT_SCOPE(both, server_port(server));

    ask(&one, "a", "");
    ask(&both, "a,b", "");
    CHECK(str_has(buf_str(&one.in), "Content-Type: text/event-stream"));
    publish("b", "", "b1");
    publish("a", "progress", "a1\nsecond line\r\nthird");
    publish("b", "", "b2");
    publish("a", "", "");
    CHECK(client_wait(&one, 0, STR("event: progress\ndata: a1\ndata: second line\ndata: third\n\n")) > 0);
    CHECK(client_wait(&one, 0, STR("data: \n\n")) > 0 && !str_has(buf_str(&one.in), "data: b1"));
    size_t at = client_wait(&both, 0, STR("data: b1\n\n"));
    at = at ? client_wait(&both, at, STR("data: a1\n")) : 0;
    at = at ? client_wait(&both, at, STR("data: b2\n\n")) : 0;
    CHECK(at > 0);
}

static void who_comes_back_gets_what_was_missed(void)
{
    ARENA_SCOPE(arena);
    uint64_t id;
    {
        CLIENT_SCOPE(client, server_port(server));

        ask(&client, "c", "");
        publish("c", "", "seen");
        CHECK(client_wait(&client, 0, STR("data: seen\n\n")) > 0);
        id = last_id(&client);
    }
    publish("c", "", "missed 1");
    publish("c", "", "missed 2");
    CLIENT_SCOPE(again, server_port(server));
    ask(&again, "c", str_printf(&arena, "Last-Event-ID: %llu\r\n", (unsigned long long)id).ptr);
    CHECK(client_wait(&again, 0, STR("data: missed 2\n\n")) > 0);
    CHECK(str_has(buf_str(&again.in), "data: missed 1") && !str_has(buf_str(&again.in), "data: seen"));
    CHECK(!str_has(buf_str(&again.in), "event: lost"));

    CLIENT_SCOPE(by_query, server_port(server));
    ask(&by_query, str_printf(&arena, "c&last_event_id=%llu", (unsigned long long)id).ptr, "");
    CHECK(client_wait(&by_query, 0, STR("data: missed 2\n\n")) > 0);
}

static void who_comes_back_too_late_is_told(void)
{
    ARENA_SCOPE(arena);
    CLIENT_SCOPE(client, server_port(server));

    for (int i = 0; i <= EVENTS_RING; i++)
        publish("d", "", "x");
    ask(&client, "d", "Last-Event-ID: 1\r\n");
    CHECK(client_wait(&client, 0, STR("event: lost\ndata:\n\n")) > 0);
    CHECK(fetch(server_port(server), &arena, "GET", "/events?topics=d", "Last-Event-ID: x\r\n").status ==
          400);
    CHECK(fetch(server_port(server), &arena, "GET", "/events", "").status == 400);
}

static void a_client_that_does_not_read_is_dropped(void)
{
    CLIENT_SCOPE(client, server_port(server));
    char *data = malloc(EVENT_DATA_MAX + 1);

    memset(data, 'x', EVENT_DATA_MAX);
    data[EVENT_DATA_MAX] = 0;
    ask(&client, "e", "");
    /* More than the socket's buffers hold, and far more than the ring. */
    for (int i = 0; i < 600; i++)
        publish("e", "", data);
    free(data);
    CHECK(client_wait(&client, 0, STR("\r\n0\r\n\r\n")) > 0);
    CHECK(client.in.len < (size_t)600 * EVENT_DATA_MAX);
}

static void too_long_an_event_is_refused(void)
{
    Err err = {0};
    static char data[EVENT_DATA_MAX + 1];

    CHECK(!events_publish(events, STR("f"), STR(""), (Str){data, sizeof data}, &err) &&
          err.code == ERR_LIMIT);
    CHECK(!events_publish(events, STR("f"), STR("a\nb"), STR(""), &err) && err.code == ERR_USAGE);
}

static void quiet_streams_beat(void)
{
    CLIENT_SCOPE(client, server_port(server));

    ask(&client, "g", "");
    size_t at = client_wait(&client, 0, STR(":\n\n"));
    CHECK(at > 0 && client_wait(&client, at, STR(":\n\n")) > 0);
}

static void who_leaves_is_forgotten(void)
{
    wait_followers(0); /* heart-beats find out */
    {
        CLIENT_SCOPE(client, server_port(server));

        ask(&client, "h", "");
        CHECK(events_followers(events) == 1);
    }
    wait_followers(0);
    CHECK(events_followers(events) == 0);
}

static void streams_end_when_the_server_stops(void)
{
    CLIENT_SCOPE(client, server_port(server));

    ask(&client, "i", "");
    server_stop(server);
    while (client_more(&client))
        ;
    CHECK(str_ends(buf_str(&client.in), STR("0\r\n\r\n")));
}

int main(void)
{
    Err err = {0};

    server = server_new(&(ServerOptions){.heartbeat = MILLISECONDS(300)}, &err);
    if (!server || !server_mount(server, routes, COUNT_OF(routes), NULL, &err) ||
        !server_start(server, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    events = server_events(server);
    RUN(followers_get_their_topics_in_order);
    RUN(who_comes_back_gets_what_was_missed);
    RUN(who_comes_back_too_late_is_told);
    RUN(a_client_that_does_not_read_is_dropped);
    RUN(too_long_an_event_is_refused);
    RUN(quiet_streams_beat);
    RUN(who_leaves_is_forgotten);
    RUN(streams_end_when_the_server_stops);
    server_free(server);
    DONE();
}
