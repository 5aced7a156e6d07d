/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/peers.h"

#include <string.h>

#include "feed/share.h"
#include "net/endpoint.h"

static const ConfKey keys[] = {
#define X(...) CONF_ROW(PeersConf, __VA_ARGS__)
#include "feed/peers.def"
#undef X
};

const ConfSection peers_conf = CONF_SECTION("feeds", NULL, "feeds and their peers", PeersConf, keys);

/* ---- which there are ---- */

static bool is_new(const Str *at, size_t count, Str address)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(at[i], address))
            return false;
    return true;
}

static bool check(const Str *at, size_t count, Str address, Err *err)
{
    Endpoint endpoint;

    if (!endpoint_parse(address, &endpoint, err))
        return false;
    if (endpoint.is_any)
        return err_set(err, ERR_CONFIG, "'%.*s' is no address to connect to", STR_ARG(address));
    if (!is_new(at, count, address))
        return err_set(err, ERR_CONFIG, "'%.*s' is there twice", STR_ARG(address));
    return count < PEERS_MAX || err_set(err, ERR_CONFIG, "there are more than %d", PEERS_MAX);
}

static bool check_listen(Str address, Err *err)
{
    Endpoint endpoint;

    if (address.len == 0)
        return true;
    if (!endpoint_parse(address, &endpoint, err)) {
        err->code = ERR_CONFIG;
        return err_wrap(err, "[feeds] listen");
    }
    return !endpoint.is_name ||
           err_set(err, ERR_CONFIG, "[feeds] listen: a name is not listened on, but an IP address: '%.*s'",
                   STR_ARG(address));
}

bool peers_parse(const PeersConf *conf, Arena *arena, Peers *out, Err *err)
{
    Str *at = arena_new(arena, Str, PEERS_MAX), rest = conf->peers, word;
    size_t count = 0;

    while (rest.len > 0) {
        rest = str_cut(rest, ',', &word);
        word = str_trim(word);
        if (word.len == 0)
            continue;
        if (!check(at, count, word, err)) {
            err->code = ERR_CONFIG;
            return err_wrap(err, "[feeds] peers");
        }
        at[count++] = (Str){str_to_z(arena, word), word.len};
    }
    if (!check_listen(conf->listen, err))
        return false;
    *out = (Peers){at, count, conf->peers_wait, conf->listen};
    return true;
}

/* ---- asking them ---- */

typedef struct Asked {
    Str address;
    bool met, lost, settled; /* settled: when it was over */
    unsigned char key[32];   /* of who is there, once it was met */
    Err why;                 /* it was lost */
} Asked;

typedef struct Asking {
    Share *share;
    Peering *peering;
    Asked *at;
    size_t count;
    Instant until;
    bool over;
    Err why;          /* the last that was said of any address */
    uint64_t longest; /* of what peers say to have */
    PeersFound found;
    unsigned char from[32];
} Asking;

static bool is_settled(const Asking *asking, const Asked *asked)
{
    return asked->lost || (asked->met && peering_answer(asking->peering, asked->key) != PEERING_WAITING);
}

/* What is known of the peers is noted before their connections end. */
static void judge(Asking *asking)
{
    bool over = asking->found.longer || asking->found.forked || time_monotonic() >= asking->until;
    size_t settled = 0;
    PeeringState state;

    if (asking->over)
        return;
    for (size_t i = 0; i < asking->count; i++) {
        asking->at[i].settled = is_settled(asking, &asking->at[i]);
        settled += asking->at[i].settled;
    }
    if (!over && settled < asking->count)
        return;
    peering_state(asking->peering, &state);
    asking->longest = state.longest;
    asking->over = true;
    share_stop(asking->share);
}

static void on_event(void *asking_v)
{
    judge(asking_v);
}

static Asked *find(Asking *asking, const char *address)
{
    for (size_t i = 0; i < asking->count; i++)
        if (str_eq_z(asking->at[i].address, address))
            return &asking->at[i];
    return NULL;
}

static void on_connect(void *asking_v, const char *address, const unsigned char key[32])
{
    Asked *asked = find(asking_v, address);

    if (!asked)
        return;
    asked->met = true;
    memcpy(asked->key, key, sizeof asked->key);
}

static void on_end(void *asking_v, const char *address, const Err *why)
{
    Asking *asking = asking_v;

    (void)address;
    asking->why = why && why->code ? *why : (Err){0};
}

