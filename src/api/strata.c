/* SPDX-License-Identifier: Apache-2.0 */
/* include/strata.h on the store of feeds: each function makes one call of a part, and turns its Err into a strata_error. */
#include "strata.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

/* ---- errors ---- */

bool api_fail(const Err *err, strata_error *error)
{
    if (!error)
        return false;
    *error = (strata_error){.code = err_exit_status(err->code)};
    (void)snprintf(error->name, sizeof error->name, "%s", err_name(err->code));
    (void)snprintf(error->message, sizeof error->message, "%s", err->text);
    (void)snprintf(error->hint, sizeof error->hint, "%s", err->hint);
    return false;
}

/* ---- stores ---- */

static bool give_passphrase(void *store_v, KeystoreAsk why, Secret *out, Err *err)
{
    strata_store *store = store_v;

    if (store->passphrase.len == 0 || why == KEYSTORE_AGAIN)
        return why == KEYSTORE_FIRST ||
               err_set(err, ERR_DENIED, "the keys are locked with a passphrase that was not given");
    return secret_put(out, store->passphrase) || err_set(err, ERR_LIMIT, "the passphrase is too long");
}

strata_store *strata_open(const char *dir, const char *passphrase, strata_error *error)
{
    Arena arena = {0};
    strata_store *store = arena_new(&arena, strata_store, 1);
    Err err = {0};

    store->passphrase = str_copy(&arena, str_from_z(passphrase));
    const char *keys = str_printf(&arena, "%s/keys", dir).ptr;
    if (!os_make_dirs(keys, 0700, &err)) {
        arena_free(&arena);
        (void)api_fail(&err, error);
        return NULL;
    }
    store->arena = arena;
    store->feeds = store_open(&store->arena, str_printf(&store->arena, "%s/feeds", dir).ptr,
                              &(StoreOptions){.open_max = store_room(false)});
    store->keys =
        keystore_open(&store->arena, keys, &(KeystoreOptions){.get = give_passphrase, .ctx = store});
    if (api_take_peers(store, dir, &err))
        return store;
    strata_close(store);
    (void)api_fail(&err, error);
    return NULL;
}

static void release(strata_feed *feed)
{
    store_release(feed->store->feeds, feed->feed);
    reading_close(&feed->reading);
    sign_wipe(&feed->pair);
    free(feed);
}

void strata_close(strata_store *store)
{
    Arena arena = store->arena;

    for (strata_feed *feed = store->open, *next; feed; feed = next) {
        next = feed->next;
        release(feed);
    }
    arena_free(&arena);
}

/* ---- warnings ---- */

void strata_on_warning(strata_store *store, void (*warn)(void *ctx, const char *message), void *ctx)
{
    store->notice = (Notice){warn, ctx};
}

/* ---- feeds ---- */

static strata_feed *take(strata_store *store, const unsigned char key[FEED_KEY_BYTES], FeedMode mode,
                         Err *err)
{
    Feed *opened;

    if (!store_feed(store->feeds, key, mode, &opened, err))
        return NULL;
    strata_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        abort();
    *feed =
        (strata_feed){.store = store, .feed = opened, .next = store->open, .writable = mode == FEED_WRITE};
    store->open = feed;
    return feed;
}

static strata_feed *create(strata_store *store, const StoreNew *what, strata_error *error)
{
    unsigned char key[FEED_KEY_BYTES];
    strata_feed *feed = NULL;
    Err err = {0};

    if (store_create(store->feeds, store->keys, what, key, &err))
        feed = take(store, key, FEED_WRITE, &err);
    if (!feed)
        (void)api_fail(&err, error);
    return feed;
}

strata_feed *strata_feed_create(strata_store *store, const char *name, strata_error *error)
{
    return create(store, &(StoreNew){.name = str_from_z(name)}, error);
}

strata_feed *strata_feed_create_encrypted(strata_store *store, const char *name, strata_error *error)
{
    return create(store, &(StoreNew){.name = str_from_z(name), .encrypted = true}, error);
}

strata_feed *strata_feed_open(strata_store *store, const char *key_or_name, strata_mode mode,
                              strata_error *error)
{
    ARENA_SCOPE(scratch);
    StoreFeed found;
    strata_feed *feed = NULL;
    Err err = {0};

    if (store_find(store->feeds, &scratch, str_from_z(key_or_name), &found, &err))
        feed = take(store, found.about.key, mode == STRATA_WRITE ? FEED_WRITE : FEED_READ, &err);
    if (!feed)
        (void)api_fail(&err, error);
    return feed;
}

void strata_feed_close(strata_feed *feed)
{
    strata_feed **at = &feed->store->open;

    while (*at != feed)
        at = &(*at)->next;
    *at = feed->next;
    release(feed);
}

void strata_feed_info(const strata_feed *feed, strata_info *out)
{
    const FeedState *state = feed_state(feed->feed);

    *out = (strata_info){
        .length = state->roots.length, .fork = state->fork, .bytes = state->roots.bytes, .held = state->held};
    memcpy(out->key, state->identity.key, sizeof out->key);
    feed_discovery_key(state->identity.key, out->discovery_key);
}

bool strata_feed_refresh(strata_feed *feed, bool *changed, strata_error *error)
{
    bool any;
    Err err = {0};

    if (!feed_refresh(feed->feed, &any, &err))
        return api_fail(&err, error);
    if (changed)
        *changed = any;
    return true;
}

/* ---- plain text ---- */

