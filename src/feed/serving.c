/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/serving.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define TICK     MILLISECONDS(200)
#define IDLE_MAX SECONDS(60)

/* A feed that is served. */
typedef struct Served {
    struct Served *next;
    MetaFeed about; /* without its name */
    Feed *feed;
    struct Serving *serving;
    bool stays;         /* it was added, or is offered to peers that are called */
    bool writable;      /* somebody else's, which is copied on */
    Instant used;       /* when a peer had a channel of it last */
    uint64_t damaged;   /* blocks that were named */
    uint64_t not_given; /* blocks that peers did not give, when that was said last */
    Peering *peering;
} Served;

struct Serving {
    Arena arena;
    FeedStore *store;
    ServingOptions options;
    Share *share;
    Served *feeds;
    size_t count;
    bool calls;     /* peers are called, who are offered all that there is: */
    uint64_t stamp; /* so far */
    Map told;       /* feeds of which was said that they are not served */
};

static const Notice *notice_of(const Served *served)
{
    return &served->serving->options.notice;
}

/* ---- what peers show ---- */

/* From now on nobody appends to it until it was copied from there. */
static void on_longer(void *served_v, const unsigned char peer[32], uint64_t fork, uint64_t length)
{
    Served *served = served_v;
    ARENA_SCOPE(scratch);
    Err ignored = {0};

    (void)!store_doubt(served->serving->store, served->about.key, &ignored);
    notice_longer(notice_of(served), notice_short(&scratch, peer), served->about.key, fork, length);
}

static void on_fork(void *served_v, const unsigned char peer[32])
{
    Served *served = served_v;
    ARENA_SCOPE(scratch);

    notice_fork(notice_of(served), notice_short(&scratch, peer), served->about.key);
}

static void on_damage(void *served_v, uint64_t block, const Err *why)
{
    Served *served = served_v;

    notice_damage(notice_of(served), served->about.key, block, why, &served->damaged);
}

/* ---- feeds ---- */

/* Those that no peer used for so long are let go. False: there was none. */
static bool let_idle_go(Serving *serving, Duration idle)
{
    Instant now = time_monotonic();
    size_t before = serving->count;

    for (Served **at = &serving->feeds; *at;) {
        Served *served = *at;

        if (!peering_is_idle(served->peering))
            served->used = now;
        if (served->stays || now - served->used < idle || !peering_is_idle(served->peering)) {
            at = &served->next;
            continue;
        }
        *at = served->next;
        serving->count--;
        share_remove(serving->share, served->peering);
        store_release(serving->store, served->feed);
        free(served);
    }
    return serving->count < before;
}

static bool open_as(Served *served, FeedMode mode, Err *err)
{
    FeedStore *store = served->serving->store;

    if (store_feed(store, served->about.key, mode, &served->feed, err))
        return true;
    return err->code == ERR_LIMIT && let_idle_go(served->serving, 0) &&
           store_feed(store, served->about.key, mode, &served->feed, err);
}

/* One's own feed is appended to by other processes, and only read here; somebody else's is copied on, unless another process does. */
static bool open_feed(Served *served, Err *err)
{
    served->writable = served->serving->options.follow && !(served->about.flags & META_OWN) &&
                       open_as(served, FEED_WRITE, err);
    return served->writable || open_as(served, FEED_READ, err);
}

static bool share_feed(Served *served, Err *err)
{
    PeeringOptions options = {.download = served->writable && !(served->about.flags & META_SPARSE),
                              .follow = served->writable,
                              .on_longer = served->about.flags & META_OWN ? on_longer : NULL,
                              .on_fork = on_fork,
                              .on_damage = on_damage,
                              .ctx = served};
    Share *share = served->serving->share;

    if (!share_add(share, served->feed, &options, &served->peering, err))
        return false;
    if (peering_announce(served->peering, err))
        return true;
    share_remove(share, served->peering);
    return false;
}

static bool serve(Serving *serving, const StoreFeed *about, bool stays, Served **out, Err *err)
{
    Served *served = calloc(1, sizeof *served);

    if (!served)
        abort(); /* as arenas do */
    *served = (Served){.about = about->about, .serving = serving, .stays = stays, .used = time_monotonic()};
    served->about.name = (Str){0};
    if (!open_feed(served, err)) {
        free(served);
        return false;
    }
    if (!share_feed(served, err)) {
        store_release(serving->store, served->feed);
        free(served);
        return false;
    }
    served->next = serving->feeds;
    serving->feeds = served;
    serving->count++;
    *out = served;
    return true;
}

/* It may be here already, because a peer asked for it. */
static Served *find_served(Serving *serving, const unsigned char key[32])
{
    Served *served = serving->feeds;

    while (served && memcmp(served->about.key, key, FEED_KEY_BYTES) != 0)
        served = served->next;
    return served;
}

