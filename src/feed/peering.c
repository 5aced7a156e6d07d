/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/peering.h"

#include <stdlib.h>
#include <string.h>

#include "feed/feed_inside.h"
#include "feed/peering_inside.h"

Peering *peering_new(Feed *feed, const PeeringOptions *options)
{
    Peering *peering = calloc(1, sizeof *peering);

    if (!peering)
        abort(); /* as arenas do */
    peering->feed = feed;
    peering->options = *options;
    peering->fork = feed_state(feed)->fork;
    return peering;
}

void peering_free(Peering *peering)
{
    Err ignored = {0};

    while (peering->peers) {
        Partner *peer = peering->peers;
        MuxChannel *runs = peer->runs;

        /* The last channel that is closed takes the peer away. */
        if (runs && peer->alpha)
            (void)mux_close(runs, &ignored);
        (void)mux_close(peer->alpha ? peer->alpha : runs, &ignored);
    }
    ranges_release(&peering->wanted);
    ranges_release(&peering->flying);
    ranges_release(&peering->denied);
    ranges_release(&peering->damaged);
    buf_release(&peering->landed);
    free(peering);
}

/* ---- peers ---- */

static bool open_channels(Partner *peer, Mux *mux, Err *err)
{
    const FeedIdentity *identity = &feed_state(peer->peering->feed)->identity;
    unsigned char name[FEED_KEY_BYTES], capability[ALPHA_CAPABILITY_BYTES];
    BUF_SCOPE(handshake);

    feed_discovery_key(identity->key, name);
    Str id = {(const char *)name, sizeof name};
    alpha_capability(identity->key, peer->who.hash, peer->who.initiator, capability);
    alpha_put_open(&handshake, capability);
    if (peer->peering->options.via != PEERING_HYPERCORE &&
        !mux_open(mux, STR(RUN_PROTOCOL), id, buf_str(&handshake), &peering_run_handlers, peer, &peer->runs,
                  err))
        return false;
    return mux_open(mux, STR(ALPHA_PROTOCOL), id, buf_str(&handshake), &peering_alpha_handlers, peer,
                    &peer->alpha, err);
}

bool peering_join(Peering *peering, Mux *mux, const PeeringWho *who, Err *err)
{
    Partner *peer = calloc(1, sizeof *peer);
    Err ignored = {0};

    if (!peer)
        abort();
    *peer = (Partner){.peering = peering, .who = *who, .joined = time_monotonic()};
    peer->next = peering->peers;
    peering->peers = peer;
    mux_cork(mux);
    bool ok = open_channels(peer, mux, err);
    if (!ok && peer->runs) {
        (void)mux_close(peer->runs, &ignored); /* and with it the peer */
    } else if (!ok) {
        peering->peers = peer->next;
        free(peer);
    }
    return mux_uncork(mux, ok ? err : &ignored) && ok;
}

/* ---- what came ---- */

/* All below are held. */
bool peering_raise_low(Peering *peering, Err *err)
{
    Feed *feed = peering->feed;
    uint64_t length = feed_state(feed)->roots.length;

    if (peering->fork != feed_state(feed)->fork) { /* some of what was held is gone */
        peering->fork = feed_state(feed)->fork;
        peering->low = 0;
        ranges_remove(&peering->denied, 0, RANGES_NONE);
        ranges_remove(&peering->damaged, 0, RANGES_NONE);
    }
    return feed_head_next(feed->head, peering->low, length, false, &peering->low, err);
}

bool peering_refuse(Peering *peering, const Err *why, Err *err)
{
    if (why->code == ERR_IO && !peering->failure.code)
        peering->failure = *why;
    *err = *why;
    return false;
}

bool peering_refuse_blocks(Peering *peering, uint64_t first, uint64_t end, const Err *why, Err *err)
{
    (void)peering_refuse(peering, why, err);
    if (why->code != ERR_CORRUPT)
        return false;
    if (end - first > 1)
        (void)err_wrap(err, "blocks %llu to %llu", (unsigned long long)first, (unsigned long long)end - 1);
    else
        (void)err_wrap(err, "block %llu", (unsigned long long)first);
    return err_hint(err,
                    "the peer's copy is damaged, which strata feed verify tells there, or the peer lies");
}

