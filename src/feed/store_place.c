/* SPDX-License-Identifier: Apache-2.0 */
/* Where feeds are made, and how they get their place: all at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/fault.h"
#include "base/os.h"
#include "crypto/secret.h"
#include "feed/store_inside.h"

static bool hold(const FeedStore *store, int *fd, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = str_printf(&scratch, "%s/lock", store->dir).ptr;

    *fd = os_open(path, O_RDWR | O_CREAT, 0600);
    while (*fd >= 0 && flock(*fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_sys(err, ERR_IO, "cannot lock '%s'", path);
    return *fd >= 0 || err_sys(err, ERR_IO, "cannot open '%s'", path);
}

static bool lock_top(const char *path, int *fd)
{
    *fd = os_open(path, O_RDONLY | O_DIRECTORY, 0);
    return *fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) == 0;
}

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

/* ---- what dead processes left ---- */

static const char *note_of(Arena *arena, const char *top)
{
    return str_printf(arena, "%s/key", top).ptr;
}

/*
 * Not synced: a kill leaves it as it is written. After a power failure there may be a key that belongs to no feed, which
 * `strata key list` shows and `strata key remove` takes away; to sync it would cost every feed that.
 */
bool store_place_note_key(const StorePlace *place, const FeedIdentity *identity, Err *err)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(fd);
    BUF_SCOPE(bytes);
    const char *path = note_of(&scratch, place->top);

    buf_put(&bytes, (Str){(const char *)identity->key, FEED_KEY_BYTES});
    buf_put(&bytes, (Str){(const char *)identity->signer, SIGN_PUBLIC_BYTES});
    fd = os_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", path);
    return (os_write_all(fd, buf_str(&bytes), err) || err_wrap(err, "cannot write '%s'", path)) &&
           fault_pass(FAULT_feed_key_noted, err);
}

/* The signer's comes last, because it is the first to be added. */
bool store_forget_keys(Keystore *keys, const unsigned char key[FEED_KEY_BYTES],
                       const unsigned char signer[SIGN_PUBLIC_BYTES], Err *err)
{
    unsigned char reading[SIGN_PUBLIC_BYTES];
    Err why = {0};

    key_reading_name(key, reading);
    bool ok = (keystore_remove(keys, reading, &why) || why.code == ERR_NOT_FOUND) &&
              (keystore_remove(keys, signer, &why) || why.code == ERR_NOT_FOUND);
    if (!ok)
        *err = why;
    return ok;
}

/*
 * False: a key may be left that belongs to no feed, and is for somebody who has the keys. A feed that got its place keeps its key: it
 * is gone from here before that feed can be removed, for which a place is begun as well.
 */
static bool take_back_key(const FeedStore *store, Keystore *keys, const char *top)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(bytes);
    Err why = {0};

    if (!os_read_file(note_of(&scratch, top), FEED_KEY_BYTES + SIGN_PUBLIC_BYTES, &bytes, &why))
        return why.code == ERR_NOT_FOUND;
    const unsigned char *key = (const unsigned char *)bytes.ptr;
    if (bytes.len < FEED_KEY_BYTES + SIGN_PUBLIC_BYTES || store_is_there(store_path(store, &scratch, key)))
        return true;
    return keys && store_forget_keys(keys, key, key + FEED_KEY_BYTES, &why);
}

/* Nobody holds it. What cannot be removed now is for the next one. */
static void sweep(const FeedStore *store, Keystore *keys, const char *dir_path)
{
    ATTR_CLEANUP(close_dir) DIR *dir = opendir(dir_path);
    ARENA_SCOPE(scratch);
    const struct dirent *entry;
    Err ignored = {0};

    while (dir && (entry = readdir(dir))) {
        FD_SCOPE(fd);
        const char *path = str_printf(&scratch, "%s/%s", dir_path, entry->d_name).ptr;

        if (entry->d_name[0] != '.' && lock_top(path, &fd) && take_back_key(store, keys, path))
            (void)!os_remove_tree(path, &ignored);
    }
}

/* ---- making one ---- */

/* A directory in `new`, locked. The store is held: nobody sweeps before it is. */
static bool make_top(FeedStore *store, Keystore *keys, Arena *arena, StorePlace *out, Err *err)
{
    const char *dir = str_printf(arena, "%s/new", store->dir).ptr;
    unsigned char random[8];
    BUF_SCOPE(name);

    if (!os_make_dirs(dir, 0700, err))
        return false;
    sweep(store, keys, dir);
    secret_random(random, sizeof random);
    buf_put_hex(&name, random, sizeof random);
    const char *top = str_printf(arena, "%s/%.*s", dir, STR_ARG(buf_str(&name))).ptr;
    if (os_mkdir(top, 0700) < 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", top);
    *out = (StorePlace){.path = str_printf(arena, "%s/feed", top).ptr, .top = top, .fd = -1};
    if (lock_top(top, &out->fd))
        return true;
    (void)err_sys(err, ERR_IO, "cannot lock '%s'", top);
    store_place_end(out);
    return false;
}

bool store_place_begin(FeedStore *store, Keystore *keys, Arena *arena, StorePlace *out, Err *err)
{
    FD_SCOPE(held);

    return os_make_dirs(store->dir, 0700, err) && hold(store, &held, err) &&
           make_top(store, keys, arena, out, err);
}

void store_place_end(StorePlace *place)
{
    Err ignored = {0};

    if (place->top)
        (void)!os_remove_tree(place->top, &ignored);
    place->top = NULL;
    os_close(&place->fd);
}

/* First it is noted, then it is there: what is noted and not there counts for nothing. */
static bool move(FeedStore *store, const StorePlace *place, const char *path, const MetaFeed *about, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *above = str_to_z(&scratch, str_dir_name(str_from_z(path)));
    Meta *meta;

    if (!os_make_dirs(above, 0700, err) || !os_sync_dir(store->dir, err) || !store_meta(store, &meta, err) ||
        !meta_put_feed(meta, about, err) || !fault_pass(FAULT_feed_noted, err))
        return false;
    if (os_rename(place->path, path) < 0)
        return err_sys(err, ERR_IO, "cannot move a new feed to '%s'", path);
    if (os_sync_dir(above, err) && fault_pass(FAULT_feed_placed, err))
        return true;
    (void)rename(path, place->path); /* and with the place it goes */
    return false;
}

bool store_place_take(FeedStore *store, StorePlace *place, const MetaFeed *about, Err *err)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(held);
    const char *path = store_path(store, &scratch, about->key);

    if (!fault_pass(FAULT_feed_made, err) || !hold(store, &held, err) ||
        !store_name_free(store, about->name, err))
        return false;
    if (store_is_there(path))
        return err_set(err, ERR_CONFLICT, "the feed is there already");
    return move(store, place, path, about, err);
}

/* The other way round, so that it is never there without being noted. */
bool store_place_remove(FeedStore *store, const unsigned char key[FEED_KEY_BYTES], Err *err)
{
    ARENA_SCOPE(scratch);
    PLACE_SCOPE(place);
    const char *path = store_path(store, &scratch, key);
    const char *above = str_to_z(&scratch, str_dir_name(str_from_z(path)));
    Err why = {0};
    Meta *meta;

    if (!store_place_begin(store, NULL, &scratch, &place, err))
        return false;
    if (os_rename(path, place.path) < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot remove '%s'", path);
    if (!os_sync_dir(above, err) || !store_meta(store, &meta, err))
        return false;
    if (!meta_remove_feed(meta, key, &why) && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    return os_remove_tree(place.path, err);
}
