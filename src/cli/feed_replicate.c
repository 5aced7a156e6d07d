/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "cli/feed_peers.h"
#include "feed/share.h"

typedef struct Opts {
    int protocol;
    bool once;
    StrList blocks;
    Str name, passphrase_file;
} Opts;

static const char *const protocols[] = {"auto", "native", "hypercore", NULL}; /* as PeeringVia */

static const Opt opts[] = {
    {OPT_ENUM, "protocol", 0, offsetof(Opts, protocol), "PROTOCOL",
     "how blocks come: in runs (native) or one by one (hypercore)", .values = protocols},
    {OPT_FLAG, "once", 0, offsetof(Opts, once), NULL,
     "end when nothing that the peers have is missing here, and they have what they ask for"},
    {OPT_LIST, "blocks", 0, offsetof(Opts, blocks), "FIRST[-LAST]", "get these blocks only"},
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME", "what a feed is called that is new here"},
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

typedef struct Replicating {
    const Call *call;
    FeedInHand in;
    Share *share;
    Peering *peering;
    Progress *progress;
    uint64_t before, shown; /* blocks held */
    bool stopped;
    Peers peers;        /* those named, or else those of the configuration */
    bool reached;       /* a peer told how long its feed is */
    bool native;        /* and sends runs */
    bool forked;        /* or has another history of it */
    size_t lost;        /* connections that ended or could not be made */
    uint64_t damaged;   /* blocks here that cannot be given, as far as they were named */
    uint64_t not_given; /* blocks that peers did not give, when that was said last */
    Err failure;
} Replicating;

/* ---- what happens meanwhile ---- */

static void stop(Replicating *rep)
{
    rep->stopped = true;
    share_stop(rep->share);
}

static void fail(Replicating *rep, const Err *why)
{
    if (!rep->failure.code && !rep->stopped)
        rep->failure = *why;
    stop(rep);
}

/* With --once, whatever cannot become better by waiting ends it: every peer told what it has, or never will. */
static void judge(Replicating *rep, const PeeringState *state)
{
    const Opts *o = rep->call->opts;
    size_t peers = rep->peers.count;
    Err why = {0};

    rep->reached |= state->synced > 0;
    rep->native |= state->native > 0;
    if (!o->once || rep->stopped)
        return;
    if (state->peers > 0 && state->native == 0 && state->undecided == 0 && o->protocol == PEERING_NATIVE) {
        (void)err_set(&why, ERR_CONFLICT, "the peer does not send blocks in runs");
        (void)err_hint(&why, "--protocol auto gets them one by one");
        fail(rep, &why);
    } else if (state->peers == 0 && state->late > 0 && state->refused + state->late >= peers) {
        (void)err_set(&why, ERR_IO, "the peer did not answer what it was asked");
        fail(rep, &why);
    } else if (state->peers == 0 && state->refused >= peers) {
        (void)err_set(&why, ERR_NOT_FOUND, "the peer does not have the feed, or does not serve it");
        fail(rep, &why);
    } else if (state->done && state->given && !rep->forked &&
               state->synced + state->refused + state->late + rep->lost >= peers) {
        stop(rep);
    }
}

static void on_taken(void *rep_v)
{
    Replicating *rep = rep_v;
    PeeringState state;

    peering_state(rep->peering, &state);
    progress_set_total(rep->progress, (int64_t)(feed_state(rep->in.feed)->roots.length - rep->before));
    progress_add(rep->progress, (int64_t)(feed_state(rep->in.feed)->held - rep->shown));
    rep->shown = feed_state(rep->in.feed)->held;
    judge(rep, &state);
}

static void say(void *out, const char *text)
{
    out_say(out, "%s", text);
}

/* The bar goes out of its way. */
static void note(void *rep_v, const char *text)
{
    Replicating *rep = rep_v;

    if (rep->progress)
        progress_note(rep->progress, "%s", text);
    else
        out_warn(rep->call->out, "%s", text);
}

/* One of several peers may be lost while another one still answers. */
static void on_end(void *rep_v, const char *address, const Err *why)
{
    Replicating *rep = rep_v;
    const Opts *o = rep->call->opts;
    ShareTraffic traffic;
    PeeringState state;

    rep->lost++;
    if (rep->stopped || !why || !why->code)
        return;
    share_traffic(rep->share, &traffic);
    if (o->once && traffic.peers == 0 && rep->lost >= rep->peers.count) {
        fail(rep, why);
        return;
    }
    notice_end(&(Notice){say, rep->call->out}, address, why);
    peering_state(rep->peering, &state);
    judge(rep, &state);
}

static void on_fork(void *rep_v, const unsigned char peer[32])
{
    ((Replicating *)rep_v)->forked = true;
    (void)peer;
}

static void on_damage(void *rep_v, uint64_t block, const Err *why)
{
    Replicating *rep = rep_v;
    Notice notice = feed_peers_notice(rep->call);

    notice_damage(&notice, rep->in.about.about.key, block, why, &rep->damaged);
}

/* A moment later, so that the peer can see it as well. */
static void on_tick(void *rep_v)
{
    Replicating *rep = rep_v;
    Err why = {0};

    (void)!out_flush(rep->call->out, &why);     /* what was said meanwhile */
    if (!((const Opts *)rep->call->opts)->once) /* it goes on, and another peer may have them */
        notice_not_given(&(Notice){note, rep}, rep->in.about.about.key, rep->peering, &rep->not_given);
    if (!rep->forked)
        return;
    (void)err_set(&why, ERR_CONFLICT, "the peer has another history of the feed, signed by the same key");
    (void)err_hint(
        &why,
        "strata feed forks shows the proof; nothing is appended to the feed until its signer truncates it");
    fail(rep, &why);
}

/* ---- the feed ---- */

static bool parse_key(Str text, unsigned char key[FEED_KEY_BYTES])
{
    return str_to_bytes(text, key, FEED_KEY_BYTES);
}

/* A key that is new here is noted, as that of somebody else's feed, and as sparse as long as some of its blocks are all that was asked for. */
static bool take_feed(Replicating *rep, Err *err)
{
    const Call *call = rep->call;
    const Opts *o = call->opts;
    unsigned char key[FEED_KEY_BYTES];

    if (feeds_take(call, FEED_WRITE, &rep->in, err))
        return o->blocks.count > 0 || store_sparse(rep->in.store, rep->in.about.about.key, false, err);
    if (err->code != ERR_NOT_FOUND || !parse_key(call->args[0], key))
        return false;
    *err = (Err){0};
    return store_add(rep->in.store, key, o->name, err) &&
           (o->blocks.count == 0 || store_sparse(rep->in.store, key, true, err)) &&
           feeds_take(call, FEED_WRITE, &rep->in, err);
}

/* "5" or "5-9", the last one with it. */
static bool parse_range(Str text, uint64_t *first, uint64_t *end, Err *err)
{
    Str from, to = str_cut(text, '-', &from);

    if (!feeds_number(from, "FIRST", first, err) || (to.len > 0 && !feeds_number(to, "LAST", end, err)))
        return false;
    if (to.len == 0)
        *end = *first;
    ++*end;
    return *first < *end || err_set(err, ERR_USAGE, "'%.*s' is no range of blocks", STR_ARG(text));
}

static bool want_blocks(Replicating *rep, Err *err)
{
    const Opts *o = rep->call->opts;

    for (size_t i = 0; i < o->blocks.count; i++) {
        uint64_t first, end;

        if (!parse_range(o->blocks.items[i], &first, &end, err))
            return false;
        peering_want(rep->peering, first, end);
    }
    return true;
}

static bool take_peers(Replicating *rep, Err *err)
{
    const Call *call = rep->call;

    if (call->args_count > 1)
        rep->peers = (Peers){.at = call->args + 1, .count = call->args_count - 1};
    else if (!feed_peers_configured(call, &rep->peers, err))
        return false;
    if (rep->peers.count > 0)
        return true;
    (void)err_set(err, ERR_USAGE, "no peer is named");
    return err_hint(err, "PEER is an address, or [feeds] peers in strata.ini has some");
}

static bool connect_peers(Replicating *rep, Err *err)
{
    for (size_t i = 0; i < rep->peers.count; i++)
        if (!share_connect(rep->share, rep->peers.at[i], err))
            return false;
    return true;
}

/* ---- the whole ---- */

static void print(const Replicating *rep, const ShareTraffic *traffic, uint64_t not_given)
{
    const Call *call = rep->call;
    PeeringState state;

    peering_state(rep->peering, &state);
    out_record(call->out);
    feeds_put_hex(call, "key", rep->in.about.about.key);
    feeds_put_number(call, "length", feed_state(rep->in.feed)->roots.length);
    feeds_put_number(call, "held", feed_state(rep->in.feed)->held);
    feeds_put_number(call, "blocks", state.blocks);
    feeds_put_number(call, "not_given", not_given);
    feeds_put_number(call, "bytes_in", traffic->bytes_in);
    feeds_put_number(call, "bytes_out", traffic->bytes_out);
    out_field(call->out, "protocol", OUT_TEXT);
    out_z(call->out, !rep->reached ? NULL : rep->native ? "native" : "hypercore");
    out_end(call->out);
}

/* What came is kept and told in any case. With --once it ends well only when peers gave all that they say to have. */
static bool sum_up(Replicating *rep, Err *err)
{
    const Opts *o = rep->call->opts;
    ShareTraffic traffic;
    uint64_t not_given;
    Err why = {0};
    bool given = peering_given(rep->peering, &not_given, &why);

    share_traffic(rep->share, &traffic);
    print(rep, &traffic, not_given);
    if (given || (!o->once && why.code == ERR_PARTIAL))
        return true;
    *err = why;
    return why.code != ERR_PARTIAL
               ? false
               : err_hint(err, "their copies are damaged: strata feed verify there says where, and another "
                               "peer may have the blocks; what came is kept");
}

static bool replicate(Replicating *rep, Err *err)
{
    const Call *call = rep->call;
    const Opts *o = call->opts;
    PeeringOptions options = {.download = o->blocks.count == 0,
                              .follow = true,
                              .via = (PeeringVia)o->protocol,
                              .on_fork = on_fork,
                              .on_damage = on_damage,
                              .ctx = rep};

    if (!share_add(rep->share, rep->in.feed, &options, &rep->peering, err) ||
        !peering_announce(rep->peering, err) || !want_blocks(rep, err) || !connect_peers(rep, err))
        return false;
    rep->before = rep->shown = feed_state(rep->in.feed)->held;
    rep->progress = progress_begin(call->arena, (ProgressTask){.what = "replicating",
                                                               .unit = "blocks",
                                                               .fd = STDERR_FILENO,
                                                               .off = call->json || call->quiet});
    bool ok = share_run(rep->share, err) && feed_sync(rep->in.feed, err);
    progress_end(rep->progress);
    rep->progress = NULL;
    if (ok && rep->failure.code) {
        *err = rep->failure;
        ok = false;
    }
    ok = ok && sum_up(rep, err);
    /* Interrupted with --once: it was not done. Without, that is how it ends. */
    return ok && (!o->once || rep->stopped || stop_check(err));
}

/* What was compared with a peer, and has all that the peer has, is no old copy any more. */
static bool confirm(Replicating *rep, Err *err)
{
    return !rep->in.unconfirmed || !rep->reached ||
           store_confirm(rep->in.store, rep->in.about.about.key, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Replicating rep = {.call = call};
    Keystore *keys;
    SIGN_SCOPE(own);
    ShareOptions options = {.loop = {.watch_stop = true},
                            .on_taken = on_taken,
                            .on_end = on_end,
                            .on_tick = on_tick,
                            .ctx = &rep};

    if (!stop_init(err) || !take_peers(&rep, err) || !take_feed(&rep, err) ||
        !keys_open(call, o->passphrase_file, &keys, err) ||
        !reading_note(rep.in.store, keys, rep.in.about.about.key, err) || !keystore_node(keys, &own, err) ||
        !share_open(&own, &options, &rep.share, err))
        return false;
    bool ok = replicate(&rep, err);
    share_close(rep.share);
    ok = ok && confirm(&rep, err);
    store_release(rep.in.store, rep.in.feed);
    return ok;
}

const Cmd cmd_feed_replicate = {
    .name = "feed replicate",
    .args = "KEY [PEER...]",
    .summary = "copy a feed from peers, and give them what they miss",
    .description =
        "KEY is the key of a feed, or what one is called that is here already. PEER is an address: host:port, [v6]:port or unix:/path, of "
        "strata feed serve or of npm hypercore 10 or 11; without one, those of [feeds] peers in strata.ini are taken. Every block is checked against the signature of the feed before it is kept, and "
        "what was got stays when this is interrupted. Where peers do not give blocks that they say to have, because their "
        "copies are damaged, 'not_given' counts those, and --once ends with status 11 and names them; what no peer has is not "
        "missed.\n\n"
        "With --once it ends when nothing that peers have is missing here, and they have all that is here; of a peer that misses something "
        "and has not asked for anything in 5 seconds it is taken that it does not want it.\n\n"
        "Without --once it goes on: what is appended comes as it is appended, and a connection that is lost is made again.",
    .opts = opts,
    CMD_OPTS(Opts, .protocol = PEERING_AUTO),
    .examples = "strata feed replicate notes example.org:4123\n"
                "strata feed replicate --once \\\n"
                "    --blocks 0-9 notes 127.0.0.1:4123\n",
    .run = run,
};