/* It is not called again: the first answer has to do. */
static void on_lost(void *asking_v, const char *address)
{
    Asking *asking = asking_v;
    Asked *asked = find(asking, address);

    if (!asked || asked->lost || asking->over)
        return;
    asked->lost = true;
    asked->why = asking->why;
    if (!asked->why.code)
        (void)err_set(&asked->why, ERR_IO, "it ended the connection");
    share_disconnect(asking->share, asked->address);
    judge(asking);
}

static void on_longer(void *asking_v, const unsigned char peer[32], uint64_t fork, uint64_t length)
{
    Asking *asking = asking_v;

    asking->found.longer = true;
    asking->found.fork = fork;
    asking->found.length = length;
    memcpy(asking->from, peer, sizeof asking->from);
}

static void on_fork(void *asking_v, const unsigned char peer[32])
{
    Asking *asking = asking_v;

    asking->found.forked = true;
    memcpy(asking->from, peer, sizeof asking->from);
}

static bool run(Asking *asking, Feed *feed, Err *err)
{
    /* Nothing is followed or got: a peer that has more is only to show that. */
    PeeringOptions options = {
        .via = PEERING_HYPERCORE, .on_longer = on_longer, .on_fork = on_fork, .ctx = asking};

    if (!share_add(asking->share, feed, &options, &asking->peering, err) ||
        !peering_announce(asking->peering, err))
        return false;
    for (size_t i = 0; i < asking->count; i++)
        if (!share_connect(asking->share, asking->at[i].address, err))
            return false;
    return share_run(asking->share, err);
}

/* ---- what came of it ---- */

static void say(const PeersAsk *options, Str address, const Err *why)
{
    Err said = {0};

    if (!options->unasked)
        return;
    (void)err_set(&said, why->code, "peer %.*s was not asked whether it has more of the feed: %s",
                  STR_ARG(address), why->text);
    options->unasked(options->ctx, &said);
}

/* Not where one has shown why nothing is to be appended: then the others do not count. */
static void say_unasked(const Asking *asking, const Peers *peers, const PeersAsk *options)
{
    Err late = {0};

    (void)err_set(&late, ERR_IO, "no answer in %.3g s", (double)peers->wait / SECONDS(1));
    for (size_t i = 0; i < asking->count; i++) {
        const Asked *asked = &asking->at[i];

        if (asked->lost || !asked->settled)
            say(options, asked->address, asked->lost ? &asked->why : &late);
    }
}

/* It says so, and owes the proof: its tree is damaged, or it lies. */
static void say_unproven(const Asking *asking, Feed *feed, const PeersAsk *options)
{
    Err said = {0};

    if (!options->unasked || asking->longest <= feed_state(feed)->roots.length)
        return;
    (void)err_set(&said, ERR_CORRUPT, "a peer says that the feed has %llu blocks, and does not prove it",
                  (unsigned long long)asking->longest);
    options->unasked(options->ctx, &said);
}

static const char *name_of(const Asking *asking, Arena *arena)
{
    for (size_t i = 0; i < asking->count; i++)
        if (asking->at[i].met && memcmp(asking->at[i].key, asking->from, sizeof asking->from) == 0)
            return str_to_z(arena, asking->at[i].address);
    return "";
}

bool peers_ask(const Peers *peers, Feed *feed, const SignPair *own, const PeersAsk *options, Arena *arena,
               PeersFound *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Asking asking = {.count = peers->count, .until = time_monotonic() + peers->wait};
    ShareOptions share = {.loop = {.tick = MILLISECONDS(50), .finish = MILLISECONDS(100)},
                          .on_connect = on_connect,
                          .on_end = on_end,
                          .on_lost = on_lost,
                          .on_taken = on_event,
                          .on_tick = on_event,
                          .ctx = &asking};

    *out = (PeersFound){0};
    if (peers->count == 0)
        return true;
    asking.at = arena_new(&scratch, Asked, peers->count);
    for (size_t i = 0; i < peers->count; i++)
        asking.at[i] = (Asked){.address = peers->at[i]};
    if (!share_open(own, &share, &asking.share, err))
        return false;
    bool ok = run(&asking, feed, err);
    if (ok) {
        asking.found.from = name_of(&asking, arena);
        *out = asking.found;
        if (!out->longer && !out->forked) {
            say_unasked(&asking, peers, options);
            say_unproven(&asking, feed, options);
        }
    }
    share_close(asking.share);
    return ok;
}