bool peering_keep(Peering *peering, Err *err)
{
    const uint64_t *landed = (const uint64_t *)(const void *)peering->landed.ptr;
    Err why = {0};

    if (peering->landed.len > 0 && !feed_keep(peering->feed, FEED_BUFFERED, &why))
        return peering_refuse(peering, &why, err);
    for (size_t i = 0; i < peering->landed.len / sizeof *landed; i++)
        ranges_remove(&peering->flying, landed[i], landed[i] + 1);
    buf_reset(&peering->landed);
    return peering_raise_low(peering, err);
}

static bool tell(Partner *peer, Err *err)
{
    Mux *mux = mux_of(peer->alpha);

    mux_cork(mux);
    bool ok = peering_send_sync(peer, err) && peering_show_held(peer, err) && peering_ask(peer, err);
    return mux_uncork(mux, err) && ok;
}

/* A connection that takes nothing more ends by itself, and is no reason to end that of the peer which is served now. */
void peering_tell_all(Peering *peering)
{
    for (Partner *peer = peering->peers, *next; peer; peer = next) {
        Err ignored = {0};

        next = peer->next;
        if (peer->open)
            (void)!tell(peer, &ignored);
    }
}

bool peering_flush(Peering *peering, Err *err)
{
    if (peering->failure.code) {
        *err = peering->failure;
        return false;
    }
    if (!peering_keep(peering, err))
        return false;
    peering_tell_all(peering);
    if (peering->changed && peering->options.on_change) {
        peering->changed = false;
        peering->options.on_change(peering->options.ctx);
    }
    return true;
}

bool peering_announce(Peering *peering, Err *err)
{
    if (!peering_raise_low(peering, err))
        return false;
    peering_tell_all(peering);
    return true;
}

bool peering_refresh(Peering *peering, Err *err)
{
    bool changed;

    return feed_refresh(peering->feed, &changed, err) && (!changed || peering_announce(peering, err));
}

void peering_want(Peering *peering, uint64_t first, uint64_t end)
{
    ranges_add(&peering->wanted, first, end);
}

bool peering_extension(Peering *peering, Str name, Str bytes, Err *err)
{
    for (Partner *peer = peering->peers; peer; peer = peer->next) {
        AlphaExtension extension = {name, bytes};
        BUF_SCOPE(out);

        alpha_put_extension(&out, &extension);
        if (peer->open && !mux_send(peer->alpha, ALPHA_EXTENSION, buf_str(&out), err))
            return false;
    }
    return true;
}

/* ---- how far it is ---- */

/* Whether the peer has anything that is missing here. */
static bool has_more(const Peering *peering, const Partner *peer)
{
    const FeedState *state = feed_state(peering->feed);

    if (peer->remote.fork != state->fork)
        return peering->options.follow && peer->remote.fork > state->fork;
    if (peering->options.follow && peer->remote.length > state->roots.length && peer->remote.can_upgrade)
        return true;
    uint64_t next;
    Err ignored = {0};
    return peering_missing(peer, peering->low, true, &next, &ignored) && next != RANGES_NONE;
}

/*
 * What is here and missing there may not be wanted there: only who asks shows that it is. So a peer that has not asked for so long
 * will not; one that got what it asked for asks for the next at once, as soon as its disk has the last.
 */
#define ASKS_AGAIN SECONDS(5)

/* Whether a peer may yet get something from here. */
static bool has_less(const Peering *peering, const Partner *peer)
{
    const FeedState *state = feed_state(peering->feed);
    uint64_t length = state->roots.length;
    Instant since = peer->asked_at > peer->joined ? peer->asked_at : peer->joined;
    Err ignored = {0};

    if (peer->forked || peer->remote.fork > state->fork || time_monotonic() - since > ASKS_AGAIN)
        return false;
    if (peer->remote.fork < state->fork || peer->remote.length < length)
        return true;
    for (uint64_t at = 0, was; (at = ranges_gap(&peer->have, at)) < length;) {
        was = at;
        if (!feed_head_next(peering->feed->head, at, length, true, &at, &ignored) || at >= length)
            return false;
        if (at == was && !ranges_has(&peering->damaged, at))
            return true;
        at += at == was;
    }
    return false;
}

