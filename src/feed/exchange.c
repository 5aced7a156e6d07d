/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/exchange.h"

#include <stdlib.h>

#include "feed/exchange_inside.h"
#include "feed/feed_inside.h"

Exchange *exchange_new(Feed *feed, const ExchangeOptions *options)
{
    Exchange *exchange = calloc(1, sizeof *exchange);

    if (!exchange)
        abort(); /* as arenas do */
    exchange->feed = feed;
    exchange->options = *options;
    exchange->fork = feed_state(feed)->fork;
    return exchange;
}

void exchange_free(Exchange *exchange)
{
    Err ignored = {0};

    while (exchange->peers) {
        ExchangePeer *peer = exchange->peers;
        MuxChannel *runs = peer->runs;

        /* The last channel that is closed takes the peer away. */
        if (runs && peer->alpha)
            (void)mux_close(runs, &ignored);
        (void)mux_close(peer->alpha ? peer->alpha : runs, &ignored);
    }
    ranges_release(&exchange->wanted);
    ranges_release(&exchange->flying);
    buf_release(&exchange->landed);
    free(exchange);
}

/* ---- peers ---- */

static bool open_channels(ExchangePeer *peer, Mux *mux, Err *err)
{
    const FeedIdentity *identity = &feed_state(peer->exchange->feed)->identity;
    unsigned char name[FEED_KEY_BYTES], capability[ALPHA_CAPABILITY_BYTES];
    BUF_SCOPE(handshake);

    feed_discovery_key(identity->key, name);
    Str id = {(const char *)name, sizeof name};
    alpha_capability(identity->key, peer->who.hash, peer->who.initiator, capability);
    alpha_put_open(&handshake, capability);
    if (peer->exchange->options.via != EXCHANGE_HYPERCORE &&
        !mux_open(mux, STR(RUN_PROTOCOL), id, buf_str(&handshake), &exchange_run_handlers, peer, &peer->runs,
                  err))
        return false;
    return mux_open(mux, STR(ALPHA_PROTOCOL), id, buf_str(&handshake), &exchange_alpha_handlers, peer,
                    &peer->alpha, err);
}

bool exchange_join(Exchange *exchange, Mux *mux, const ExchangeWho *who, Err *err)
{
    ExchangePeer *peer = calloc(1, sizeof *peer);
    Err ignored = {0};

    if (!peer)
        abort();
    *peer = (ExchangePeer){.exchange = exchange, .who = *who, .joined = time_monotonic()};
    peer->next = exchange->peers;
    exchange->peers = peer;
    mux_cork(mux);
    bool ok = open_channels(peer, mux, err);
    if (!ok && peer->runs) {
        (void)mux_close(peer->runs, &ignored); /* and with it the peer */
    } else if (!ok) {
        exchange->peers = peer->next;
        free(peer);
    }
    return mux_uncork(mux, ok ? err : &ignored) && ok;
}

/* ---- what came ---- */

/* All below are held. */
bool exchange_raise_low(Exchange *exchange, Err *err)
{
    Feed *feed = exchange->feed;
    uint64_t length = feed_state(feed)->roots.length;

    if (exchange->fork != feed_state(feed)->fork) { /* some of what was held is gone */
        exchange->fork = feed_state(feed)->fork;
        exchange->low = 0;
    }
    return feed_head_next(feed->head, exchange->low, length, false, &exchange->low, err);
}

bool exchange_keep(Exchange *exchange, Err *err)
{
    const uint64_t *landed = (const uint64_t *)(const void *)exchange->landed.ptr;

    if (exchange->landed.len > 0 && !feed_keep(exchange->feed, FEED_BUFFERED, err))
        return false;
    for (size_t i = 0; i < exchange->landed.len / sizeof *landed; i++)
        ranges_remove(&exchange->flying, landed[i], landed[i] + 1);
    buf_reset(&exchange->landed);
    return exchange_raise_low(exchange, err);
}

