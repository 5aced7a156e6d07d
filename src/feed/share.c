/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/share.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "feed/alpha.h"
#include "net/link.h"

/* A feed that is shared, or was: then it is in no list, and comes back to its place in the map when it is shared again. */
typedef struct Shared {
    struct Shared *next;
    unsigned char name[FEED_KEY_BYTES]; /* discovery key */
    Peering *peering;                   /* NULL: it was */
} Shared;

struct Share {
    Arena arena;
    ShareOptions options;
    Loop *loop;
    Shared *feeds;
    Map by_name;
    uint64_t bytes_in, bytes_out; /* of connections that are over */
    Err failure;                  /* why the loop was stopped */
};

/* ---- connections ---- */

/* Blocks that cannot be kept are no peer's fault: then all ends. */
static void keep(Share *share)
{
    for (Shared *shared = share->feeds; shared && !share->failure.code; shared = shared->next)
        if (!peering_flush(shared->peering, &share->failure))
            loop_stop(share->loop);
}

static void on_taken(void *share_v)
{
    Share *share = share_v;

    keep(share);
    if (share->options.on_taken)
        share->options.on_taken(share->options.ctx);
}

/* What a link keeps. */
typedef struct Connection {
    Share *share;
    Peer *peer;
} Connection;

static PeeringWho who_is(const Peer *peer)
{
    PeeringWho who = {.initiator = peer_role(peer) == NOISE_INITIATOR};

    memcpy(who.key, peer_key(peer), sizeof who.key);
    memcpy(who.hash, peer_hash(peer), sizeof who.hash);
    return who;
}

static Peering *find(Share *share, Str name)
{
    Shared *shared = map_get(&share->by_name, name);

    if (shared && shared->peering)
        return shared->peering;
    return share->options.find && name.len == FEED_KEY_BYTES
               ? share->options.find(share->options.ctx, (const unsigned char *)name.ptr)
               : NULL;
}

/* Both channels of a feed are opened for the first one that is asked for, whichever it is. */
static MuxAnswer offer(void *connection_v, Mux *mux, Str protocol, Str id)
{
    Connection *connection = connection_v;
    Peering *peering = find(connection->share, id);
    PeeringWho who = who_is(connection->peer);
    Err ignored = {0};

    if (!peering || !peering_join(peering, mux, &who, &ignored))
        return MUX_REJECT;
    return mux_find(mux, protocol, id) ? MUX_OPENED : MUX_REJECT;
}

/* Whoever calls opens what it has; whoever is called opens what it is asked for. */
static bool join_all(Connection *connection, Err *err)
{
    PeeringWho who = who_is(connection->peer);

    if (!who.initiator)
        return true;
    for (Shared *shared = connection->share->feeds; shared; shared = shared->next)
        if (!peering_join(shared->peering, link_mux(connection->peer), &who, err))
            return false;
    return true;
}

static void let_go(Peer *peer)
{
    Connection *connection = link_ctx(peer);

    link_close(peer);
    free(connection);
}

static bool on_connect(void *share_v, Peer *peer, Err *err)
{
    Share *share = share_v;
    Connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        abort();
    *connection = (Connection){.share = share, .peer = peer};
    (void)link_open(peer, &(MuxOptions){.offer = offer, .ctx = connection});
    if (share->options.on_connect)
        share->options.on_connect(share->options.ctx,
                                  peer_called(peer) ? peer_called(peer) : peer_address(peer), peer_key(peer));
    if (join_all(connection, err))
        return true;
    let_go(peer);
    return false;
}

static bool on_frame(void *share_v, Peer *peer, Str frame, Err *err)
{
    (void)share_v;
    return link_take(peer, frame, err);
}

static void on_disconnect(void *share_v, Peer *peer, const Err *why)
{
    Share *share = share_v;
    uint64_t in, out;

    peer_bytes(peer, &in, &out);
    share->bytes_in += in;
    share->bytes_out += out;
    let_go(peer);
    keep(share); /* what it brought counts */
    if (share->options.on_end)
        share->options.on_end(share->options.ctx, peer_address(peer), share->failure.code ? NULL : why);
    on_taken(share);
}

static void on_failure(void *share_v, const char *address, const Err *why)
{
    Share *share = share_v;

    if (share->options.on_end)
        share->options.on_end(share->options.ctx, address, why);
}

