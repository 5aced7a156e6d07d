/* SPDX-License-Identifier: Apache-2.0 */
/* Which feeds there are: those that are noted and have a directory. None is opened. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "feed/store_inside.h"

bool store_meta(FeedStore *store, Meta **out, Err *err)
{
    if (store->meta ? !meta_refresh(store->meta, err)
                    : !meta_open(store->arena, str_printf(store->arena, "%s/meta", store->dir).ptr,
                                 &store->meta, err))
        return false;
    *out = store->meta;
    return true;
}

bool store_is_there(const char *path)
{
    struct statx st;

    return os_statx(AT_FDCWD, path, 0, STATX_TYPE, &st) == 0;
}

bool store_no_such(const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, key, FEED_KEY_BYTES);
    return err_set(err, ERR_NOT_FOUND, "there is no feed '%.*s'", STR_ARG(buf_str(&hex)));
}

bool store_about(FeedStore *store, Arena *arena, const unsigned char key[FEED_KEY_BYTES], StoreFeed *out,
                 Err *err)
{
    StoreFeed found = {.path = store_path(store, arena, key)};
    Meta *meta;

    if (!store_is_there(found.path))
        return store_no_such(key, err);
    if (!store_meta(store, &meta, err))
        return false;
    if (!meta_feed(meta, key, &found.about)) {
        memcpy(found.about.key, key, FEED_KEY_BYTES);
        feed_discovery_key(key, found.about.discovery);
    }
    found.about.name = str_copy(arena, found.about.name);
    *out = found;
    return true;
}

bool store_discovered(FeedStore *store, Arena *arena, const unsigned char discovery_key[FEED_KEY_BYTES],
                      StoreFeed *out, Err *err)
{
    MetaFeed noted;
    Meta *meta;

    if (!store_meta(store, &meta, err))
        return false;
    if (!meta_feed_discovered(meta, discovery_key, &noted))
        return err_set(err, ERR_NOT_FOUND, "there is no feed of that discovery key");
    return store_about(store, arena, noted.key, out, err);
}

/* Nobody changes what is said about it between the look and the change. */
static bool mark_alone(Meta *meta, const unsigned char key[FEED_KEY_BYTES], MetaFlags flag, bool on, Err *err)
{
    ARENA_SCOPE(scratch);
    MetaFeed about;

    if (!meta_feed(meta, key, &about))
        return true;
    about.name = str_copy(&scratch, about.name);
    about.flags = on ? about.flags | flag : about.flags & ~(unsigned)flag;
    return meta_put_feed(meta, &about, err);
}

static bool mark(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], MetaFlags flag, bool on, Err *err)
{
    MetaFeed about;
    Meta *meta;

    if (!store_meta(store, &meta, err))
        return false;
    if (!meta_feed(meta, key, &about) || ((about.flags & flag) != 0) == on)
        return true;
    if (!meta_begin(meta, err))
        return false;
    if (mark_alone(meta, key, flag, on, err))
        return meta_commit(meta, err);
    meta_undo(meta);
    return false;
}

bool store_own(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = store_path(store, &scratch, key);

    return mark(store, key, META_OWN, true, err) && (store_has_origin(path) || store_note_origin(path, err));
}

bool store_encrypted(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    return mark(store, key, META_ENCRYPTED, true, err);
}

bool store_sparse(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], bool sparse, Err *err)
{
    return mark(store, key, META_SPARSE, sparse, err);
}

/* ---- all of them ---- */

uint64_t store_stamp(const FeedStore *store)
{
    ARENA_SCOPE(scratch);
    struct statx st;

    if (os_statx(AT_FDCWD, str_printf(&scratch, "%s/meta", store->dir).ptr, 0,
                 STATX_SIZE | STATX_MTIME | STATX_INO, &st) < 0)
        return 0;
    return ((uint64_t)st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec) ^ st.stx_size << 32 ^
           st.stx_ino << 48 ^ 1;
}

static int compare(const void *left, const void *right)
{
    const StoreFeed *a = left, *b = right;

    if (a->about.created != b->about.created)
        return a->about.created < b->about.created ? -1 : 1;
    return memcmp(a->about.key, b->about.key, FEED_KEY_BYTES);
}

/* The next one that has a directory. */
static bool next_feed(FeedStore *store, Arena *arena, const Meta *meta, size_t *at, StoreFeed *out)
{
    while (meta_next_feed(meta, at, &out->about)) {
        out->path = store_path(store, arena, out->about.key);
        if (store_is_there(out->path))
            return true;
    }
    return false;
}

