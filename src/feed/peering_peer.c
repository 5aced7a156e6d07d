/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer says on 'hypercore/alpha': what it has, and its answers. */
#include <stdlib.h>
#include <string.h>

#include "feed/feed_inside.h"
#include "feed/forks.h"
#include "feed/peering_inside.h"

/* ---- telling ---- */

bool peering_send_sync(Partner *peer, Err *err)
{
    const FeedState *state = feed_state(peer->peering->feed);
    bool same = peer->synced && peer->remote.fork == state->fork;
    AlphaSync sync = {.fork = state->fork,
                      .length = state->roots.length,
                      .remote_length = same ? peer->remote.length : 0,
                      .can_upgrade = !peer->synced || (same && state->roots.length > peer->remote.length),
                      .uploading = true,
                      .downloading = true,
                      .has_manifest = !state->identity.anonymous && !state->identity.compat};
    const AlphaSync *told = &peer->told;
    BUF_SCOPE(out);

    if (peer->has_told && told->fork == sync.fork && told->length == sync.length &&
        told->remote_length == sync.remote_length && told->can_upgrade == sync.can_upgrade &&
        told->has_manifest == sync.has_manifest)
        return true;
    if (peer->has_told && sync.fork != told->fork) {
        /* What was shown is of another fork. */
        AlphaRange drop = {.drop = true, .start = 0, .length = told->length};

        peer->shown_to = 0;
        alpha_put_range(&out, &drop);
        if (told->length > 0 && !mux_send(peer->alpha, ALPHA_RANGE, buf_str(&out), err))
            return false;
        buf_reset(&out);
    }
    peer->told = sync;
    peer->has_told = true;
    alpha_put_sync(&out, &sync);
    return mux_send(peer->alpha, ALPHA_SYNC, buf_str(&out), err);
}

bool peering_show_held(Partner *peer, Err *err)
{
    AlphaRange range = {.start = peer->shown_to, .length = peer->peering->low - peer->shown_to};
    BUF_SCOPE(out);

    if (peer->peering->low <= peer->shown_to)
        return true;
    peer->shown_to = peer->peering->low;
    alpha_put_range(&out, &range);
    return mux_send(peer->alpha, ALPHA_RANGE, buf_str(&out), err);
}

/* Which blocks it has, as far as its feed goes. */
static bool send_want(Partner *peer, Err *err)
{
    enum { WANTS_AT_ONCE = 8 };

    for (int i = 0; i < WANTS_AT_ONCE && peer->wanted_to < peer->remote.length; i++) {
        AlphaRange want = {.start = peer->wanted_to, .length = WANT_BLOCKS};
        BUF_SCOPE(out);

        peer->wanted_to += WANT_BLOCKS;
        alpha_put_want(&out, &want);
        if (!mux_send(peer->alpha, ALPHA_WANT, buf_str(&out), err))
            return false;
    }
    return true;
}

/* ---- life ---- */

bool peering_knows_key(const Partner *peer, Str handshake, Err *err)
{
    unsigned char shown[ALPHA_CAPABILITY_BYTES], right[ALPHA_CAPABILITY_BYTES];

    if (!alpha_get_open(handshake, shown, err))
        return false;
    alpha_capability(feed_state(peer->peering->feed)->identity.key, peer->who.hash, !peer->who.initiator,
                     right);
    return memcmp(shown, right, sizeof right) == 0 ||
           err_set(err, ERR_DENIED, "the peer does not know the key of the feed");
}

static bool on_open(MuxChannel *channel, Str handshake, Err *err)
{
    Partner *peer = mux_ctx(channel);

    if (!peering_knows_key(peer, handshake, err))
        return false;
    peer->open = true;
    return peering_send_sync(peer, err) && peering_show_held(peer, err);
}

void peering_leave(Partner *peer)
{
    Partner **at = &peer->peering->peers;

    for (size_t i = 0; i < ASKED_MAX; i++)
        if (peer->asked[i].kind != ASKED_NOTHING)
            peering_forget(peer, &peer->asked[i]);
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    ranges_release(&peer->have);
    buf_release(&peer->fork);
    buf_release(&peer->learned);
    free(peer);
}

