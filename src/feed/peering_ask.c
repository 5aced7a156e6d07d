/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a peer: a longer head first, then blocks that it has and that are missing here. */
#include "feed/feed_inside.h"
#include "feed/peering_inside.h"
#include "feed/run.h"

/* ---- what is on its way ---- */

Asked *peering_note(Partner *peer, AskedKind kind, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < ASKED_MAX; i++) {
        Asked *asked = &peer->asked[i];

        if (asked->kind != ASKED_NOTHING)
            continue;
        *asked = (Asked){kind, first, end, time_monotonic()};
        peer->asked_count++;
        peer->asked_runs += kind == ASKED_RUN;
        if (kind == ASKED_BLOCK || kind == ASKED_RUN)
            ranges_add(&peer->peering->flying, first, end);
        if (kind == ASKED_UPGRADE || kind == ASKED_NODES)
            peer->peering->upgrading = true;
        return asked;
    }
    return NULL;
}

uint64_t peering_id(const Partner *peer, const Asked *asked)
{
    return (uint64_t)(asked - peer->asked) + 1;
}

Asked *peering_find(Partner *peer, uint64_t id)
{
    return id >= 1 && id <= ASKED_MAX && peer->asked[id - 1].kind != ASKED_NOTHING ? &peer->asked[id - 1]
                                                                                   : NULL;
}

void peering_forget(Partner *peer, Asked *asked)
{
    if (asked->kind == ASKED_BLOCK || asked->kind == ASKED_RUN)
        ranges_remove(&peer->peering->flying, asked->first, asked->end);
    if (asked->kind == ASKED_UPGRADE || asked->kind == ASKED_NODES)
        peer->peering->upgrading = false;
    peer->asked_runs -= asked->kind == ASKED_RUN;
    peer->asked_count--;
    asked->kind = ASKED_NOTHING;
}

/* ---- asking ---- */

bool peering_request(Partner *peer, const Asked *asked, FeedRequest what, Err *err)
{
    AlphaRequest request = {.id = peering_id(peer, asked), .what = what};
    BUF_SCOPE(out);

    alpha_put_request(&out, &request);
    return mux_send(peer->alpha, ALPHA_REQUEST, buf_str(&out), err);
}

static bool wants_manifest(const Partner *peer)
{
    return feed_state(peer->peering->feed)->identity.anonymous && peer->remote.has_manifest;
}

/* Of another fork from the beginning: how much of it is the same is found out afterwards. */
static bool ask_upgrade(Partner *peer, Err *err)
{
    const FeedState *state = feed_state(peer->peering->feed);
    const AlphaSync *remote = &peer->remote;
    bool newer = remote->fork > state->fork;

    if (!peer->peering->options.follow || peer->peering->upgrading || remote->length == 0 ||
        remote->fork < state->fork ||
        (!newer && (remote->length <= state->roots.length || !remote->can_upgrade)))
        return true;
    uint64_t start = newer ? 0 : state->roots.length;
    Asked *asked = peering_note(peer, ASKED_UPGRADE, start, remote->length);
    return !asked || peering_request(peer, asked,
                                     (FeedRequest){.fork = remote->fork,
                                                   .upgrade = true,
                                                   .start = start,
                                                   .length = remote->length - start,
                                                   .manifest = wants_manifest(peer)},
                                     err);
}

/*
 * Once: whether the peer's head is of the same history as ours. One that is longer or of a newer fork and is followed shows that by
 * itself; where it is not followed, it is to show that it is signed.
 */
static bool ask_head(Partner *peer, Err *err)
{
    const Peering *peering = peer->peering;
    const FeedState *state = feed_state(peering->feed);
    const AlphaSync *remote = &peer->remote;
    uint64_t length = remote->length, ours = state->roots.length;
    bool newer = remote->fork > state->fork, longer = newer || length > ours;

    if (peer->head_checked || length == 0 || remote->fork < state->fork || state->identity.anonymous ||
        (longer && peering->feed->writable && peering->options.follow))
        return true;
    if (!newer && ours > 0 && length > ours)
        length = ours;
    peer->head_checked = true;
    Asked *asked = peering_note(peer, ASKED_HEAD, 0, length);
    return !asked ||
           peering_request(peer, asked,
                           (FeedRequest){.fork = remote->fork, .upgrade = true, .length = length}, err);
}