bool serving_add(Serving *serving, const StoreFeed *about, Err *err)
{
    Served *served = find_served(serving, about->about.key);

    if (served && served->stays)
        return true;
    if (!served && !serve(serving, about, true, &served, err))
        return false;
    served->stays = true;
    share_offer(serving->share, served->peering);
    return true;
}

static Peering *find(void *serving_v, const unsigned char discovery_key[32])
{
    Serving *serving = serving_v;
    ARENA_SCOPE(scratch);
    StoreFeed about;
    Served *served;
    Err ignored = {0};

    return serving->options.all &&
                   store_discovered(serving->store, &scratch, discovery_key, &about, &ignored) &&
                   serve(serving, &about, false, &served, &ignored)
               ? served->peering
               : NULL;
}

/* ---- what peers are offered that are called ---- */

static void say_not_served(Serving *serving, const StoreFeed *feed, const Err *why)
{
    ARENA_SCOPE(scratch);
    void **told = map_slot(&serving->told, &serving->arena,
                           (Str){(const char *)feed->about.key, sizeof feed->about.key});

    if (!*told)
        notice_say(&serving->options.notice, "feed %s is not served: %s",
                   notice_short(&scratch, feed->about.key), why->text);
    *told = serving;
}

/* All that is here and can be opened, but for what is younger: whoever makes a copy opens it a moment later, and is not to find it in use. */
static bool offer_everything(Serving *serving, Duration age, Err *err)
{
    ARENA_SCOPE(scratch);
    Instant now = time_now();
    StoreFeed *feeds;
    size_t count;

    serving->stamp = store_stamp(serving->store);
    if (!store_list(serving->store, &scratch, &feeds, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        Duration old = now - feeds[i].about.created; /* below 0 by a clock that was put back */
        Err why = {0};

        if (old >= 0 && old < age)
            serving->stamp = 0; /* to be looked at again */
        else if (!serving_add(serving, &feeds[i], &why))
            say_not_served(serving, &feeds[i], &why);
    }
    return true;
}

/* And what was made since. */
static void offer_new(Serving *serving)
{
    Err ignored = {0};

    if (serving->calls && store_stamp(serving->store) != serving->stamp)
        (void)!offer_everything(serving, SECONDS(2), &ignored);
}

/* ---- meanwhile ---- */

/* What other processes append is passed on. */
static void on_tick(void *serving_v)
{
    Serving *serving = serving_v;

    if (serving->options.on_tick)
        serving->options.on_tick(serving->options.ctx);
    (void)let_idle_go(serving, IDLE_MAX);
    offer_new(serving);
    share_refresh(serving->share);
    for (Served *served = serving->feeds; served; served = served->next)
        if (served->writable)
            notice_not_given(&serving->options.notice, served->about.key, served->peering,
                             &served->not_given);
}

/* Who comes now gets what was appended up to now, however shortly before. */
static void on_connect(void *serving_v, const char *address, const unsigned char key[32])
{
    (void)address, (void)key;
    share_refresh(((Serving *)serving_v)->share);
}

static void on_end(void *serving_v, const char *address, const Err *why)
{
    const ServingOptions *options = &((Serving *)serving_v)->options;

    if (options->on_end)
        options->on_end(options->ctx, address, why);
}

/* ---- life ---- */

bool serving_open(FeedStore *store, const SignPair *own, const ServingOptions *options, Serving **out,
                  Err *err)
{
    Arena arena = {0};
    Serving *serving = arena_new(&arena, Serving, 1);
    ShareOptions share = {.loop = {.watch_stop = options->watch_stop, .tick = TICK},
                          .find = find,
                          .on_connect = on_connect,
                          .on_end = on_end,
                          .on_tick = on_tick,
                          .ctx = serving};

    *serving = (Serving){.store = store, .options = *options};
    if (!share_open(own, &share, &serving->share, err)) {
        arena_free(&arena);
        return false;
    }
    serving->arena = arena;
    *out = serving;
    return true;
}

void serving_close(Serving *serving)
{
    Arena arena = serving->arena;

    share_close(serving->share);
    for (Served *served = serving->feeds, *next; served; served = next) {
        next = served->next;
        store_release(serving->store, served->feed);
        free(served);
    }
    arena_free(&arena);
}

bool serving_listen(Serving *serving, Str address, const char **out, Err *err)
{
    return share_listen(serving->share, address, out, err);
}

bool serving_connect(Serving *serving, const Peers *peers, Err *err)
{
    serving->calls = serving->options.all && peers->count > 0;
    if (serving->calls && !offer_everything(serving, 0, err))
        return false;
    for (size_t i = 0; i < peers->count; i++)
        if (!share_connect(serving->share, peers->at[i], err))
            return false;
    return true;
}

bool serving_run(Serving *serving, Err *err)
{
    return share_run(serving->share, err);
}

void serving_stop(Serving *serving)
{
    share_stop(serving->share);
}

void serving_state(Serving *serving, ServingState *out)
{
    ShareTraffic traffic;

    share_traffic(serving->share, &traffic);
    *out = (ServingState){.feeds = serving->count, .peers = traffic.peers};
}