static void on_close(MuxChannel *channel, MuxEnd why)
{
    Partner *peer = mux_ctx(channel);
    Err ignored = {0};

    peer->alpha = NULL;
    peer->open = peer->synced = false;
    peer->peering->refused += why == MUX_REJECTED;
    if (!peer->runs)
        peering_leave(peer);
    else if (why != MUX_GONE)
        (void)mux_close(peer->runs, &ignored); /* which takes the peer away */
}

/* ---- what it says ---- */

static bool take_sync(Partner *peer, Str payload, Err *err)
{
    AlphaSync sync;

    if (!alpha_get_sync(payload, &sync, err))
        return false;
    if (peer->synced && sync.fork != peer->remote.fork) {
        ranges_remove(&peer->have, 0, RANGES_NONE);
        peer->wanted_to = 0;
    }
    if (!peer->synced || sync.fork != peer->remote.fork || sync.length != peer->remote.length)
        peer->denied = 0;
    peer->remote = sync;
    peer->synced = true;
    return peering_send_sync(peer, err) && send_want(peer, err) && peering_ask(peer, err);
}

static bool take_range(Partner *peer, Str payload, Err *err)
{
    AlphaRange range;

    if (!alpha_get_range(payload, &range, err))
        return false;
    (range.drop ? ranges_remove : ranges_add)(&peer->have, range.start, range.start + range.length);
    return peering_ask(peer, err);
}

/* Runs of ones are added, and all else is taken away. */
static bool take_bitfield(Partner *peer, Str payload, Err *err)
{
    AlphaBitfield bitfield;

    if (!alpha_get_bitfield(payload, &bitfield, err))
        return false;
    uint64_t count = 8 * bitfield.words.len, from = 0;
    if (count > WANT_BLOCKS)
        return err_set(err, ERR_LIMIT, "the peer sent more bits than it was asked for");
    ranges_remove(&peer->have, bitfield.start, bitfield.start + count);
    for (uint64_t at = 0; at <= count; at++) {
        bool set = at < count && (unsigned char)bitfield.words.ptr[at / 8] >> at % 8 & 1;

        if (set)
            continue;
        ranges_add(&peer->have, bitfield.start + from, bitfield.start + at);
        from = at + 1;
    }
    return peering_ask(peer, err);
}

/* ---- answers ---- */

static bool is_answer(const Asked *asked, const FeedProof *proof)
{
    switch (asked->kind) {
    case ASKED_BLOCK:
        return proof->part == FEED_PART_BLOCK && proof->index == asked->first && !proof->upgrade;
    case ASKED_NODES:
        return proof->part == FEED_PART_HASH && proof->index == asked->first && !proof->upgrade;
    case ASKED_UPGRADE:
    case ASKED_HEAD:
        return proof->part == FEED_PART_NONE && proof->upgrade && proof->start == asked->first;
    default:
        return false;
    }
}

bool peering_forgive(Partner *peer, Err *err)
{
    return ++peer->conflicts <= CONFLICTS_MAX ||
           err_set(err, ERR_LIMIT, "the peer's answers do not fit what it was asked");
}

/* The block stays on its way until it is kept. */
static bool note_landed(Partner *peer, Asked *asked, bool added, Err *err)
{
    Peering *peering = peer->peering;
    uint64_t block = asked->first;

    peering_forget(peer, asked);
    if (!added)
        return true;
    ranges_add(&peering->flying, block, block + 1);
    buf_put(&peering->landed, (Str){(const char *)&block, sizeof block});
    peering->blocks++;
    peering->changed = true;
    return peering->landed.len / sizeof block < LANDED_MAX || peering_keep(peering, err);
}

/* The head that the peer shows is signed, and not of the feed that is here: then the feed has forked. */
static bool look_for_fork(Partner *peer, const FeedProof *proof, Err *err)
{
    Peering *peering = peer->peering;
    const PeeringOptions *options = &peering->options;
    uint64_t length;
    bool forked;

    if (!forks_look(peering->feed, proof, &forked, &length, err))
        return false;
    if (forked && !peer->forked) {
        peer->forked = time_monotonic();
        if (options->on_fork)
            options->on_fork(options->ctx, peer->who.key);
    } else if (!forked && length > feed_state(peering->feed)->roots.length && options->on_longer) {
        options->on_longer(options->ctx, peer->who.key, proof->fork, length);
    }
    return true;
}