bool store_list(FeedStore *store, Arena *arena, StoreFeed **out, size_t *count, Err *err)
{
    size_t at = 0;
    StoreFeed feed;
    Meta *meta;

    if (!store_meta(store, &meta, err))
        return false;
    *out = arena_new(arena, StoreFeed, meta_feeds(meta) + 1);
    for (*count = 0; next_feed(store, arena, meta, &at, &feed); ++*count) {
        feed.about.name = str_copy(arena, feed.about.name);
        (*out)[*count] = feed;
    }
    if (*count > 1)
        qsort(*out, *count, sizeof **out, compare);
    return true;
}

/* ---- names ---- */

/* The key of a feed is called as the feed is. */
bool store_name_allowed(Str name, Err *err)
{
    Err ignored = {0};

    if (key_name_check(name, &ignored))
        return true;
    (void)err_set(err, ERR_USAGE, "a feed cannot be called '%.*s'", STR_ARG(str_sub(name, 0, 200)));
    return err_hint(err, "%s", ignored.hint);
}

bool store_name_check(Str name, Err *err)
{
    return name.len == 0 || store_name_allowed(name, err);
}

bool store_name_free(FeedStore *store, Str name, Err *err)
{
    ARENA_SCOPE(scratch);
    MetaFeed feed;
    size_t at = 0;
    Meta *meta;

    if (name.len == 0)
        return true;
    if (!store_meta(store, &meta, err))
        return false;
    while (meta_next_feed(meta, &at, &feed))
        if (str_eq(feed.name, name) && store_is_there(store_path(store, &scratch, feed.key)))
            return err_set(err, ERR_CONFLICT, "there is a feed called '%.*s' already", STR_ARG(name));
    return true;
}

static bool is_hex(Str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789abcdefABCDEF", text.ptr[i]))
            return false;
    return true;
}

static bool begins(const MetaFeed *feed, Str digits)
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, feed->key, FEED_KEY_BYTES);
    return digits.len <= hex.len && strncasecmp(hex.ptr, digits.ptr, digits.len) == 0;
}

static bool no_feed(Str text, size_t count, Err *err)
{
    text = str_sub(text, 0, 200);
    if (is_hex(text) && text.len < STORE_PREFIX_MIN) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no feed called '%.*s'", STR_ARG(text));
        return err_hint(err, "of a key at least %d digits are needed", STORE_PREFIX_MIN);
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no feed '%.*s'", STR_ARG(text));
    return err_hint(err, count ? "strata feed list shows those there are" : "strata feed create makes one");
}

/* It may be one of those. */
static bool not_noted(FeedStore *store, Err *err)
{
    ARENA_SCOPE(scratch);
    const char **paths;
    size_t count;
    Err ignored = {0};

    return store_strays(store, &scratch, &paths, &count, &ignored) && count > 0 &&
           err_hint(err, "some feeds are here and not noted: strata feed adopt takes them in");
}

/* A name comes first. *hits: how many have these digits. */
static bool look_for(FeedStore *store, Arena *arena, const Meta *meta, Str text, StoreFeed *out, size_t *hits)
{
    bool digits = text.len >= STORE_PREFIX_MIN && is_hex(text);
    StoreFeed feed;
    size_t at = 0;

    *hits = 0;
    while (meta_next_feed(meta, &at, &feed.about)) {
        bool named = text.len > 0 && str_eq(feed.about.name, text);

        if (!named && !(digits && begins(&feed.about, text)))
            continue;
        feed.path = store_path(store, arena, feed.about.key);
        if (!store_is_there(feed.path))
            continue;
        if (named || (*hits)++ == 0)
            *out = feed;
        if (named)
            return true;
    }
    return *hits == 1;
}

bool store_find(FeedStore *store, Arena *arena, Str text, StoreFeed *out, Err *err)
{
    unsigned char key[FEED_KEY_BYTES];
    StoreFeed found = {0};
    size_t hits;
    Meta *meta;

    if (str_to_bytes(text, key, sizeof key))
        return store_about(store, arena, key, out, err) ||
               (err->code == ERR_NOT_FOUND && err_hint(err, "strata feed list shows those there are"));
    if (!store_meta(store, &meta, err))
        return false;
    if (look_for(store, arena, meta, text, &found, &hits)) {
        found.about.name = str_copy(arena, found.about.name);
        *out = found;
        return true;
    }
    if (hits == 0)
        return no_feed(text, meta_feeds(meta), err) || not_noted(store, err);
    (void)err_set(err, ERR_CONFLICT, "the keys of %zu feeds begin with '%.*s'", hits, STR_ARG(text));
    return err_hint(err, "give more digits: strata feed list shows them all");
}
