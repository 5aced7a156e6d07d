/* SPDX-License-Identifier: Apache-2.0 */
/* Loops that talk to each other, and to peers that do what they should not. */
#include "net/loop.h"

#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>

#include "base/os.h"
#include "base/stop.h"
#include "test/unit/net/node.h"

static const LoopOptions standard;

static const char *unix_address(Arena *arena)
{
    static int count;
    const char *dir = getenv("TMPDIR");

    return str_printf(arena, "unix:%s/strata-loop-%d-%d.sock", dir && strlen(dir) < 60 ? dir : "/tmp",
                      (int)getpid(), count++)
        .ptr;
}

/* ---- two loops ---- */

enum { ECHOES = 5000 };

static bool echo(Node *node, Peer *peer, Str frame, Err *err)
{
    (void)node;
    return peer_send(peer, frame, err);
}

/* Frame n: its number, and n * 37 % 3000 bytes more. */
static void put_numbered(Buf *out, int n)
{
    buf_reset(out);
    buf_put_int(out, n);
    for (int i = n * 37 % 3000; i > 0; i--)
        buf_put_byte(out, '.');
}

static bool send_numbered(Node *node, Peer *peer, Err *err)
{
    BUF_SCOPE(frame);

    (void)node;
    for (int i = 1; i <= ECHOES; i++) {
        put_numbered(&frame, i);
        if (!peer_send(peer, buf_str(&frame), err))
            return false;
    }
    return true;
}

static bool check_numbered(Node *node, Peer *peer, Str frame, Err *err)
{
    BUF_SCOPE(want);

    put_numbered(&want, atomic_load(&node->frames));
    if (!str_eq(frame, buf_str(&want)))
        return err_set(err, ERR_BUG, "another frame came");
    if (atomic_load(&node->frames) == ECHOES)
        peer_finish(peer);
    return true;
}

static void talk(const char *address, const char *client_address)
{
    Node server = {.frame = echo}, client = {.frame = check_numbered, .connected = send_numbered};

    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &standard);
    must_connect(&client, must_listen(&server, address));
    node_start(&server);
    node_start(&client);
    wait_for(&client.disconnects, 1);
    node_end(&client);
    node_end(&server);
    CHECK(client.frames >= ECHOES && server.frames >= ECHOES);
    CHECK(node_logged(&client, "disconnect NONE", "") &&
          node_logged(&server, "disconnect IO", "it ended the connection") &&
          node_logged(&server, "disconnect IO", client_address));
    buf_release(&client.log);
    buf_release(&server.log);
}

static void thousands_of_frames_come_back_over_tcp(void)
{
    talk("127.0.0.1:0", "peer '127.0.0.1:");
}

static void and_over_ipv6(void)
{
    talk("[::1]:0", "peer '[::1]:");
}

static void and_over_a_unix_socket(void)
{
    ARENA_SCOPE(arena);
    const char *address = unix_address(&arena);

    talk(address, address);                /* the client has none of its own */
    CHECK(access(address + 5, F_OK) != 0); /* and the socket is gone */
}

typedef struct Known {
    unsigned char key[SIGN_PUBLIC_BYTES], hash[NOISE_HASH_BYTES];
    NoiseRole role;
} Known;

static bool note_who(Node *node, Peer *peer, Err *err)
{
    Known *known = node->own;

    (void)err;
    memcpy(known->key, peer_key(peer), sizeof known->key);
    memcpy(known->hash, peer_hash(peer), sizeof known->hash);
    known->role = peer_role(peer);
    CHECK(peer_address(peer)[0]);
    return true;
}

