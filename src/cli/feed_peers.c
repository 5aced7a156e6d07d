/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed_peers.h"

#include <string.h>

#include "cli/config.h"

const char *feed_peers_short(Arena *arena, const unsigned char key[32])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, key, 8);
    return str_to_z(arena, buf_str(&hex));
}

/* ---- the peers of the configuration ---- */

bool feed_peers_configured(const Call *call, Peers *out, Err *err)
{
    Conf *conf;

    return config_load(call, &conf, err) &&
           peers_parse(conf_get(conf, &peers_conf, (Str){0}), call->arena, out, err);
}

void feed_peers_warn_longer(const Call *call, const char *peer, const StoreFeed *about, uint64_t fork,
                            uint64_t length)
{
    ARENA_SCOPE(scratch);

    out_warn(
        call->out,
        "peer %s has more of feed %s, %llu blocks in fork %llu: what is here is an old copy; strata feed "
        "replicate gets the rest",
        peer, feed_peers_short(&scratch, about->about.key), (unsigned long long)length,
        (unsigned long long)fork);
}

void feed_peers_warn_fork(const Call *call, const char *peer, const StoreFeed *about)
{
    ARENA_SCOPE(scratch);

    out_warn(call->out, "peer %s has another history of feed %s: strata feed forks shows the proof", peer,
             feed_peers_short(&scratch, about->about.key));
}

static void warn_unasked(void *out, const Err *why)
{
    out_warn(out, "%s", why->text);
}

/* *longer: one has more, which is noted. Of a fork the proof is kept: who appends is told by feed_append(). */
static bool ask(const Call *call, FeedInHand *in, bool *longer, Err *err)
{
    PeersAsk options = {.unasked = warn_unasked, .ctx = call->out};
    PeersFound found;
    Peers peers;
    SIGN_SCOPE(own);

    *longer = false;
    if (!feed_peers_configured(call, &peers, err))
        return false;
    if (peers.count == 0)
        return true;
    if (!keystore_node(in->keys, &own, err) ||
        !peers_ask(&peers, in->feed, &own, &options, call->arena, &found, err))
        return false;
    *longer = found.longer;
    if (found.forked)
        feed_peers_warn_fork(call, found.from, &in->about);
    if (!found.longer)
        return true;
    feed_peers_warn_longer(call, found.from, &in->about, found.fork, found.length);
    return store_doubt(in->store, in->about.about.key, err);
}

bool feed_peers_check_trust(const Call *call, FeedInHand *in, bool trust, Err *err)
{
    bool longer = false;

    if ((!in->unconfirmed || trust) && !ask(call, in, &longer, err))
        return false;
    in->unconfirmed |= longer;
    return feeds_check_trust(in, trust && !longer, err);
}

/* ---- what is said meanwhile ---- */

void feed_peers_say_end(const Call *call, const char *address, const Err *why)
{
    if (!why || !why->code)
        return;
    if (strstr(why->text, address))
        out_say(call->out, "%s", why->text);
    else
        out_say(call->out, "%s: %s", address, why->text);
}

void feed_peers_warn_damage(const Call *call, const StoreFeed *about, uint64_t block, const Err *why,
                            uint64_t *told)
{
    enum { NAMED_MAX = 20 };
    ARENA_SCOPE(scratch);
    const char *key = feed_peers_short(&scratch, about->about.key);

    if (block == RANGES_NONE)
        out_warn(call->out, "the head of feed %s cannot be proven to peers: %s", key, why->text);
    else if (++*told <= NAMED_MAX)
        out_warn(call->out, "block %llu of feed %s cannot be given to peers: %s", (unsigned long long)block,
                 key, why->text);
    if (block != RANGES_NONE && *told == NAMED_MAX)
        out_warn(call->out, "further ones of feed %s are not named here: strata feed verify reads them all",
                 key);
}

void feed_peers_warn_not_given(const Call *call, const StoreFeed *about, Peering *peering, Progress *progress,
                               uint64_t *said)
{
    ARENA_SCOPE(scratch);
    const char *key = feed_peers_short(&scratch, about->about.key);
    PeeringState state;
    uint64_t count;
    Err why = {0};

    peering_state(peering, &state);
    if (state.asked > 0 || peering_given(peering, &count, &why) || why.code != ERR_PARTIAL || count == *said)
        return;
    *said = count;
    if (progress)
        progress_note(progress, "feed %s: %s", key, why.text);
    else
        out_warn(call->out, "feed %s: %s", key, why.text);
}
