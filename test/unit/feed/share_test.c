/* SPDX-License-Identifier: Apache-2.0 */
/* Two shares on two threads, over TCP and a unix socket: one has a feed, the other one gets it. */
#include "feed/share.h"

#include <pthread.h>
#include <unistd.h>

#include "base/os.h"
#include "test/check.h"

static char dir[] = "/tmp/strata-share-XXXXXX";
static SignPair pair, nodes[2];
static FeedIdentity identity;

static void grow(Feed *feed, uint64_t count)
{
    ARENA_SCOPE(arena);
    Str *blocks = arena_new(&arena, Str, count + 1);
    unsigned long long first = feed_state(feed)->roots.length;
    Err err = {0};

    for (uint64_t i = 0; i < count; i++)
        blocks[i] = str_printf(&arena, "block %llu", first + i);
    CHECK(feed_append(feed, &pair, blocks, count, FEED_BUFFERED, &err));
}

/* ---- the one that has it ---- */

typedef struct Server {
    Arena arena;
    Feed *feed;
    Share *share;
    Peering *peering;
    const char *address;
    pthread_t thread;
    bool lazy; /* the feed is added when it is asked for */
    int grown;
} Server;

static Peering *find(void *server_v, const unsigned char discovery_key[32])
{
    Server *server = server_v;
    unsigned char name[32];
    Err err = {0};

    feed_discovery_key(identity.key, name);
    if (!server->lazy || memcmp(name, discovery_key, sizeof name) != 0)
        return NULL;
    CHECK(share_add(server->share, server->feed, &(PeeringOptions){0}, &server->peering, &err));
    CHECK(peering_announce(server->peering, &err));
    return server->peering;
}

/* Once the other one is here, the feed grows. */
static void grow_once(void *server_v)
{
    Server *server = server_v;
    PeeringState state = {0};
    Err err = {0};

    if (server->peering)
        peering_state(server->peering, &state);
    if (state.synced == 0 || server->grown++)
        return;
    grow(server->feed, 10);
    CHECK(peering_announce(server->peering, &err));
}

static void *serve(void *server_v)
{
    Server *server = server_v;
    Err err = {0};

    CHECK(share_run(server->share, &err));
    return NULL;
}

static void begin(Server *server, const char *address, bool lazy, uint64_t length)
{
    Err err = {0};

    *server = (Server){.lazy = lazy};
    CHECK(feed_create(&server->arena, str_printf(&server->arena, "%s/feed", dir).ptr, &identity, NULL,
                      &server->feed, &err));
    grow(server->feed, length);
    CHECK(share_open(&nodes[0], &(ShareOptions){.find = find, .on_taken = grow_once, .ctx = server},
                     &server->share, &err));
    if (!lazy) {
        CHECK(share_add(server->share, server->feed, &(PeeringOptions){0}, &server->peering, &err));
        CHECK(peering_announce(server->peering, &err));
    }
    CHECK(share_listen(server->share, str_from_z(address), &server->address, &err));
    CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
}

static void end(Server *server)
{
    Err err = {0};

    share_stop(server->share);
    CHECK(pthread_join(server->thread, NULL) == 0);
    share_close(server->share);
    feed_close(server->feed);
    CHECK(os_remove_tree(str_printf(&server->arena, "%s/feed", dir).ptr, &err));
    arena_free(&server->arena);
}

/* ---- and the one that gets it ---- */

typedef struct Client {
    Share *share;
    Peering *peering;
    uint64_t length; /* it stops when the feed is so long */
    Feed *feed;
} Client;

static void stop_when_done(void *client_v)
{
    Client *client = client_v;
    PeeringState state;

    peering_state(client->peering, &state);
    if (state.done && feed_state(client->feed)->roots.length == client->length)
        share_stop(client->share);
}

static void get_all(const char *address, uint64_t length)
{
    ARENA_SCOPE(arena);
    FeedIdentity who;
    Client client = {.length = length};
    ShareTraffic traffic;
    uint64_t first_bad;
    Err err = {0};
    const char *path = str_printf(&arena, "%s/copy", dir).ptr;

    feed_identity_of_key(identity.key, &who);
    CHECK(feed_create(&arena, path, &who, NULL, &client.feed, &err));
    CHECK(share_open(&nodes[1], &(ShareOptions){.on_taken = stop_when_done, .ctx = &client}, &client.share,
                     &err));
    CHECK(share_add(client.share, client.feed, &(PeeringOptions){.download = true, .follow = true},
                    &client.peering, &err));
    CHECK(share_connect(client.share, str_from_z(address), &err) && share_run(client.share, &err));
    share_traffic(client.share, &traffic);
    CHECK(traffic.bytes_in > length * 8 && traffic.bytes_out > 100);
    CHECK(feed_state(client.feed)->held == length && feed_verify(client.feed, NULL, &first_bad, &err));
    share_close(client.share);
    feed_close(client.feed);
    CHECK(os_remove_tree(path, &err));
}

static void a_feed_passes_over_tcp_and_goes_on_live(void)
{
    Server server;

    begin(&server, "127.0.0.1:0", false, 3000);
    get_all(server.address, 3010);
    get_all(server.address, 3010); /* whoever comes next gets it, too */
    end(&server);
}

static void a_feed_that_is_asked_for_is_found_and_passes_over_a_socket(void)
{
    ARENA_SCOPE(arena);
    Server server;

    begin(&server, str_printf(&arena, "unix:%s/socket", dir).ptr, true, 100);
    get_all(server.address, 110);
    end(&server);
}

int main(void)
{
    unsigned char seed[SIGN_SEED_BYTES];
    Err err = {0};

    for (int i = 0; i < 3; i++) {
        memset(seed, 3 + i, sizeof seed);
        sign_pair_from_seed(seed, i ? &nodes[i - 1] : &pair);
    }
    feed_identity_new(pair.public_key, &identity);
    CHECK(mkdtemp(dir) != NULL);
    RUN(a_feed_passes_over_tcp_and_goes_on_live);
    RUN(a_feed_that_is_asked_for_is_found_and_passes_over_a_socket);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