static void on_lost(void *share_v, const char *address)
{
    Share *share = share_v;

    if (share->options.on_lost)
        share->options.on_lost(share->options.ctx, address);
}

/* ---- the loop ---- */

static void on_tick(void *share_v)
{
    Share *share = share_v;

    for (Shared *shared = share->feeds; shared; shared = shared->next)
        peering_expire(shared->peering, share->options.patience);
    on_taken(share);
    if (share->options.on_tick)
        share->options.on_tick(share->options.ctx);
}

bool share_open(const SignPair *own, const ShareOptions *options, Share **out, Err *err)
{
    static const LoopEvents events = {.on_connect = on_connect,
                                      .on_frame = on_frame,
                                      .on_disconnect = on_disconnect,
                                      .on_failure = on_failure,
                                      .on_lost = on_lost,
                                      .on_taken = on_taken,
                                      .on_tick = on_tick};
    Share *share = calloc(1, sizeof *share);

    if (!share)
        abort();
    share->options = *options;
    if (!share->options.patience)
        share->options.patience = SECONDS(30);
    if (!share->options.loop.tick)
        share->options.loop.tick = SECONDS(1);
    if (!loop_open(own, &share->options.loop, &events, share, &share->loop, err)) {
        free(share);
        return false;
    }
    *out = share;
    return true;
}

void share_close(Share *share)
{
    Arena arena = share->arena;

    loop_close(share->loop);
    for (Shared *shared = share->feeds; shared; shared = shared->next)
        peering_free(shared->peering);
    free(share);
    arena_free(&arena);
}

static Shared *place_of(Share *share, Feed *feed)
{
    unsigned char name[FEED_KEY_BYTES];

    feed_discovery_key(feed_state(feed)->identity.key, name);
    Str key = {(const char *)name, sizeof name};
    Shared *shared = map_get(&share->by_name, key);
    if (shared)
        return shared;
    shared = arena_new(&share->arena, Shared, 1);
    memcpy(shared->name, name, sizeof name);
    *map_slot(&share->by_name, &share->arena, key) = shared;
    return shared;
}

bool share_add(Share *share, Feed *feed, const PeeringOptions *options, Peering **out, Err *err)
{
    Shared *shared = place_of(share, feed);

    if (shared->peering)
        return err_set(err, ERR_CONFLICT, "the feed is shared already");
    shared->peering = peering_new(feed, options);
    shared->next = share->feeds;
    share->feeds = shared;
    *out = shared->peering;
    return true;
}

static void offer_to(void *peering_v, Peer *peer)
{
    PeeringWho who = who_is(peer);
    Err ignored = {0};

    if (who.initiator)
        (void)!peering_join(peering_v, link_mux(peer), &who, &ignored);
}

void share_offer(Share *share, Peering *peering)
{
    loop_each(share->loop, offer_to, peering);
}

void share_remove(Share *share, Peering *peering)
{
    for (Shared **at = &share->feeds; *at; at = &(*at)->next) {
        Shared *shared = *at;

        if (shared->peering != peering)
            continue;
        *at = shared->next;
        peering_free(peering);
        shared->peering = NULL;
        return;
    }
}

bool share_listen(Share *share, Str address, const char **out, Err *err)
{
    return loop_listen(share->loop, address, out, err);
}

bool share_connect(Share *share, Str address, Err *err)
{
    return loop_connect(share->loop, address, err);
}

void share_disconnect(Share *share, Str address)
{
    loop_disconnect(share->loop, address);
}

void share_refresh(Share *share)
{
    for (Shared *shared = share->feeds; shared; shared = shared->next) {
        Err ignored = {0};

        (void)!peering_refresh(shared->peering, &ignored);
    }
}

bool share_run(Share *share, Err *err)
{
    if (!loop_run(share->loop, err))
        return false;
    if (share->failure.code)
        *err = share->failure;
    return share->failure.code == 0;
}

void share_stop(Share *share)
{
    loop_stop(share->loop);
}

static void add_bytes(void *out_v, Peer *peer)
{
    ShareTraffic *out = out_v;
    uint64_t in, sent;

    peer_bytes(peer, &in, &sent);
    out->peers++;
    out->bytes_in += in;
    out->bytes_out += sent;
}

void share_traffic(Share *share, ShareTraffic *out)
{
    *out = (ShareTraffic){.bytes_in = share->bytes_in, .bytes_out = share->bytes_out};
    loop_each(share->loop, add_bytes, out);
}
