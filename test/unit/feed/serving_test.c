/* SPDX-License-Identifier: Apache-2.0 */
/* A store whose feeds are served by a thread, and peers that get one or more of them at a time. */
#include "feed/serving.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "test/check.h"

enum { FEEDS = 8, MOST = 3 };

static char top[] = "/tmp/strata-serving-XXXXXX";
static SignPair nodes[2];
static unsigned char keys[FEEDS][FEED_KEY_BYTES];

static const char *at(Arena *arena, const char *name)
{
    return str_printf(arena, "%s/%s", top, name).ptr;
}

/* With a block each. */
static void make_feeds(FeedStore *store)
{
    ARENA_SCOPE(arena);
    Err err = {0};

    CHECK(mkdir(at(&arena, "keys"), 0700) == 0);
    Keystore *keystore =
        keystore_open(&arena, at(&arena, "keys"), &(KeystoreOptions){.cost = {SEAL_MEMORY_MIN, 1}});
    for (int i = 0; i < FEEDS; i++) {
        SIGN_SCOPE(signer);
        Feed *feed = NULL;

        CHECK(store_create(store, keystore, &(StoreNew){0}, keys[i], &err) &&
              store_feed(store, keys[i], FEED_WRITE, &feed, &err));
        CHECK(keystore_pair(keystore, feed_state(feed)->identity.signer, &signer, &err) &&
              feed_append(feed, &signer, &STR("a block"), 1, FEED_BUFFERED, &err));
        store_release(store, feed);
    }
}

/* ---- the server ---- */

typedef struct Server {
    Arena arena;
    FeedStore *store;
    Serving *serving;
    const char *address;
    pthread_t thread;
    ServingState most;
} Server;

static void look(void *server_v)
{
    Server *server = server_v;
    ServingState state;

    serving_state(server->serving, &state);
    server->most.feeds = state.feeds > server->most.feeds ? state.feeds : server->most.feeds;
    server->most.peers = state.peers > server->most.peers ? state.peers : server->most.peers;
}

static void *run(void *server_v)
{
    Server *server = server_v;
    Err err = {0};

    CHECK(serving_run(server->serving, &err));
    return NULL;
}

static void begin(Server *server, bool all)
{
    ServingOptions options = {.all = all, .follow = true, .on_tick = look, .ctx = server};
    StoreFeed about;
    Err err = {0};

    *server = (Server){0};
    server->store =
        store_open(&server->arena, at(&server->arena, "store"), &(StoreOptions){.open_max = MOST});
    make_feeds(server->store);
    CHECK(serving_open(server->store, &nodes[0], &options, &server->serving, &err));
    for (int i = 0; i < 2 && !all; i++) /* twice is once */
        CHECK(store_about(server->store, &server->arena, keys[0], &about, &err) &&
              serving_add(server->serving, &about, &err));
    CHECK(serving_listen(server->serving, STR("127.0.0.1:0"), &server->address, &err));
    CHECK(pthread_create(&server->thread, NULL, run, server) == 0);
}

static void end(Server *server)
{
    Err err = {0};

    serving_stop(server->serving);
    CHECK(pthread_join(server->thread, NULL) == 0);
    serving_close(server->serving);
    CHECK(store_open_count(server->store) <= MOST);
    arena_free(&server->arena);
    CHECK(os_remove_tree(top, &err));
    CHECK(mkdir(top, 0700) == 0);
}

/* ---- a peer ---- */

typedef struct Client {
    Share *share;
    Peering *peerings[FEEDS];
    int count;
    size_t got, refused;
    bool over;
} Client;

static void judge(void *client_v)
{
    Client *client = client_v;

    if (client->over) /* what is known of peers goes with them */
        return;
    client->got = client->refused = 0;
    for (int i = 0; i < client->count; i++) {
        PeeringState state;

        peering_state(client->peerings[i], &state);
        client->got += state.done && state.blocks == 1;
        client->refused += state.refused > 0;
    }
    client->over = client->got + client->refused >= (size_t)client->count;
    if (client->over)
        share_stop(client->share);
}

/* Gets so many feeds from the first on, all on one connection. */
static Client get(const Server *server, int first, int count)
{
    Client client = {.count = count};
    ShareOptions options = {.on_taken = judge, .ctx = &client};
    Feed *feeds[FEEDS];
    ARENA_SCOPE(arena);
    Err err = {0};

    CHECK(share_open(&nodes[1], &options, &client.share, &err));
    for (int i = 0; i < count; i++) {
        const char *path = str_printf(&arena, "%s/copy%d", top, i).ptr;
        FeedIdentity identity;

        feed_identity_of_key(keys[first + i], &identity);
        CHECK(feed_create(&arena, path, &identity, NULL, &feeds[i], &err));
        CHECK(share_add(client.share, feeds[i], &(PeeringOptions){.download = true, .follow = true},
                        &client.peerings[i], &err));
    }
    CHECK(share_connect(client.share, str_from_z(server->address), &err) && share_run(client.share, &err));
    share_close(client.share);
    for (int i = 0; i < count; i++) {
        feed_close(feeds[i]);
        CHECK(os_remove_tree(str_printf(&arena, "%s/copy%d", top, i).ptr, &err));
    }
    return client;
}

/* ---- tests ---- */

/* One after the other: those that nobody uses any more make room. Beside one another only so many are open. */
static void any_number_of_feeds_is_served_with_few_of_them_open(void)
{
    Server server;

    begin(&server, true);
    for (int i = 0; i < FEEDS; i++)
        CHECK(get(&server, i, 1).got == 1);
    Client all = get(&server, 0, FEEDS);
    CHECK(all.got == MOST && all.refused == FEEDS - MOST);
    size_t got = 0;
    for (int tries = 0; tries < 100 && !got;
         tries++) /* the end of the connection before may be seen a moment later */
        got = get(&server, FEEDS - 1, 1).got;
    CHECK(got == 1);
    CHECK(server.most.feeds <= MOST);
    end(&server);
}

static void only_those_that_were_added_are_served_where_not_all_are(void)
{
    Server server;

    begin(&server, false);
    CHECK(get(&server, 0, 1).got == 1);
    CHECK(get(&server, 1, 1).refused == 1);
    CHECK(get(&server, 0, 1).got == 1);
    end(&server);
}

int main(void)
{
    CHECK(mkdtemp(top) != NULL);
    for (int i = 0; i < 2; i++)
        sign_pair_new(&nodes[i]);
    RUN(any_number_of_feeds_is_served_with_few_of_them_open);
    RUN(only_those_that_were_added_are_served_where_not_all_are);
    (void)rmdir(top);
    DONE();
}
