/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds that have a directory and are not noted: feeds/meta was lost, damaged, or is an older one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/os.h"
#include "feed/store_inside.h"

typedef struct Found {
    Arena *arena;
    const char **paths;
    size_t count, room;
} Found;

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static bool is_hex_of(const char *name, size_t digits)
{
    return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

static void add(Found *found, const char *path)
{
    if (found->count == found->room) {
        size_t room = found->room ? 2 * found->room : 64;
        const char **paths = arena_new(found->arena, const char *, room);

        if (found->count)
            memcpy(paths, found->paths, found->count * sizeof *paths);
        found->paths = paths;
        found->room = room;
    }
    found->paths[found->count++] = path;
}

/* Directories whose name has so many digits; nothing where there is no such directory. */
static bool look_in(Found *found, const char *dir_path, size_t digits, Err *err)
{
    ATTR_CLEANUP(close_dir) DIR *dir = opendir(dir_path);
    const struct dirent *entry;

    if (!dir)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot read '%s'", dir_path);
    while ((entry = readdir(dir)))
        if (is_hex_of(entry->d_name, digits))
            add(found, str_printf(found->arena, "%s/%s", dir_path, entry->d_name).ptr);
    return true;
}

static bool discovery_of(const char *path, unsigned char out[FEED_KEY_BYTES])
{
    return str_to_bytes(str_base_name(str_from_z(path)), out, FEED_KEY_BYTES);
}

/* What is there was noted before: so the notes are read afterwards, and one that gets its place meanwhile is none. */
bool store_strays(FeedStore *store, Arena *arena, const char ***out, size_t *count, Err *err)
{
    Found tops = {.arena = arena}, all = {.arena = arena};
    size_t left = 0;
    Meta *meta;

    if (!look_in(&tops, store->dir, 2, err))
        return false;
    for (size_t i = 0; i < tops.count; i++)
        if (!look_in(&all, tops.paths[i], (size_t)2 * FEED_KEY_BYTES, err))
            return false;
    if (!store_meta(store, &meta, err))
        return false;
    for (size_t i = 0; i < all.count; i++) {
        unsigned char discovery[FEED_KEY_BYTES];
        MetaFeed noted;

        if (discovery_of(all.paths[i], discovery) && !meta_feed_discovered(meta, discovery, &noted))
            all.paths[left++] = all.paths[i];
    }
    *out = all.paths;
    *count = left;
    return true;
}

/* ---- taking one in ---- */

/* When the directory was made; a copy of it has forgotten that. */
static Instant made_at(const char *path)
{
    struct statx st;

    if (os_statx(AT_FDCWD, path, 0, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
        return time_now();
    return SECONDS(st.stx_btime.tv_sec) + st.stx_btime.tv_nsec / 1000;
}

/* Who the feed is has to be what its directory is called by. */
static bool read_identity(const char *path, FeedIdentity *out, Err *err)
{
    ARENA_SCOPE(scratch);
    unsigned char wanted[FEED_KEY_BYTES], is[FEED_KEY_BYTES];
    Feed *feed;

    if (!feed_open(&scratch, path, FEED_READ, NULL, &feed, err))
        return false;
    *out = feed_state(feed)->identity;
    feed_close(feed);
    feed_discovery_key(out->key, is);
    return (discovery_of(path, wanted) && memcmp(wanted, is, sizeof is) == 0) ||
           err_set(err, ERR_CORRUPT, "it has another feed than that of its name");
}

/* What the keys of this node tell of it: a feed's signer is called as the feed is. */
static void ask_keys(FeedStore *store, Keystore *keys, Arena *arena, const FeedIdentity *identity,
                     MetaFeed *about)
{
    unsigned char reading[SIGN_PUBLIC_BYTES];
    KeystoreKey key;
    Err ignored = {0};

    key_reading_name(identity->key, reading);
    if (keystore_info(keys, arena, reading, &key, &ignored))
        about->flags |= META_ENCRYPTED;
    if (identity->anonymous || !keystore_info(keys, arena, identity->signer, &key, &ignored) || !key.own)
        return;
    about->flags |= META_OWN;
    if (store_name_check(key.info.name, &ignored) && store_name_free(store, key.info.name, &ignored))
        about->name = key.info.name;
}

static bool note(FeedStore *store, const MetaFeed *about, Err *err)
{
    Meta *meta;
    MetaFeed noted;

    if (!store_meta(store, &meta, err) || !meta_begin(meta, err))
        return false;
    if (!meta_feed(meta, about->key, &noted) && !meta_put_feed(meta, about, err)) {
        meta_undo(meta);
        return false;
    }
    return meta_commit(meta, err);
}

bool store_adopt(FeedStore *store, Keystore *keys, Arena *arena, const char *path, StoreFeed *out, Err *err)
{
    FeedIdentity identity;
    MetaFeed about = {.created = made_at(path)};

    if (!read_identity(path, &identity, err))
        return err_wrap(err, "'%s' cannot be taken in", path);
    memcpy(about.key, identity.key, FEED_KEY_BYTES);
    ask_keys(store, keys, arena, &identity, &about);
    return note(store, &about, err) && store_about(store, arena, about.key, out, err);
}

bool store_mend(FeedStore *store, Arena *arena, const char **aside, Err *err)
{
    store->meta = NULL; /* what is open is of the file that was there */
    return meta_mend(str_printf(store->arena, "%s/meta", store->dir).ptr, arena, aside, err);
}
