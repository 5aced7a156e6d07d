/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "cli/feed_peers.h"
#include "feed/share.h"

typedef struct Opts {
    Str listen;
    StrList peers;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "listen", 'l', offsetof(Opts, listen), "ADDR",
     "host:port, [v6]:port or unix:/path (127.0.0.1:0: a free port)"},
    {OPT_LIST, "peer", 'p', offsetof(Opts, peers), "ADDR",
     "keep a connection to this peer as well; without one, to those of [feeds] peers in strata.ini"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

/* A feed that is served. */
typedef struct Served {
    struct Served *next;
    StoreFeed about;
    Feed *feed;
    struct Serving *serving;
    bool writable;
    uint64_t damaged;   /* blocks that were named */
    uint64_t not_given; /* blocks that peers did not give, when that was said last */
    Peering *peering;
} Served;

typedef struct Serving {
    const Call *call;
    FeedStore *store;
    Share *share;
    Served *feeds;
    bool all; /* whatever the store has, when it is asked for */
    Peers peers;
    Err failure;
} Serving;

/* From now on nobody appends to it until it was copied from there. */
static void note_longer(void *served_v, const unsigned char peer[32], uint64_t fork, uint64_t length)
{
    Served *served = served_v;
    ARENA_SCOPE(scratch);
    Err ignored = {0};

    (void)!store_doubt(served->serving->store, served->about.about.key, &ignored);
    feed_peers_warn_longer(served->serving->call, feed_peers_short(&scratch, peer), &served->about, fork,
                           length);
}

static void note_fork(void *served_v, const unsigned char peer[32])
{
    Served *served = served_v;
    ARENA_SCOPE(scratch);

    feed_peers_warn_fork(served->serving->call, feed_peers_short(&scratch, peer), &served->about);
}

static void note_damage(void *served_v, uint64_t block, const Err *why)
{
    Served *served = served_v;

    feed_peers_warn_damage(served->serving->call, &served->about, block, why, &served->damaged);
}

/* One's own feed is appended to by other processes, and only read here; somebody else's is copied on, unless another process does. */
static bool open_feed(Serving *serving, Served *served, Err *err)
{
    const unsigned char *key = served->about.about.key;

    served->writable = !(served->about.about.flags & META_OWN) &&
                       store_feed(serving->store, key, FEED_WRITE, &served->feed, err);
    return served->writable || store_feed(serving->store, key, FEED_READ, &served->feed, err);
}

static bool serve_feed(Serving *serving, const StoreFeed *about, Peering **out, Err *err)
{
    Served *served = arena_new(serving->call->arena, Served, 1);
    Peering *peering;

    *served = (Served){.about = *about, .serving = serving, .next = serving->feeds};
    if (!open_feed(serving, served, err))
        return false;
    PeeringOptions options = {.download = served->writable && !(about->about.flags & META_SPARSE),
                              .follow = served->writable,
                              .on_longer = about->about.flags & META_OWN ? note_longer : NULL,
                              .on_fork = note_fork,
                              .on_damage = note_damage,
                              .ctx = served};
    if (!share_add(serving->share, served->feed, &options, &peering, err) || !peering_announce(peering, err))
        return false;
    serving->feeds = served;
    *out = served->peering = peering;
    return true;
}

static Peering *find(void *serving_v, const unsigned char discovery_key[32])
{
    Serving *serving = serving_v;
    StoreFeed about;
    Peering *peering = NULL;
    Err ignored = {0};

    if (!serving->all ||
        !store_discovered(serving->store, serving->call->arena, discovery_key, &about, &ignored) ||
        !serve_feed(serving, &about, &peering, &ignored))
        return NULL;
    return peering;
}

/* What other processes append is passed on. */
static void look_again(void *serving_v)
{
    Serving *serving = serving_v;
    Err unwritten = {0};

    (void)!out_flush(serving->call->out, &unwritten); /* what was said meanwhile */
    share_refresh(serving->share);
    for (Served *served = serving->feeds; served; served = served->next)
        if (served->writable)
            feed_peers_warn_not_given(serving->call, &served->about, served->peering, NULL,
                                      &served->not_given);
}

/* Who comes now gets what was appended up to now, however shortly before. */
static void greet(void *serving_v, const char *address, const unsigned char key[32])
{
    (void)address, (void)key;
    look_again(serving_v);
}

static void say_end(void *serving_v, const char *address, const Err *why)
{
    feed_peers_say_end(((Serving *)serving_v)->call, address, why);
}

static bool serve_named(Serving *serving, Err *err)
{
    const Call *call = serving->call;

    for (size_t i = 0; i < call->args_count; i++) {
        StoreFeed about;
        Peering *peering;

        if (!store_find(serving->store, call->arena, call->args[i], &about, err) ||
            (!serve_feed(serving, &about, &peering, err) && err->code != ERR_CONFLICT))
            return false;
    }
    return true;
}

/* A peer that is called is offered all that is here, and that can be opened. */
static bool serve_everything(Serving *serving, Err *err)
{
    StoreFeed *feeds;
    size_t count;
    Peering *peering;

    if (!store_list(serving->store, serving->call->arena, &feeds, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        ARENA_SCOPE(scratch);
        Err why = {0};

        if (!serve_feed(serving, &feeds[i], &peering, &why))
            out_warn(serving->call->out, "feed %s is not served: %s",
                     feed_peers_short(&scratch, feeds[i].about.key), why.text);
    }
    return true;
}

/* Scripts read this line. */
static void say_address(const Call *call, const char *address)
{
    if (!call->json) {
        out_raw(call->out, str_printf(call->arena, "listening %s\n", address));
        return;
    }
    out_record(call->out);
    out_field(call->out, "listening", OUT_TEXT);
    out_z(call->out, address);
    out_end(call->out);
}

static bool begin(Serving *serving, Err *err)
{
    const Opts *o = serving->call->opts;
    const char *address;

    if (!serve_named(serving, err) ||
        (serving->all && !feeds_warn_strays(serving->call, serving->store, err)) ||
        (serving->all && serving->peers.count > 0 && !serve_everything(serving, err)) ||
        !share_listen(serving->share, o->listen, &address, err))
        return false;
    for (size_t i = 0; i < serving->peers.count; i++)
        if (!share_connect(serving->share, serving->peers.at[i], err))
            return false;
    say_address(serving->call, address);
    return out_flush(serving->call->out, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Serving serving = {.call = call, .all = call->args_count == 0};
    Keystore *keys;
    SIGN_SCOPE(own);
    ShareOptions options = {.loop = {.watch_stop = true, .tick = MILLISECONDS(200)},
                            .find = find,
                            .on_connect = greet,
                            .on_end = say_end,
                            .on_tick = look_again,
                            .ctx = &serving};

    if (o->peers.count > 0)
        serving.peers = (Peers){.at = o->peers.items, .count = o->peers.count};
    else if (!feed_peers_configured(call, &serving.peers, err))
        return false;
    if (!stop_init(err) || !feeds_open_many(call, &serving.store, err) ||
        !keys_open(call, o->passphrase_file, &keys, err) || !keystore_node(keys, &own, err) ||
        !share_open(&own, &options, &serving.share, err))
        return false;
    bool ok = begin(&serving, err) && share_run(serving.share, err);
    share_close(serving.share);
    for (Served *served = serving.feeds; served; served = served->next)
        store_release(serving.store, served->feed);
    return ok;
}

const Cmd cmd_feed_serve = {
    .name = "feed serve",
    .args = "[KEY...]",
    .summary = "let peers copy feeds",
    .description =
        "Whoever knows the key of a feed may copy it: with strata feed replicate, or with npm hypercore 10 or 11. Without KEY every "
        "feed of the instance is served. Connections are encrypted; the key of a feed is never sent, and a peer that does not know it "
        "is told nothing. Peers that are called from here, those of --peer or else of [feeds] peers in strata.ini, are offered every feed; one "
        "that cannot be opened is named and passed over.\n\n"
        "What other processes append to a feed meanwhile is passed on at once. A feed of somebody else is not only given but copied on: "
        "from every peer that has more of it.\n\n"
        "A peer that shows a longer history of one's own feed means that the feed here is an old copy: strata feed append refuses it "
        "then, until strata feed replicate has got the rest.\n\n"
        "A block that cannot be given because it is damaged here is named on standard error, and peers get all others. So are blocks that "
        "peers from which a feed is copied on do not give.",
    .opts = opts,
    CMD_OPTS(Opts, .listen = {"127.0.0.1:0", 11}),
    .examples = "strata feed serve\n"
                "strata feed serve --listen '[::]:4123' notes\n"
                "strata feed serve --peer example.org:4123\n",
    .run = run,
};
