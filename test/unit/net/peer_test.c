/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do what they should not, and those that are slow. */
#include "net/peer.h"

#include "test/unit/net/node.h"

static const LoopOptions standard;

static bool echo(Node *node, Peer *peer, Str frame, Err *err)
{
    (void)node;
    return peer_send(peer, frame, err);
}

/* ---- peers that do what they should not ---- */

static void send_garbage(Raw *raw, int stage)
{
    WireEvent event;
    Str frame;

    if (stage == 1) { /* instead of the third message */
        (void)raw_flush(raw);
        char bytes[99];
        CHECK(recv(raw->fd, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes);
    } else if (stage == 2) { /* instead of the header */
        CHECK(raw_flush(raw));
        while (raw->wire.stage != WIRE_HEADER) {
            char bytes[200];
            ssize_t n = recv(raw->fd, bytes, sizeof bytes, 0);
            Err err = {0};

            CHECK(n > 0);
            wire_give(&raw->wire, (Str){bytes, (size_t)n});
            CHECK(wire_next(&raw->wire, &event, &frame, &err));
        }
        CHECK(raw_write(raw, str_sub(buf_str(&raw->wire.out), 0, 67)));
    } else if (stage >= 3) { /* instead of the first frame, and of the second */
        raw_shake(raw);
        if (stage == 4)
            CHECK(raw_send(raw, STR("good")));
    }
    (void)raw_write(
        raw,
        STR("\x40\x00\x00 Garbage of more than sixty-four bytes, so that it is a whole frame everywhere."));
    raw_wait_end(raw);
}

static void garbage_at_any_stage_ends_that_connection_only(void)
{
    Node server = {.frame = echo};
    Raw good;
    WireEvent event;
    Str frame;
    const char *address;

    node_begin(&server, 1, &standard);
    address = must_listen(&server, "127.0.0.1:0");
    node_start(&server);
    raw_begin(&good, address, 2);
    raw_shake(&good);
    for (int stage = 0; stage < 5; stage++) {
        Raw raw;

        raw_begin(&raw, address, 3);
        send_garbage(&raw, stage);
        raw_end(&raw);
        CHECK(raw_send(&good, STR("still here")) && raw_next(&good, &event, &frame) &&
              str_eq_z(frame, "still here"));
    }
    raw_end(&good);
    node_end(&server);
    CHECK(server.failures == 3 && server.connects == 3);
    CHECK(node_logged(&server,
                      "failure CORRUPT peer '127.0.0.1:", "it began with a frame of 64 bytes instead of 32"));
    CHECK(node_logged(&server, "failure CORRUPT", "the handshake failed"));
    CHECK(node_logged(&server, "failure CORRUPT", "64 bytes instead of 56"));
    CHECK(node_logged(&server, "disconnect CORRUPT", "was not sealed by it"));
    buf_release(&server.log);
}

static void a_frame_over_the_limit_ends_the_connection(void)
{
    Node server = {0};
    Raw raw;
    char bytes[1001] = {0};

    node_begin(&server, 1, &(LoopOptions){.frame_max = 1000});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    CHECK(raw_send(&raw, (Str){bytes, 1000}));
    wait_for(&server.frames, 1);
    (void)raw_send(&raw, (Str){bytes, 1001});
    raw_wait_end(&raw);
    raw_end(&raw);
    node_end(&server);
    CHECK(server.frames == 1 && node_logged(&server, "disconnect LIMIT", "a frame of 1001 bytes"));
    buf_release(&server.log);
}

static void a_handshake_that_does_not_end_is_given_up(void)
{
    static const int given[] = {0, 2, 35}; /* bytes of the first message */

    for (size_t i = 0; i < COUNT_OF(given); i++) {
        Node server = {0};
        Raw raw;

        node_begin(&server, 1, &(LoopOptions){.handshake = MILLISECONDS(50)});
        raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
        node_start(&server);
        CHECK(raw_write(&raw, str_sub(buf_str(&raw.wire.out), 0, (size_t)given[i])));
        raw_wait_end(&raw);
        raw_end(&raw);
        node_end(&server);
        CHECK(node_logged(&server, "failure IO", "no handshake was done in 0.05 s") && server.connects == 0);
        buf_release(&server.log);
    }
}

static void a_peer_that_says_nothing_is_gone_after_a_while(void)
{
    Node server = {0};
    Raw raw;
    char bytes[20];

    node_begin(&server, 1, &(LoopOptions){.gone = MILLISECONDS(150), .keep_alive = MILLISECONDS(20)});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    CHECK(recv(raw.fd, bytes, sizeof bytes, MSG_WAITALL) ==
          sizeof bytes); /* meanwhile it is told that we are here */
    CHECK(memcmp(bytes, "\x11\0\0", 3) == 0);
    raw_wait_end(&raw);
    raw_end(&raw);
    node_end(&server);
    CHECK(node_logged(&server, "disconnect IO", "nothing came from it for 0.15 s"));
    buf_release(&server.log);
}

static bool pour(Node *node, Peer *peer, Err *err)
{
    static const char bytes[64 * 1024];

    (void)node;
    for (int i = 0; i < 1000; i++)
        if (!peer_send(peer, (Str){bytes, sizeof bytes}, err))
            return false;
    return true;
}

static void a_peer_that_does_not_read_is_gone_after_a_while(void)
{
    Node server = {.connected = pour};
    Raw raw;

    node_begin(&server, 1,
               &(LoopOptions){.gone = MILLISECONDS(200), .queue_max = 2 * (size_t)LOOP_QUEUE_MAX});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    wait_for(&server.disconnects, 1);
    raw_end(&raw);
    node_end(&server);
    CHECK(node_logged(&server, "disconnect IO", "it took nothing for 0.2 s"));
    buf_release(&server.log);
}

static void a_queue_has_its_limit(void)
{
    Node server = {.connected = pour};
    Raw raw;
    WireEvent event;
    Str frame;

    node_begin(&server, 1, &(LoopOptions){.queue_max = 10 << 20});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    (void)raw_next(&raw, &event, &frame);
    wait_for(&server.failures, 1);
    raw_end(&raw);
    node_end(&server);
    CHECK(node_logged(&server, "failure LIMIT", "bytes are queued for it, and 10485760 may be"));
    buf_release(&server.log);
}

static void a_killed_connection_is_reported(void)
{
    Node server = {.frame = echo};
    Raw raw;
    struct linger hard = {1, 0};

    node_begin(&server, 1, &standard);
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    CHECK(setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0);
    raw_end(&raw);
    wait_for(&server.disconnects, 1);
    node_end(&server);
    CHECK(node_logged(&server, "disconnect IO", "Connection reset by peer"));
    buf_release(&server.log);
}

static void one_that_ends_in_the_middle_of_a_frame_is_reported(void)
{
    Node server = {.frame = echo};
    Raw raw;

    node_begin(&server, 1, &standard);
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    CHECK(raw_write(&raw, STR("\x40\x00\x00half")));
    raw_end(&raw);
    wait_for(&server.disconnects, 1);
    node_end(&server);
    CHECK(node_logged(&server, "disconnect IO", "in the middle of a frame"));
    buf_release(&server.log);
}

static void one_that_ends_before_its_handshake_is_reported(void)
{
    for (size_t given = 0; given <= 35; given += 7) {
        Node server = {0};
        Raw raw;

        node_begin(&server, 1, &standard);
        raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
        node_start(&server);
        CHECK(raw_write(&raw, str_sub(buf_str(&raw.wire.out), 0, given)));
        CHECK(shutdown(raw.fd, SHUT_WR) == 0);
        raw_wait_end(&raw);
        raw_end(&raw);
        node_end(&server);
        CHECK(node_logged(&server, "failure IO", "it ended the connection before the handshake was done"));
        buf_release(&server.log);
    }
}

static void a_half_closed_connection_still_gets_its_answers(void)
{
    Node server = {.frame = echo};
    Raw raw;
    WireEvent event;
    Str frame;
    int count = 0;

    node_begin(&server, 1, &standard);
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    for (int i = 0; i < 100; i++)
        CHECK(raw_send(&raw, STR("what is left to be said")));
    CHECK(shutdown(raw.fd, SHUT_WR) == 0);
    while (raw_next(&raw, &event, &frame))
        count += event == WIRE_FRAME && str_eq_z(frame, "what is left to be said");
    raw_end(&raw);
    node_end(&server);
    CHECK(count == 100 && node_logged(&server, "disconnect IO", "it ended the connection"));
    buf_release(&server.log);
}

static void more_connections_than_may_be_are_sent_away(void)
{
    Node server = {.frame = echo};
    Raw first, second;
    WireEvent event;
    Str frame;
    const char *address;

    node_begin(&server, 1, &(LoopOptions){.peers_max = 1});
    address = must_listen(&server, "127.0.0.1:0");
    node_start(&server);
    raw_begin(&first, address, 2);
    raw_shake(&first);
    raw_begin(&second, address, 3);
    raw_wait_end(&second);
    CHECK(raw_send(&first, STR("x")) && raw_next(&first, &event, &frame));
    raw_end(&first);
    raw_end(&second);
    node_end(&server);
    CHECK(node_logged(&server, "failure LIMIT", "there are 1 connections"));
    buf_release(&server.log);
}

static void strangers_make_room_for_others(void)
{
    Node server = {.frame = echo};
    Raw stranger, late, good;
    WireEvent event;
    Str frame;
    const char *address;

    node_begin(&server, 1, &(LoopOptions){.peers_max = 2});
    address = must_listen(&server, "127.0.0.1:0");
    node_start(&server);
    raw_begin(&stranger, address, 2);
    raw_begin(&late, address, 2);
    raw_begin(&good, address, 3);
    raw_wait_end(&stranger);
    raw_shake(&good);
    CHECK(raw_send(&good, STR("x")) && raw_next(&good, &event, &frame));
    raw_shake(&late);
    raw_end(&stranger);
    raw_end(&late);
    raw_end(&good);
    node_end(&server);
    CHECK(server.connects == 2 &&
          node_logged(&server, "failure LIMIT peer '127.0.0.1:", "its handshake was not done"));
    buf_release(&server.log);
}

/* ---- back-pressure ---- */

enum { PAUSE = 128 * 1024, FLOOD = 400, FLOOD_BYTES = 32 * 1024 };

typedef struct Press {
    atomic_int full; /* times that more than PAUSE was queued */
    size_t most;
    int drains;
    Peer *peer;
} Press;

static bool echo_and_look(Node *node, Peer *peer, Str frame, Err *err)
{
    Press *press = node->own;

    if (!peer_send(peer, frame, err))
        return false;
    size_t queued = peer_queued(peer);
    press->most = queued > press->most ? queued : press->most;
    if (queued > PAUSE)
        atomic_fetch_add(&press->full, 1);
    return true;
}

static void count_drain(Node *node, Peer *peer)
{
    Press *press = node->own;

    (void)peer;
    press->drains++;
}

static bool flood_and_pause(Node *node, Peer *peer, Err *err)
{
    static const char bytes[FLOOD_BYTES];
    Press *press = node->own;

    press->peer = peer;
    peer_pause(peer);
    for (int i = 0; i < FLOOD; i++)
        if (!peer_send(peer, (Str){bytes, sizeof bytes}, err))
            return false;
    return true;
}

static void resume(Node *node)
{
    Press *press = node->own;

    peer_resume(press->peer);
}

static void a_peer_that_takes_no_answers_is_asked_nothing_more(void)
{
    Press of_server = {0}, of_client = {0};
    Node server = {.frame = echo_and_look, .drained = count_drain, .own = &of_server};
    Node client = {.connected = flood_and_pause, .woken = resume, .own = &of_client};

    node_begin(&server, 1, &(LoopOptions){.queue_full = PAUSE / 2, .queue_hold = PAUSE});
    node_begin(&client, 2, &(LoopOptions){.queue_hold = LOOP_QUEUE_MAX});
    must_connect(&client, must_listen(&server, "127.0.0.1:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&of_server.full, 1);
    CHECK(atomic_load(&client.frames) == 0);
    loop_wake(client.loop);
    wait_for(&client.frames, FLOOD);
    node_end(&client);
    node_end(&server);
    CHECK(of_server.most > PAUSE && of_server.most < PAUSE + 2 * FLOOD_BYTES && of_server.drains > 0);
    buf_release(&client.log);
    buf_release(&server.log);
}

/* ---- both at once ---- */

enum { POUR = 400 };

/* As much as may be queued, and the rest with on_drain(). */
static bool pour_on(Node *node, Peer *peer, Err *err)
{
    static const char bytes[64 * 1024];
    int *sent = node->own;

    while (*sent < POUR && !peer_is_full(peer)) {
        if (!peer_send(peer, (Str){bytes, sizeof bytes}, err))
            return false;
        ++*sent;
    }
    return true;
}

static void pour_more(Node *node, Peer *peer)
{
    Err err = {0};

    CHECK(pour_on(node, peer, &err));
}

static void both_may_pour_at_the_same_time(void)
{
    int of_server = 0, of_client = 0;
    Node server = {.connected = pour_on, .drained = pour_more, .own = &of_server};
    Node client = {.connected = pour_on, .drained = pour_more, .own = &of_client};

    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &standard);
    must_connect(&client, must_listen(&server, "127.0.0.1:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&client.frames, POUR);
    wait_for(&server.frames, POUR);
    node_end(&client);
    node_end(&server);
    CHECK(of_server == POUR && of_client == POUR && client.disconnects == 1);
    buf_release(&client.log);
    buf_release(&server.log);
}

int main(void)
{
    RUN(garbage_at_any_stage_ends_that_connection_only);
    RUN(a_frame_over_the_limit_ends_the_connection);
    RUN(a_handshake_that_does_not_end_is_given_up);
    RUN(a_peer_that_says_nothing_is_gone_after_a_while);
    RUN(a_peer_that_does_not_read_is_gone_after_a_while);
    RUN(a_queue_has_its_limit);
    RUN(a_killed_connection_is_reported);
    RUN(one_that_ends_in_the_middle_of_a_frame_is_reported);
    RUN(one_that_ends_before_its_handshake_is_reported);
    RUN(a_half_closed_connection_still_gets_its_answers);
    RUN(more_connections_than_may_be_are_sent_away);
    RUN(strangers_make_room_for_others);
    RUN(a_peer_that_takes_no_answers_is_asked_nothing_more);
    RUN(both_may_pour_at_the_same_time);
    DONE();
}
