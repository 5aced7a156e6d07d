/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "cli/feed_peers.h"
#include "feed/serving.h"

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

/* What was said meanwhile is seen. */
static void flush(void *out)
{
    Err unwritten = {0};

    (void)!out_flush(out, &unwritten);
}

static void say(void *out, const char *text)
{
    out_say(out, "%s", text);
}

static void say_end(void *out, const char *address, const Err *why)
{
    notice_end(&(Notice){say, out}, address, why);
}

static bool add_named(const Call *call, FeedStore *store, Serving *serving, Err *err)
{
    for (size_t i = 0; i < call->args_count; i++) {
        StoreFeed about;

        if (!store_find(store, call->arena, call->args[i], &about, err) || !serving_add(serving, &about, err))
            return false;
    }
    return call->args_count > 0 || feeds_warn_strays(call, store, err);
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

static bool serve(const Call *call, FeedStore *store, Serving *serving, const Peers *peers, Err *err)
{
    const Opts *o = call->opts;
    const char *address;

    if (!add_named(call, store, serving, err) || !serving_listen(serving, o->listen, &address, err) ||
        !serving_connect(serving, peers, err))
        return false;
    say_address(call, address);
    return out_flush(call->out, err) && serving_run(serving, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Peers peers = {.at = o->peers.items, .count = o->peers.count};
    FeedStore *store;
    Keystore *keys;
    Serving *serving;
    SIGN_SCOPE(own);

    ServingOptions options = {.all = call->args_count == 0,
                              .follow = true,
                              .watch_stop = true,
                              .notice = feed_peers_notice(call),
                              .on_end = say_end,
                              .on_tick = flush,
                              .ctx = call->out};
    if ((peers.count == 0 && !feed_peers_configured(call, &peers, err)) || !stop_init(err) ||
        !feeds_open_many(call, &store, err) || !keys_open(call, o->passphrase_file, &keys, err) ||
        !keystore_node(keys, &own, err) || !serving_open(store, &own, &options, &serving, err))
        return false;
    bool ok = serve(call, store, serving, &peers, err);
    serving_close(serving);
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
        "strata up does the same where [feeds] listen in strata.ini says so.\n\n"
        "A block that cannot be given because it is damaged here is named on standard error, and peers get all others. So are blocks that "
        "peers from which a feed is copied on do not give.",
    .opts = opts,
    CMD_OPTS(Opts, .listen = {"127.0.0.1:0", 11}),
    .examples = "strata feed serve\n"
                "strata feed serve --listen '[::]:4123' notes\n"
                "strata feed serve --peer example.org:4123\n",
    .run = run,
};