/* Of a newer fork, or where there is nothing here yet: no history to compare it with, but it has to be signed. */
static bool look_beyond(Partner *peer, const FeedProof *proof, Err *err)
{
    const PeeringOptions *options = &peer->peering->options;
    TreeRoots at_length, head;

    if (!feed_check_head(&feed_state(peer->peering->feed)->identity, proof, &at_length, &head, err))
        return false;
    if (options->on_longer)
        options->on_longer(options->ctx, peer->who.key, proof->fork, head.length);
    return true;
}

/* An upgrade that does not fit may be a lie, or the other half of a fork: its head, asked for from the beginning, tells. */
static bool ask_again(Partner *peer, const Err *why, Err *err)
{
    const FeedState *state = feed_state(peer->peering->feed);
    uint64_t length = state->roots.length < peer->remote.length ? state->roots.length : peer->remote.length;
    Asked *asked = why->code == ERR_CORRUPT && length > 0 ? peering_note(peer, ASKED_HEAD, 0, length) : NULL;

    if (asked)
        return peering_request(peer, asked,
                               (FeedRequest){.fork = state->fork, .upgrade = true, .length = length}, err);
    return peering_refuse(peer->peering, why, err);
}

static bool take_head(Partner *peer, Asked *asked, const FeedProof *proof, Err *err)
{
    const FeedState *state = feed_state(peer->peering->feed);

    peering_forget(peer, asked);
    return proof->fork > state->fork || (proof->fork == state->fork && state->roots.length == 0)
               ? look_beyond(peer, proof, err)
               : look_for_fork(peer, proof, err);
}

/* ---- another fork ---- */

static bool upgraded(Partner *peer, Err *err)
{
    Peering *peering = peer->peering;

    peering->changed = true;
    if (!peering_raise_low(peering, err))
        return false;
    peering_tell_all(peering);
    return true;
}

static FeedNodeList learned_of(const Partner *peer)
{
    const TreeNode *nodes = (const TreeNode *)(const void *)peer->learned.ptr;

    return (FeedNodeList){nodes, peer->learned.len / sizeof *nodes};
}

/*
 * What is the same in the newer fork need not be had again. Where the two part is found from the roots down, two nodes at a time: as
 * many questions as the tree is deep. `enough`: with what is known by now.
 */
static bool compare_fork(Partner *peer, bool enough, Err *err)
{
    ARENA_SCOPE(arena);
    Feed *feed = peer->peering->feed;
    FeedTaken taken;
    FeedFork fork;
    AlphaData data;
    Err why = {0};

    bool ok = alpha_get_data(buf_str(&peer->fork), &arena, &data, &why) &&
              feed_compare_fork(feed, &data.proof, learned_of(peer), &fork, &why);
    if (ok && !enough && fork.ask != FEED_FORK_KNOWN) {
        uint64_t left = tree_left(fork.ask);
        Asked *asked = peering_note(peer, ASKED_NODES, left, left);

        if (asked)
            return peering_request(
                peer, asked,
                (FeedRequest){.fork = data.proof.fork, .part = FEED_PART_HASH, .index = left, .nodes = 1},
                err);
    }
    ok = ok && feed_take_fork(feed, &data.proof, learned_of(peer), &taken, &why);
    buf_reset(&peer->fork);
    buf_reset(&peer->learned);
    if (ok)
        return upgraded(peer, err);
    if (why.code == ERR_CONFLICT)
        return peering_forgive(peer, err) && peering_ask(peer, err);
    return peering_refuse(peer->peering, &why, err);
}

static bool take_nodes(Partner *peer, Asked *asked, const FeedProof *proof, Err *err)
{
    peering_forget(peer, asked);
    if (proof->nodes.count != 2)
        return err_set(err, ERR_CORRUPT, "the peer sent what it was not asked for");
    buf_put(&peer->learned, (Str){(const char *)proof->nodes.at, 2 * sizeof *proof->nodes.at});
    return compare_fork(peer, false, err);
}