bool peering_missing(const Partner *peer, uint64_t from, bool on_its_way, uint64_t *out, Err *err)
{
    Peering *peering = peer->peering;
    uint64_t length = feed_state(peering->feed)->roots.length;

    *out = RANGES_NONE;
    for (uint64_t at = from; at < length;) {
        uint64_t was = at;

        if (!on_its_way)
            at = ranges_gap(&peering->flying, at);
        if (!peering->options.download)
            at = ranges_next(&peering->wanted, at);
        at = at == RANGES_NONE ? at : ranges_next(&peer->have, at);
        if (at == RANGES_NONE || at >= length)
            return true;
        if (!feed_head_next(peering->feed->head, at, length, false, &at, err))
            return false;
        if (at == was) {
            *out = at;
            return true;
        }
    }
    return true;
}

/* As many blocks as fit into a run, if they are of the usual length in this feed. */
static uint64_t usual_run(const FeedState *state)
{
    uint64_t each = state->roots.length ? state->roots.bytes / state->roots.length : 0,
             count = RUN_BYTES_MAX / (each + 1);

    return count < 1 ? 1 : count < RUN_ASK_BLOCKS ? count : RUN_ASK_BLOCKS;
}

/* How many from there on may be asked for together. */
static bool find_end(Partner *peer, uint64_t first, uint64_t *out, Err *err)
{
    Peering *peering = peer->peering;
    uint64_t length = feed_state(peering->feed)->roots.length,
             end = first + usual_run(feed_state(peering->feed));
    uint64_t limits[] = {length, ranges_gap(&peer->have, first), ranges_next(&peering->flying, first),
                         peering->options.download ? length : ranges_gap(&peering->wanted, first)};

    for (size_t i = 0; i < COUNT_OF(limits); i++)
        end = limits[i] < end ? limits[i] : end;
    return feed_head_next(peering->feed->head, first, end, true, out, err);
}

static bool ask_block(Partner *peer, uint64_t block, Err *err)
{
    FeedRequest what = {
        .fork = feed_state(peer->peering->feed)->fork, .part = FEED_PART_BLOCK, .index = block};
    Asked *asked = peering_note(peer, ASKED_BLOCK, block, block + 1);

    return !asked || (feed_missing_nodes(peer->peering->feed, 2 * block, &what.nodes, err) &&
                      peering_request(peer, asked, what, err));
}

static bool may_ask_blocks(const Partner *peer)
{
    const Peering *peering = peer->peering;

    if (peer->remote.fork != feed_state(peering->feed)->fork || !peer->remote.uploading ||
        peering->feed->state.identity.anonymous)
        return false;
    if (peer->runs_open)
        return peer->asked_runs < ASKED_RUNS_MAX;
    return !peer->runs && peering->options.via != PEERING_NATIVE && peer->asked_count < ASKED_MAX;
}

static bool ask_blocks(Partner *peer, Err *err)
{
    Peering *peering = peer->peering;
    uint64_t at = peering->low, end;

    if (!peering->options.download && peering->wanted.list.len == 0)
        return true;
    while (may_ask_blocks(peer)) {
        if (!peering_missing(peer, at, false, &at, err))
            return false;
        if (at == RANGES_NONE)
            return true;
        if (!peer->runs_open) {
            if (!ask_block(peer, at++, err))
                return false;
            continue;
        }
        if (!find_end(peer, at, &end, err) || !peering_ask_run(peer, at, end, err))
            return false;
        at = end;
    }
    return true;
}

bool peering_ask(Partner *peer, Err *err)
{
    if (!peer->open || !peer->synced || peer->forked)
        return true;
    if (!peer->peering->feed->writable)
        return ask_head(peer, err);
    return ask_upgrade(peer, err) && ask_head(peer, err) && ask_blocks(peer, err);
}