static void both_know_who_the_other_is(void)
{
    Known of_server, of_client;
    Node server = {.connected = note_who, .own = &of_client},
         client = {.connected = note_who, .own = &of_server};

    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &standard);
    must_connect(&client, must_listen(&server, "localhost:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&server.connects, 1);
    wait_for(&client.connects, 1);
    node_end(&client);
    node_end(&server);
    CHECK(memcmp(of_server.key, pair_of(1).public_key, SIGN_PUBLIC_BYTES) == 0 &&
          of_client.role == NOISE_RESPONDER);
    CHECK(memcmp(of_client.key, pair_of(2).public_key, SIGN_PUBLIC_BYTES) == 0 &&
          of_server.role == NOISE_INITIATOR);
    CHECK(memcmp(of_client.hash, of_server.hash, NOISE_HASH_BYTES) == 0);
    buf_release(&client.log);
    buf_release(&server.log);
}

static bool refuse(Node *node, Peer *peer, Err *err)
{
    (void)node, (void)peer;
    return err_set(err, ERR_DENIED, "this key is not known here");
}

static void an_owner_may_refuse_a_peer(void)
{
    Node server = {.connected = refuse};
    Raw raw;
    WireEvent event;
    Str frame;

    node_begin(&server, 1, &standard);
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    (void)raw_next(&raw, &event, &frame);
    raw_wait_end(&raw);
    raw_end(&raw);
    node_end(&server);
    CHECK(node_logged(&server, "failure DENIED", "is not known here") && server.disconnects == 0);
    buf_release(&server.log);
}

/* ---- what comes between ---- */

enum { MANY = 1000 };

static bool send_many(Node *node, Peer *peer, Err *err)
{
    (void)node;
    for (int i = 0; i < MANY; i++)
        if (!peer_send(peer, STR("one of many"), err))
            return false;
    return true;
}

typedef struct Taken {
    Peer *peer;
    int times;
} Taken;

static bool keep_peer(Node *node, Peer *peer, Err *err)
{
    Taken *taken = node->own;

    (void)err;
    taken->peer = peer;
    return true;
}

static void send_count(Node *node)
{
    Taken *taken = node->own;
    Err err = {0};
    int frames = atomic_load(&node->frames);

    taken->times++;
    CHECK(peer_send(taken->peer, (Str){(char *)&frames, sizeof frames}, &err));
}

static bool wait_for_all(Node *node, Peer *peer, Str frame, Err *err)
{
    int frames;

    (void)node, (void)err;
    memcpy(&frames, frame.ptr, sizeof frames);
    if (frames == MANY)
        peer_finish(peer);
    return true;
}

static void what_many_frames_brought_is_done_at_once(void)
{
    Taken taken = {0};
    Node server = {.connected = keep_peer, .taken = send_count, .own = &taken};
    Node client = {.connected = send_many, .frame = wait_for_all};

    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &standard);
    must_connect(&client, must_listen(&server, "127.0.0.1:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&client.disconnects, 1);
    node_end(&client);
    node_end(&server);
    CHECK(server.frames == MANY && taken.times > 0 && taken.times < MANY / 2);
    buf_release(&client.log);
    buf_release(&server.log);
}

static void a_tick_comes_again_and_again(void)
{
    Node node = {0};

    node_begin(&node, 1, &(LoopOptions){.tick = MILLISECONDS(1)});
    node_start(&node);
    wait_for(&node.ticks, 5);
    node_end(&node);
    CHECK(node.log.len == 0);
}

static void finish_one(void *ctx, Peer *peer)
{
    Node *node = ctx;
    Err err = {0};

    CHECK(peer_send(peer, STR("last"), &err));
    peer_finish(peer);
    CHECK(!peer_send(peer, STR("too late"), &err) && err.code == ERR_IO);
    buf_printf(&node->log, "finished one\n");
}

static void finish_all(Node *node)
{
    loop_each(node->loop, finish_one, node);
}

static void each_peer_can_be_visited(void)
{
    Node server = {.woken = finish_all};
    Raw raw[2], stranger;
    WireEvent event;
    Str frame;

    node_begin(&server, 1, &standard);
    const char *address = must_listen(&server, "127.0.0.1:0");
    node_start(&server);
    raw_begin(&stranger, address, 4);
    for (int i = 0; i < 2; i++) {
        raw_begin(&raw[i], address, 2 + i);
        raw_shake(&raw[i]);
    }
    wait_for(&server.connects, 2);
    loop_wake(server.loop);
    for (int i = 0; i < 2; i++) {
        CHECK(raw_next(&raw[i], &event, &frame) && str_eq_z(frame, "last"));
        CHECK(!raw_next(&raw[i], &event, &frame));
        raw_end(&raw[i]);
    }
    wait_for(&server.disconnects, 2);
    raw_end(&stranger);
    node_end(&server);
    CHECK(node_logged(&server, "disconnect NONE", "") && node_logged(&server, "finished one", ""));
    buf_release(&server.log);
}

/* ---- ends ---- */

enum { LAST_FRAMES = 200, LAST_BYTES = 64 * 1024 };

static bool say_all_and_stop(Node *node, Peer *peer, Err *err)
{
    static const char bytes[LAST_BYTES];

    for (int i = 0; i < LAST_FRAMES; i++)
        if (!peer_send(peer, (Str){bytes, sizeof bytes}, err))
            return false;
    loop_stop(node->loop);
    return true;
}

static void a_stop_lets_leave_what_is_queued(void)
{
    Node server = {.connected = say_all_and_stop};
    Raw raw;
    WireEvent event;
    Str frame;
    int count = 0;

    node_begin(&server, 1, &(LoopOptions){.finish = SECONDS(3600)});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    CHECK(raw_send(&raw, STR("this is not looked at any more, and hurts nobody")));
    while (raw_next(&raw, &event, &frame))
        count += event == WIRE_FRAME && frame.len == LAST_BYTES;
    raw_end(&raw);
    node_join(&server);
    loop_close(server.loop);
    CHECK(count == LAST_FRAMES && node_logged(&server, "disconnect NONE", ""));
    buf_release(&server.log);
}

/* A server that stops when a peer is there, which goes on as it likes. */
static void stop_beside(bool (*connected)(Node *node, Peer *peer, Err *err), const char *event,
                        const char *why)
{
    Node server = {.connected = connected};
    Raw raw;

    node_begin(&server, 1, &(LoopOptions){.finish = MILLISECONDS(50)});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    node_join(&server);
    raw_end(&raw);
    loop_close(server.loop);
    CHECK(node_logged(&server, event, why));
    buf_release(&server.log);
}

static void a_stop_does_not_wait_for_one_that_takes_nothing(void)
{
    stop_beside(say_all_and_stop, "disconnect IO", "was not taken in time");
}

static bool stop_now(Node *node, Peer *peer, Err *err)
{
    (void)peer, (void)err;
    loop_stop(node->loop);
    return true;
}

static void a_stop_does_not_wait_for_one_that_does_not_end(void)
{
    stop_beside(stop_now, "disconnect NONE", "");
}

static void a_loop_that_never_ran_can_be_closed(void)
{
    Node node = {0};

    node_begin(&node, 1, &standard);
    (void)must_listen(&node, "127.0.0.1:0");
    must_connect(&node, "127.0.0.1:1");
    loop_close(node.loop);
    CHECK(node.log.len == 0);
}

/* ---- addresses that are kept ---- */

static void a_lost_peer_is_called_again(void)
{
    ARENA_SCOPE(arena);
    const char *address = unix_address(&arena);
    Node client = {0};

    node_begin(&client, 2, &(LoopOptions){.retry_first = MILLISECONDS(2), .retry_most = MILLISECONDS(10)});
    must_connect(&client, address);
    node_start(&client);
    wait_for(&client.failures, 5);
    for (int i = 1; i <= 3; i++) {
        Node server = {0};

        node_begin(&server, 1, &standard);
        (void)must_listen(&server, address);
        node_start(&server);
        wait_for(&client.connects, i);
        node_end(&server);
        wait_for(&client.disconnects, i);
        buf_release(&server.log);
    }
    node_end(&client);
    CHECK(node_logged(&client, "failure IO cannot connect to 'unix:/", "No such file"));
    buf_release(&client.log);
}

static void drop_it(Node *node)
{
    loop_disconnect(node->loop, str_from_z(node->own));
}

static void what_is_kept_no_more_is_not_called_again(void)
{
    ARENA_SCOPE(arena);
    const char *address = unix_address(&arena);
    Node client = {.woken = drop_it, .own = (void *)(uintptr_t)address}, server = {0};
    Err err = {0};

    node_begin(&server, 1, &standard);
    (void)must_listen(&server, address);
    node_begin(&client, 2, &(LoopOptions){.retry_first = MILLISECONDS(1)});
    must_connect(&client, address);
    CHECK(!loop_connect(client.loop, str_from_z(address), &err) && err.code == ERR_CONFLICT);
    node_start(&server);
    node_start(&client);
    wait_for(&client.connects, 1);
    loop_wake(client.loop);
    wait_for(&client.disconnects, 1);
    node_end(&client);
    node_end(&server);
    CHECK(client.connects == 1 && server.connects == 1 && node_logged(&client, "disconnect NONE", ""));
    buf_release(&client.log);
    buf_release(&server.log);
}

/* In capitals it is looked up, and may stand for ::1 first, where nobody listens. */
static void a_name_is_looked_up_and_each_of_its_addresses_tried(void)
{
    ARENA_SCOPE(arena);
    Node server = {0}, client = {0};

    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &(LoopOptions){.retry_first = MILLISECONDS(1)});
    const char *address = must_listen(&server, "127.0.0.1:0");
    must_connect(&client, str_printf(&arena, "LOCALHOST%s", strrchr(address, ':')).ptr);
    must_connect(&client, address);
    node_start(&server);
    node_start(&client);
    wait_for(&server.connects, 2);
    node_end(&client);
    node_end(&server);
    buf_release(&client.log);
    buf_release(&server.log);
}

static void a_name_that_is_not_known_is_a_failure(void)
{
    Node client = {0};

    node_begin(&client, 2, &(LoopOptions){.retry_first = MILLISECONDS(1), .retry_most = MILLISECONDS(2)});
    must_connect(&client, "no-such-host.invalid:1");
    node_start(&client);
    wait_for(&client.failures, 2);
    node_end(&client);
    CHECK(node_logged(&client, "failure IO cannot find 'no-such-host.invalid:1'", ""));
    buf_release(&client.log);
}

static sem_t may_answer, has_answered;

/* The resolver of this program: one name has no answer until it may. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req, struct addrinfo **pai)
{
    int (*resolve)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    bool silent = strcmp(name, "silent.invalid") == 0;

    memcpy(&resolve, &symbol, sizeof resolve);
    while (silent && sem_wait(&may_answer) != 0)
        continue;
    int status = resolve(silent ? "127.0.0.1" : name, service, req, pai);
    if (silent)
        (void)sem_post(&has_answered);
    return status;
}

static void a_resolver_that_says_nothing_holds_nobody_up(void)
{
    Node client = {0}, server = {0};
    ARENA_SCOPE(arena);

    (void)sem_init(&may_answer, 0, 0);
    (void)sem_init(&has_answered, 0, 0);
    node_begin(&client, 2, &(LoopOptions){.tick = MILLISECONDS(1)});
    must_connect(&client, "silent.invalid:1");
    node_start(&client);
    wait_for(&client.ticks, 10);
    node_end(&client); /* before there is an answer, and to nobody then */
    CHECK(client.failures == 0);
    (void)sem_post(&may_answer);
    (void)sem_wait(&has_answered);
    client = (Node){.log = client.log};
    node_begin(&server, 1, &standard);
    node_begin(&client, 2, &standard);
    const char *address = must_listen(&server, "127.0.0.1:0");
    must_connect(&client, str_printf(&arena, "silent.invalid%s", strrchr(address, ':')).ptr);
    (void)sem_post(&may_answer);
    node_start(&server);
    node_start(&client);
    wait_for(&server.connects, 1);
    node_end(&client);
    node_end(&server);
    buf_release(&client.log);
    buf_release(&server.log);
}