static bool take_data(Partner *peer, Str payload, Err *err)
{
    ARENA_SCOPE(arena);
    Peering *peering = peer->peering;
    FeedTaken taken = {0};
    AlphaData data;
    Err why = {0};

    if (!alpha_get_data(payload, &arena, &data, err))
        return false;
    Asked *asked = peering_find(peer, data.id);
    if (!asked)
        return peering_forgive(peer, err);
    if (!is_answer(asked, &data.proof))
        return err_set(err, ERR_CORRUPT, "the peer sent what it was not asked for");
    if (asked->kind == ASKED_HEAD)
        return take_head(peer, asked, &data.proof, err);
    if (asked->kind == ASKED_NODES)
        return take_nodes(peer, asked, &data.proof, err);
    if (asked->kind == ASKED_UPGRADE && data.proof.fork > feed_state(peering->feed)->fork) {
        peering_forget(peer, asked);
        buf_put(&peer->fork, payload);
        return compare_fork(peer, false, err);
    }
    bool upgrade = asked->kind == ASKED_UPGRADE;
    uint64_t block = asked->first;
    if (!feed_take(peering->feed, &data.proof, &taken, &why)) {
        peering_forget(peer, asked);
        if (why.code == ERR_CONFLICT)
            return peering_forgive(peer, err) && peering_ask(peer, err);
        return upgrade ? ask_again(peer, &why, err)
                       : peering_refuse_blocks(peering, block, block + 1, &why, err);
    }
    if (!upgrade)
        return note_landed(peer, asked, taken.block, err) && peering_ask(peer, err);
    peering_forget(peer, asked);
    return upgraded(peer, err);
}

void peering_deny(Partner *peer, uint64_t block)
{
    if (ranges_has(&peer->have, block))
        ranges_add(&peer->peering->denied, block, block + 1);
    ranges_remove(&peer->have, block, block + 1);
}

static bool take_no_data(Partner *peer, Str payload, Err *err)
{
    AlphaNoData no_data;

    if (!alpha_get_no_data(payload, &no_data, err))
        return false;
    Asked *asked = peering_find(peer, no_data.id);
    if (!asked)
        return peering_forgive(peer, err);
    if (asked->kind == ASKED_BLOCK)
        peering_deny(peer, asked->first);
    if (asked->kind == ASKED_UPGRADE && ++peer->denied > DENIED_MAX)
        return err_set(err, ERR_CORRUPT,
                       "the peer says that fork %llu of the feed has %llu blocks, and does not prove it",
                       (unsigned long long)peer->remote.fork, (unsigned long long)asked->end);
    bool comparing = asked->kind == ASKED_NODES;
    peering_forget(peer, asked);
    return comparing ? compare_fork(peer, true, err) : peering_ask(peer, err);
}

static bool take_extension(Partner *peer, Str payload, Err *err)
{
    const PeeringOptions *options = &peer->peering->options;
    AlphaExtension extension;

    if (!alpha_get_extension(payload, &extension, err))
        return false;
    if (extension.name.len >= sizeof peer->extension)
        return err_set(err, ERR_LIMIT, "the name of an extension has %zu bytes: at most %zu",
                       extension.name.len, sizeof peer->extension - 1);
    if (extension.name.len > 0) {
        memcpy(peer->extension, extension.name.ptr, extension.name.len);
        peer->extension_len = extension.name.len;
    }
    if (options->on_extension)
        options->on_extension(options->ctx, peer->who.key, (Str){peer->extension, peer->extension_len},
                              extension.bytes);
    return true;
}

static bool on_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    static bool (*const take[])(Partner *, Str, Err *) = {
        [ALPHA_SYNC] = take_sync,         [ALPHA_REQUEST] = peering_take_request,
        [ALPHA_DATA] = take_data,         [ALPHA_NO_DATA] = take_no_data,
        [ALPHA_WANT] = peering_take_want, [ALPHA_BITFIELD] = take_bitfield,
        [ALPHA_RANGE] = take_range,       [ALPHA_EXTENSION] = take_extension,
    };

    /* cancel and unwant: everything is answered at once, and nothing is sent that was not asked for. */
    return type >= COUNT_OF(take) || !take[type] || take[type](mux_ctx(channel), payload, err);
}

const MuxHandlers peering_alpha_handlers = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};
