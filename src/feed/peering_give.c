/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer asks for on 'hypercore/alpha', and what it is given. */
#include <errno.h>
#include <string.h>

#include "feed/feed_inside.h"
#include "feed/peering_inside.h"

static void set_bits(Buf *bits, uint64_t from, uint64_t to)
{
    enum { WORD_BITS = 32 };
    size_t len = (size_t)((to + WORD_BITS - 1) / WORD_BITS * 4);

    if (bits->len < len) {
        memset(buf_reserve(bits, len - bits->len), 0, len - bits->len);
        bits->len = len;
    }
    for (; from < to; from++)
        bits->ptr[from / 8] = (char)(bits->ptr[from / 8] | 1 << from % 8);
}

/* Which blocks are held in the part of the feed that the peer asks about. */
bool peering_take_want(Partner *peer, Str payload, Err *err)
{
    Feed *feed = peer->peering->feed;
    uint64_t length = feed_state(feed)->roots.length, gap;
    AlphaRange want;
    BUF_SCOPE(bits);
    BUF_SCOPE(out);

    if (!alpha_get_want(payload, &want, err))
        return false;
    want.start = want.start / 32 * 32; /* words */
    uint64_t end = want.start + (want.length < WANT_BLOCKS ? want.length : WANT_BLOCKS);
    end = end < length ? end : length;
    for (uint64_t at = want.start; at < end; at = gap) {
        if (!feed_head_next(feed->head, at, end, true, &at, err) ||
            !feed_head_next(feed->head, at, end, false, &gap, err))
            return false;
        set_bits(&bits, at - want.start, gap - want.start);
    }
    if (bits.len == 0 || want.start >= length)
        return true;
    AlphaBitfield bitfield = {want.start, buf_str(&bits)};
    alpha_put_bitfield(&out, &bitfield);
    return mux_send(peer->alpha, ALPHA_BITFIELD, buf_str(&out), err);
}

static bool send_no_data(Partner *peer, uint64_t id, const Err *why, Err *err)
{
    enum { NOT_AVAILABLE = 1, INVALID = 2 };
    AlphaNoData no_data = {id, why->code == ERR_USAGE ? INVALID : NOT_AVAILABLE};
    BUF_SCOPE(out);

    alpha_put_no_data(&out, &no_data);
    return mux_send(peer->alpha, ALPHA_NO_DATA, buf_str(&out), err);
}

static bool send_drop(Partner *peer, uint64_t block, Err *err)
{
    AlphaRange drop = {.drop = true, .start = block, .length = 1};
    BUF_SCOPE(out);

    alpha_put_range(&out, &drop);
    return mux_send(peer->alpha, ALPHA_RANGE, buf_str(&out), err);
}

/* A disk that cannot read a block is damage like any other; a process that has no more descriptors is none. */
bool peering_not_given(Partner *peer, uint64_t block, const Err *why, Err *err)
{
    Peering *peering = peer->peering;
    const PeeringOptions *options = &peering->options;
    bool held;

    if (why->code == ERR_IO && why->sys != EIO) {
        *err = *why;
        return false;
    }
    if ((why->code != ERR_IO && why->code != ERR_CORRUPT && why->code != ERR_NOT_FOUND) ||
        block >= feed_state(peering->feed)->roots.length)
        return true; /* what was asked is wrong */
    if (!feed_holds(peering->feed, block, &held, err))
        return false;
    if (!held)
        return !peer->alpha || send_drop(peer, block, err);
    if (ranges_has(&peering->damaged, block))
        return true;
    ranges_add(&peering->damaged, block, block + 1);
    if (options->on_damage && ranges_has(&peering->damaged, block)) /* there is room for some ten thousand */
        options->on_damage(options->ctx, block, why);
    return true;
}

/* Of the nodes that prove the head: no block is at fault. Once. */
static void tell_damaged_tree(Peering *peering, const Err *why)
{
    if (!peering->tree_damaged && peering->options.on_damage)
        peering->options.on_damage(peering->options.ctx, RANGES_NONE, why);
    peering->tree_damaged = true;
}

/* Why a request has no answer. Only one for a block alone tells of that block. */
static bool not_proven(Partner *peer, const FeedRequest *what, const Err *why, Err *err)
{
    bool alone = what->part == FEED_PART_BLOCK && !what->seek && !what->upgrade &&
                 what->fork == feed_state(peer->peering->feed)->fork;

    if (alone)
        return peering_not_given(peer, what->index, why, err);
    if (why->code == ERR_CORRUPT)
        tell_damaged_tree(peer->peering, why);
    if (why->code == ERR_IO)
        *err = *why;
    return why->code != ERR_IO;
}

/* What cannot be answered is said so; only what breaks here ends more than the answer. */
bool peering_take_request(Partner *peer, Str payload, Err *err)
{
    ARENA_SCOPE(arena);
    AlphaRequest request;
    AlphaData data;
    Err why = {0};
    BUF_SCOPE(out);

    if (!alpha_get_request(payload, &request, err))
        return false;
    peer->asked_at = time_monotonic();
    data.id = request.id;
    if (!feed_prove(peer->peering->feed, &arena, &request.what, &data.proof, &why)) {
        return not_proven(peer, &request.what, &why, err) && send_no_data(peer, request.id, &why, err);
    }
    alpha_put_data(&out, &data);
    return mux_send(peer->alpha, ALPHA_DATA, buf_str(&out), err);
}