static void wrong_addresses_are_refused_at_once(void)
{
    Node node = {0};
    Err err = {0};

    node_begin(&node, 1, &standard);
    CHECK(!loop_listen(node.loop, STR("nonsense"), NULL, &err) && err.code == ERR_USAGE);
    CHECK(!loop_listen(node.loop, STR("example.org:80"), NULL, &err) && err.code == ERR_USAGE);
    CHECK(!loop_connect(node.loop, STR("*:80"), &err) && err.code == ERR_USAGE);
    CHECK(!loop_connect(node.loop, STR("80"), &err) && err.code == ERR_USAGE);
    const char *taken = must_listen(&node, "127.0.0.1:0");
    err = (Err){0};
    CHECK(!loop_listen(node.loop, str_from_z(taken), NULL, &err) && err.code == ERR_IO &&
          strstr(err.text, taken));
    CHECK(!loop_listen(node.loop, STR("unix:/no/such/directory/x"), NULL, &err) && err.code == ERR_IO);
    loop_close(node.loop);
}

static void a_socket_that_a_killed_process_left_is_taken_over(void)
{
    ARENA_SCOPE(arena);
    const char *address = unix_address(&arena);
    Endpoint endpoint;
    Node node = {0}, other = {0};
    Err err = {0};

    CHECK(endpoint_parse(str_from_z(address), &endpoint, &err));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, &endpoint.at.any, sizeof endpoint.at.path) == 0);
    (void)close(fd);
    CHECK(access(address + 5, F_OK) == 0);
    node_begin(&node, 1, &standard);
    node_begin(&other, 2, &standard);
    (void)must_listen(&node, address);
    CHECK(!loop_listen(other.loop, str_from_z(address), NULL, &err) &&
          err.code == ERR_IO); /* but not from one that is there */
    loop_close(other.loop);
    CHECK(access(address + 5, F_OK) == 0);
    loop_close(node.loop);
}

