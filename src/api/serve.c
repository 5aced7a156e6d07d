/* SPDX-License-Identifier: Apache-2.0 */
/* Serving all feeds of a store, for include/strata.h. */
#include "api/api.h"
#include "feed/share.h"

typedef struct Served {
    struct Served *next;
    struct Serving *serving;
    MetaFeed about;
    Feed *feed;
    uint64_t damaged; /* blocks that were named */
} Served;

typedef struct Serving {
    strata_store *store;
    Arena arena;
    Share *share;
    Served *feeds;
    bool (*until)(void *ctx);
    void *ctx;
} Serving;

/* The first ones are named; who has more of them verifies the feed. */
static void on_damage(void *served_v, uint64_t block, const Err *why)
{
    enum { NAMED_MAX = 20 };
    ARENA_SCOPE(scratch);
    Served *served = served_v;

    if (block == RANGES_NONE)
        api_warn(served->serving->store, "the head of feed %s cannot be proven to peers: %s",
                 api_short(&scratch, served->about.key), why->text);
    else if (++served->damaged <= NAMED_MAX)
        api_warn(served->serving->store, "block %llu of feed %s cannot be given to peers: %s",
                 (unsigned long long)block, api_short(&scratch, served->about.key), why->text);
}

static void on_longer(void *served_v, const unsigned char peer[32], uint64_t fork, uint64_t length)
{
    ARENA_SCOPE(scratch);
    Served *served = served_v;
    Err ignored = {0};

    (void)!store_doubt(served->serving->store->feeds, served->about.key, &ignored);
    api_warn(served->serving->store,
             "peer %s has more of feed %s, %llu blocks in fork %llu: what is here is an old copy",
             api_short(&scratch, peer), api_short(&scratch, served->about.key), (unsigned long long)length,
             (unsigned long long)fork);
}

static void on_fork(void *served_v, const unsigned char peer[32])
{
    ARENA_SCOPE(scratch);
    Served *served = served_v;

    api_warn(served->serving->store, "peer %s has another history of feed %s", api_short(&scratch, peer),
             api_short(&scratch, served->about.key));
}

static Peering *find(void *serving_v, const unsigned char discovery_key[32])
{
    Serving *serving = serving_v;
    Served *served = arena_new(&serving->arena, Served, 1);
    StoreFeed about;
    Peering *peering;
    Err ignored = {0};

    if (!store_discovered(serving->store->feeds, &serving->arena, discovery_key, &about, &ignored) ||
        !store_feed(serving->store->feeds, about.about.key, FEED_READ, &served->feed, &ignored))
        return NULL;
    *served = (Served){.serving = serving, .about = about.about, .feed = served->feed};
    PeeringOptions options = {.on_damage = on_damage,
                              .on_fork = on_fork,
                              .on_longer = about.about.flags & META_OWN ? on_longer : NULL,
                              .ctx = served};
    if (!share_add(serving->share, served->feed, &options, &peering, &ignored) ||
        !peering_announce(peering, &ignored)) {
        store_release(serving->store->feeds, served->feed);
        return NULL;
    }
    served->next = serving->feeds;
    serving->feeds = served;
    return peering;
}

static void look_again(void *serving_v)
{
    Serving *serving = serving_v;

    share_refresh(serving->share);
    if (serving->until(serving->ctx))
        share_stop(serving->share);
}

static bool serve(Serving *serving, const char *listen, void (*listening)(void *ctx, const char *address),
                  Err *err)
{
    ShareOptions options = {
        .loop = {.tick = MILLISECONDS(200)}, .find = find, .on_tick = look_again, .ctx = serving};
    const char *address;
    SIGN_SCOPE(own);

    if (!keystore_node(serving->store->keys, &own, err) || !share_open(&own, &options, &serving->share, err))
        return false;
    bool ok = share_listen(serving->share, str_from_z(listen), &address, err);
    if (ok) {
        listening(serving->ctx, address);
        ok = share_run(serving->share, err);
    }
    share_close(serving->share);
    for (Served *served = serving->feeds; served; served = served->next)
        store_release(serving->store->feeds, served->feed);
    return ok;
}

bool strata_serve(strata_store *store, const char *listen, void (*listening)(void *ctx, const char *address),
                  bool (*until)(void *ctx), void *ctx, strata_error *error)
{
    Serving serving = {.store = store, .until = until, .ctx = ctx};
    Err err = {0};

    bool ok = serve(&serving, listen, listening, &err);
    arena_free(&serving.arena);
    return ok || api_fail(&err, error);
}