void peering_state(Peering *peering, PeeringState *out)
{
    bool more = false;

    *out = (PeeringState){
        .blocks = peering->blocks, .runs = peering->runs, .refused = peering->refused, .late = peering->late};
    for (Partner *peer = peering->peers; peer; peer = peer->next) {
        out->peers += peer->open;
        out->native += peer->open && peer->runs_open;
        out->undecided += peer->open && peer->runs && !peer->runs_open;
        if (!peer->synced)
            continue;
        out->synced++;
        if (peer->remote.fork == feed_state(peering->feed)->fork && peer->remote.length > out->longest)
            out->longest = peer->remote.length;
        out->asked += peer->asked_count;
        more |= has_more(peering, peer);
    }
    out->done =
        out->undecided == 0 && out->synced > 0 && !more && out->asked == 0 && peering->landed.len == 0;
    out->given = out->done;
    for (Partner *peer = peering->peers; peer && out->given; peer = peer->next)
        out->given = !peer->synced || !has_less(peering, peer);
}

bool peering_is_idle(const Peering *peering)
{
    return !peering->peers;
}

/* Two connections may be with one peer. */
PeeringAnswer peering_answer(const Peering *peering, const unsigned char key[32])
{
    PeeringAnswer answer = PEERING_NONE;

    for (const Partner *peer = peering->peers; peer; peer = peer->next) {
        if (memcmp(peer->who.key, key, sizeof peer->who.key) != 0)
            continue;
        if (!peer->synced || peer->asked_count > 0)
            return PEERING_WAITING;
        answer = PEERING_ANSWERED;
    }
    return answer;
}

bool peering_denied(Peering *peering, uint64_t from, Range *out, Err *err)
{
    Range found = {RANGES_NONE, RANGES_NONE};

    while ((from = ranges_next(&peering->denied, from)) != RANGES_NONE) {
        uint64_t end = ranges_gap(&peering->denied, from);

        if (!feed_head_next(peering->feed->head, from, end, false, &found.first, err) ||
            !feed_head_next(peering->feed->head, found.first, end, true, &found.end, err))
            return false;
        if (found.first < end)
            break;
        found = (Range){RANGES_NONE, RANGES_NONE};
        from = end;
    }
    *out = found;
    return true;
}

bool peering_given(Peering *peering, uint64_t *count, Err *err)
{
    enum { NAMED_MAX = 10 };
    Range range = {0, 0};
    BUF_SCOPE(names);

    *count = 0;
    for (size_t i = 0;; i++) {
        if (!peering_denied(peering, range.end, &range, err))
            return false;
        if (range.first == RANGES_NONE)
            break;
        *count += range.end - range.first;
        if (i < NAMED_MAX)
            buf_printf(&names, range.end - range.first == 1 ? "%s%llu" : "%s%llu-%llu", i ? ", " : "",
                       (unsigned long long)range.first, (unsigned long long)range.end - 1);
        else if (i == NAMED_MAX)
            buf_printf(&names, ", ...");
    }
    return *count == 0 ||
           err_set(err, ERR_PARTIAL,
                   "%llu of %llu blocks are missing: no peer gives them, though they say to have them (%.*s)",
                   (unsigned long long)*count, (unsigned long long)feed_state(peering->feed)->roots.length,
                   STR_ARG(buf_str(&names)));
}

/* Before a peer with another history is let go, so that it can see the proof, too. */
#define FORKED_STAYS SECONDS(2)

/* A peer that does not decide about runs gets no more time than one that does not answer. */
void peering_expire(Peering *peering, int64_t patience_us)
{
    Instant now = time_monotonic();
    Err ignored = {0};

    for (Partner *peer = peering->peers, *next; peer; peer = next) {
        bool late = false;

        next = peer->next;
        if (peer->runs && !peer->runs_open && peer->open && now - peer->joined > SECONDS(3))
            (void)mux_close(peer->runs, &ignored);
        for (size_t i = 0; i < ASKED_MAX; i++)
            late |= peer->asked[i].kind != ASKED_NOTHING && now - peer->asked[i].since > patience_us;
        peering->late += late && peer->alpha;
        late |= peer->forked && now - peer->forked > FORKED_STAYS;
        if (late && peer->alpha)
            (void)mux_close(peer->alpha, &ignored);
    }
}