static bool tell(ExchangePeer *peer, Err *err)
{
    Mux *mux = mux_of(peer->alpha);

    mux_cork(mux);
    bool ok = exchange_send_sync(peer, err) && exchange_show_held(peer, err) && exchange_ask(peer, err);
    return mux_uncork(mux, err) && ok;
}

/* A connection that takes nothing more ends by itself, and is no reason to end that of the peer which is served now. */
void exchange_tell_all(Exchange *exchange)
{
    for (ExchangePeer *peer = exchange->peers, *next; peer; peer = next) {
        Err ignored = {0};

        next = peer->next;
        if (peer->open)
            (void)!tell(peer, &ignored);
    }
}

bool exchange_flush(Exchange *exchange, Err *err)
{
    if (!exchange_keep(exchange, err))
        return false;
    exchange_tell_all(exchange);
    if (exchange->changed && exchange->options.on_change) {
        exchange->changed = false;
        exchange->options.on_change(exchange->options.ctx);
    }
    return true;
}

bool exchange_announce(Exchange *exchange, Err *err)
{
    if (!exchange_raise_low(exchange, err))
        return false;
    exchange_tell_all(exchange);
    return true;
}

void exchange_want(Exchange *exchange, uint64_t first, uint64_t end)
{
    ranges_add(&exchange->wanted, first, end);
}

bool exchange_extension(Exchange *exchange, Str name, Str bytes, Err *err)
{
    for (ExchangePeer *peer = exchange->peers; peer; peer = peer->next) {
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
static bool has_more(const Exchange *exchange, const ExchangePeer *peer)
{
    const FeedState *state = feed_state(exchange->feed);

    if (peer->remote.fork != state->fork)
        return exchange->options.follow && peer->remote.fork > state->fork;
    if (exchange->options.follow && peer->remote.length > state->roots.length && peer->remote.can_upgrade)
        return true;
    if (!exchange->options.download)
        return false;
    uint64_t next = ranges_next(&peer->have, exchange->low);
    return next < state->roots.length;
}

/* Of what is wanted, whether all is held. */
static bool has_wanted(const Exchange *exchange)
{
    uint64_t length = feed_state(exchange->feed)->roots.length;

    for (uint64_t at = ranges_next(&exchange->wanted, 0); at < length;
         at = ranges_next(&exchange->wanted, at + 1)) {
        Err ignored = {0};
        bool held = false;

        if (!feed_holds(exchange->feed, at, &held, &ignored) || !held)
            return false;
    }
    return true;
}

void exchange_state(Exchange *exchange, ExchangeState *out)
{
    bool more = false;

    *out = (ExchangeState){.blocks = exchange->blocks, .runs = exchange->runs};
    for (ExchangePeer *peer = exchange->peers; peer; peer = peer->next) {
        out->peers += peer->open;
        if (!peer->synced)
            continue;
        out->synced++;
        if (peer->remote.fork == feed_state(exchange->feed)->fork && peer->remote.length > out->longest)
            out->longest = peer->remote.length;
        out->asked += peer->asked_count;
        more |= has_more(exchange, peer);
    }
    out->done =
        out->synced > 0 && !more && out->asked == 0 && exchange->landed.len == 0 && has_wanted(exchange);
}

/* A peer that does not decide about runs gets no more time than one that does not answer. */
void exchange_expire(Exchange *exchange, int64_t patience_us)
{
    Instant now = time_monotonic();
    Err ignored = {0};

    for (ExchangePeer *peer = exchange->peers, *next; peer; peer = next) {
        bool late = false;

        next = peer->next;
        if (peer->runs && !peer->runs_open && peer->open && now - peer->joined > SECONDS(3))
            (void)mux_close(peer->runs, &ignored);
        for (size_t i = 0; i < ASKED_MAX; i++)
            late |= peer->asked[i].kind != ASKED_NOTHING && now - peer->asked[i].since > patience_us;
        if (late && peer->alpha)
            (void)mux_close(peer->alpha, &ignored);
    }
}
