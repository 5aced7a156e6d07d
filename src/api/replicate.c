/* SPDX-License-Identifier: Apache-2.0 */
/* Getting one feed, for include/strata.h. */
#include <string.h>

#include "api/api.h"
#include "feed/share.h"

typedef struct Replicating {
    Share *share;
    Peering *peering;
    size_t peers, lost; /* how many are asked; connections that ended or could not be made */
    bool stopped, native, reached;
    Err failure;
} Replicating;

static void stop(Replicating *rep)
{
    rep->stopped = true;
    share_stop(rep->share);
}

static void on_taken(void *rep_v)
{
    Replicating *rep = rep_v;
    PeeringState state;

    peering_state(rep->peering, &state);
    rep->native |= state.native > 0;
    rep->reached |= state.synced > 0;
    if (rep->stopped)
        return;
    if (state.peers == 0 && state.refused + state.late >= rep->peers) {
        (void)err_set(&rep->failure, state.late ? ERR_IO : ERR_NOT_FOUND,
                      state.late ? "a peer did not answer" : "no peer has the feed");
        stop(rep);
    } else if (state.done && state.given &&
               state.synced + state.refused + state.late + rep->lost >= rep->peers) {
        stop(rep);
    }
}

static void on_end(void *rep_v, const char *address, const Err *why)
{
    Replicating *rep = rep_v;
    ShareTraffic traffic;

    (void)address;
    rep->lost++;
    share_traffic(rep->share, &traffic);
    if (rep->stopped || !why || !why->code)
        return;
    if (traffic.peers > 0 || rep->lost < rep->peers) {
        on_taken(rep);
        return;
    }
    rep->failure = *why;
    stop(rep);
}

static void on_fork(void *rep_v, const unsigned char peer[32])
{
    Replicating *rep = rep_v;

    (void)peer;
    (void)err_set(&rep->failure, ERR_CONFLICT,
                  "a peer has another history of the feed, signed by the same key");
    stop(rep);
}

/* A whole key that is new here is that of somebody else's feed. */
static bool find_or_add(strata_store *store, Arena *arena, Str key, StoreFeed *out, Err *err)
{
    unsigned char bytes[FEED_KEY_BYTES];

    if (store_find(store->feeds, arena, key, out, err))
        return true;
    if (err->code != ERR_NOT_FOUND || !str_to_bytes(key, bytes, sizeof bytes))
        return false;
    *err = (Err){0};
    return store_add(store->feeds, bytes, (Str){0}, err) && store_about(store->feeds, arena, bytes, out, err);
}

static bool run_to_end(Replicating *rep, Feed *feed, const char *const *peers, Err *err)
{
    PeeringOptions options = {.download = true, .follow = true, .on_fork = on_fork, .ctx = rep};

    if (!share_add(rep->share, feed, &options, &rep->peering, err) || !peering_announce(rep->peering, err))
        return false;
    for (size_t i = 0; i < rep->peers; i++)
        if (!share_connect(rep->share, str_from_z(peers[i]), err))
            return false;
    if (!share_run(rep->share, err) || !feed_sync(feed, err))
        return false;
    if (rep->failure.code)
        *err = rep->failure;
    return rep->failure.code == 0;
}

static bool replicate(strata_store *store, const StoreFeed *about, const char *const *peers, Replicating *rep,
                      strata_replicated *out, Err *err)
{
    ShareOptions options = {.on_taken = on_taken, .on_end = on_end, .ctx = rep};
    ShareTraffic traffic;
    PeeringState state;
    uint64_t not_given;
    Feed *feed;
    SIGN_SCOPE(own);

    if (!keystore_node(store->keys, &own, err) ||
        !reading_note(store->feeds, store->keys, about->about.key, err) ||
        !store_feed(store->feeds, about->about.key, FEED_WRITE, &feed, err))
        return false;
    bool ok = share_open(&own, &options, &rep->share, err);
    if (ok) {
        ok = run_to_end(rep, feed, peers, err);
        share_traffic(rep->share, &traffic);
        if (rep->peering)
            peering_state(rep->peering, &state);
        if (ok && out)
            *out = (strata_replicated){state.blocks, traffic.bytes_in, traffic.bytes_out, rep->native};
        ok = ok && peering_given(rep->peering, &not_given, err);
        share_close(rep->share);
    }
    store_release(store->feeds, feed);
    return ok && (!rep->reached || store_confirm(store->feeds, about->about.key, err));
}

bool strata_replicate(strata_store *store, const char *key, const char *const *peers, size_t count,
                      strata_replicated *out, strata_error *error)
{
    ARENA_SCOPE(scratch);
    Replicating rep = {.peers = count};
    StoreFeed about;
    Err err = {0};

    return (find_or_add(store, &scratch, str_from_z(key), &about, &err) &&
            replicate(store, &about, peers, &rep, out, &err)) ||
           api_fail(&err, error);
}
