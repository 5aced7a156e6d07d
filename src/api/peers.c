/* SPDX-License-Identifier: Apache-2.0 */
/* The peers of a store, for include/strata.h. */
#include "api/api.h"
#include "net/endpoint.h"

/* Of strata.ini this library knows one section; who checks all of it is `strata config check`. */
bool api_take_peers(strata_store *store, const char *dir, Err *err)
{
    static const ConfSection *const sections[] = {&peers_conf};
    static const ConfSet set = {sections, COUNT_OF(sections), .part = true};
    Conf *conf;

    return conf_load(&set, str_printf(&store->arena, "%s/strata.ini", dir).ptr, &store->arena, &conf, err) &&
           peers_parse(conf_get(conf, &peers_conf, (Str){0}), &store->arena, &store->peers, err);
}

bool strata_set_peers(strata_store *store, const char *const *peers, size_t count, unsigned wait_ms,
                      strata_error *error)
{
    Str *at = arena_new(&store->arena, Str, count + 1);
    Err err = {0};

    for (size_t i = 0; i < count; i++) {
        Endpoint endpoint;

        if (!endpoint_parse(str_from_z(peers[i]), &endpoint, &err))
            return api_fail(&err, error);
        at[i] = str_copy(&store->arena, str_from_z(peers[i]));
    }
    store->peers = (Peers){at, count, MILLISECONDS(wait_ms)};
    return true;
}

static void warn_unasked(void *store, const Err *why)
{
    notice_say(&((const strata_store *)store)->notice, "%s", why->text);
}

static bool note_longer(strata_feed *feed, const PeersFound *found, Err *err)
{
    const unsigned char *key = feed_state(feed->feed)->identity.key;

    notice_longer(&feed->store->notice, found->from, key, found->fork, found->length);
    return store_doubt(feed->store->feeds, key, err);
}

/* Of a fork the proof is kept, and feed_append() says so. Where a peer has more, they are asked again when that was got. */
bool api_ask_peers(strata_feed *feed, Err *err)
{
    ARENA_SCOPE(scratch);
    strata_store *store = feed->store;
    PeersAsk options = {.unasked = warn_unasked, .ctx = store};
    PeersFound found;
    SIGN_SCOPE(own);

    if (feed->asked || !feed->writable || store->peers.count == 0)
        return true;
    if (!keystore_node(store->keys, &own, err) ||
        !peers_ask(&store->peers, feed->feed, &own, &options, &scratch, &found, err))
        return false;
    feed->asked = !found.longer;
    if (found.forked)
        notice_fork(&store->notice, found.from, feed_state(feed->feed)->identity.key);
    return !found.longer || note_longer(feed, &found, err);
}