/* Last: from then on this process is asked to stop. */
static void a_loop_may_end_with_the_process(void)
{
    Node server = {.frame = echo};
    Raw raw;
    Err err = {0};

    CHECK(stop_init(&err));
    node_begin(&server, 1, &(LoopOptions){.watch_stop = true});
    raw_begin(&raw, must_listen(&server, "127.0.0.1:0"), 2);
    node_start(&server);
    raw_shake(&raw);
    stop_ask();
    raw_wait_end(&raw);
    raw_end(&raw);
    node_join(&server);
    loop_close(server.loop);
    CHECK(node_logged(&server, "disconnect NONE", ""));
    buf_release(&server.log);
}

int main(void)
{
    RUN(thousands_of_frames_come_back_over_tcp);
    RUN(and_over_ipv6);
    RUN(and_over_a_unix_socket);
    RUN(both_know_who_the_other_is);
    RUN(an_owner_may_refuse_a_peer);
    RUN(what_many_frames_brought_is_done_at_once);
    RUN(a_tick_comes_again_and_again);
    RUN(each_peer_can_be_visited);
    RUN(a_stop_lets_leave_what_is_queued);
    RUN(a_stop_does_not_wait_for_one_that_takes_nothing);
    RUN(a_stop_does_not_wait_for_one_that_does_not_end);
    RUN(a_loop_that_never_ran_can_be_closed);
    RUN(a_lost_peer_is_called_again);
    RUN(what_is_kept_no_more_is_not_called_again);
    RUN(a_name_is_looked_up_and_each_of_its_addresses_tried);
    RUN(a_name_that_is_not_known_is_a_failure);
    RUN(a_resolver_that_says_nothing_holds_nobody_up);
    RUN(wrong_addresses_are_refused_at_once);
    RUN(a_socket_that_a_killed_process_left_is_taken_over);
    RUN(a_loop_may_end_with_the_process);
    DONE();
}