bool strata_feed_reading(const strata_feed *feed, strata_reading *out, strata_error *error)
{
    ARENA_SCOPE(scratch);
    StoreFeed about;
    Err err = {0};

    if (!store_about(feed->store->feeds, &scratch, feed_state(feed->feed)->identity.key, &about, &err))
        return api_fail(&err, error);
    ReadingState state = reading_state(feed->store->keys, &about.about);
    *out = !state.encrypted ? STRATA_PLAIN : state.readable ? STRATA_ENCRYPTED : STRATA_UNREADABLE;
    return true;
}

bool api_open_reading(strata_feed *feed, Err *err)
{
    ARENA_SCOPE(scratch);
    StoreFeed about;

    if (feed->open)
        return true;
    feed->open =
        store_about(feed->store->feeds, &scratch, feed_state(feed->feed)->identity.key, &about, err) &&
        reading_open(feed->store->keys, &about.about, &feed->reading, err);
    return feed->open;
}

bool strata_feed_reading_key(const strata_feed *feed, unsigned char key[STRATA_KEY_BYTES],
                             strata_error *error)
{
    Err err = {0};

    if (keystore_reading(feed->store->keys, feed_state(feed->feed)->identity.key, key, &err))
        return true;
    if (err.code == ERR_NOT_FOUND)
        (void)err_set(&err, ERR_DENIED, "the reading key of the feed is not here");
    return api_fail(&err, error);
}

bool strata_add_reading_key(strata_store *store, const unsigned char feed_key[STRATA_KEY_BYTES],
                            const unsigned char key[STRATA_KEY_BYTES], strata_error *error)
{
    Err err = {0};

    return (keystore_add_reading(store->keys, feed_key, key, &(KeystoreNew){0}, &err) &&
            reading_note(store->feeds, store->keys, feed_key, &err)) ||
           api_fail(&err, error);
}

/* ---- changing ---- */

bool api_may_change(strata_feed *feed, Err *err)
{
    const FeedIdentity *identity = &feed_state(feed->feed)->identity;
    bool unconfirmed;

    feed->signs = feed->signs || keystore_pair(feed->store->keys, identity->signer, &feed->pair, err);
    if (!feed->signs || !api_ask_peers(feed, err) ||
        !store_is_unconfirmed(feed->store->feeds, identity->key, &unconfirmed, err))
        return false;
    if (unconfirmed) {
        (void)err_set(err, ERR_DENIED,
                      "the feed was restored from a backup, or is an old copy: others may have more of it");
        return err_hint(err,
                        "strata_replicate() gets what they have; if nobody has more: strata_feed_trust()");
    }
    return true;
}

bool strata_feed_confirmed(const strata_feed *feed, bool *out, strata_error *error)
{
    bool unconfirmed;
    Err err = {0};

    if (!store_is_unconfirmed(feed->store->feeds, feed_state(feed->feed)->identity.key, &unconfirmed, &err))
        return api_fail(&err, error);
    *out = !unconfirmed;
    return true;
}

bool strata_feed_trust(strata_feed *feed, strata_error *error)
{
    Err err = {0};

    return store_confirm(feed->store->feeds, feed_state(feed->feed)->identity.key, &err) ||
           api_fail(&err, error);
}

Str *api_blocks(Arena *arena, const strata_block *blocks, size_t count)
{
    Str *list = arena_new(arena, Str, count + 1);

    for (size_t i = 0; i < count; i++)
        list[i] = (Str){blocks[i].bytes, blocks[i].len};
    return list;
}

bool strata_feed_append(strata_feed *feed, const strata_block *blocks, size_t count, strata_care care,
                        uint64_t *first, strata_error *error)
{
    ARENA_SCOPE(scratch);
    uint64_t length = feed_state(feed->feed)->roots.length;
    Err err = {0};

    if (!api_may_change(feed, &err) || !api_open_reading(feed, &err) ||
        !reading_append(&feed->reading, feed->feed, &feed->pair, api_blocks(&scratch, blocks, count), count,
                        care == STRATA_BUFFERED ? FEED_BUFFERED : FEED_DURABLE, &err))
        return api_fail(&err, error);
    if (first)
        *first = length;
    return true;
}

bool strata_feed_truncate(strata_feed *feed, uint64_t length, strata_error *error)
{
    Err err = {0};

    return (api_may_change(feed, &err) &&
            feed_truncate(feed->feed, &feed->pair, length, FEED_DURABLE, &err)) ||
           api_fail(&err, error);
}

bool strata_feed_clear(strata_feed *feed, uint64_t first, uint64_t end, strata_error *error)
{
    uint64_t cleared;
    Err err = {0};

    return feed_clear(feed->feed, first, end, &cleared, &err) || api_fail(&err, error);
}

/* ---- reading ---- */

bool strata_feed_get(strata_feed *feed, uint64_t block, void **bytes, size_t *len, strata_error *error)
{
    Buf out = {0};
    Err err = {0};

    (void)buf_reserve(&out, 1); /* an empty block has bytes to free, too */
    if (!api_open_reading(feed, &err) || !reading_get(&feed->reading, feed->feed, block, &out, &err)) {
        buf_release(&out);
        return api_fail(&err, error);
    }
    *bytes = out.ptr;
    *len = out.len;
    return true;
}

void strata_free(void *bytes)
{
    free(bytes);
}

bool strata_feed_verify(strata_feed *feed, uint64_t *first_bad, strata_error *error)
{
    uint64_t bad;
    Err err = {0};

    bool ok = feed_verify(feed->feed, NULL, &bad, &err);
    if (first_bad && (ok || err.code == ERR_CORRUPT))
        *first_bad = bad;
    return ok || api_fail(&err, error);
}
