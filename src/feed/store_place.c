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

/* What dead processes left: nobody holds it. What cannot be removed now is for the next one. */
static void sweep(const char *dir_path)
{
    ATTR_CLEANUP(close_dir) DIR *dir = opendir(dir_path);
    ARENA_SCOPE(scratch);
    const struct dirent *entry;
    Err ignored = {0};

    while (dir && (entry = readdir(dir))) {
        FD_SCOPE(fd);
        const char *path = str_printf(&scratch, "%s/%s", dir_path, entry->d_name).ptr;

        if (entry->d_name[0] != '.' && lock_top(path, &fd))
            (void)!os_remove_tree(path, &ignored);
    }
}

/* A directory in `new`, locked. The store is held: nobody sweeps before it is. */
static bool make_top(FeedStore *store, Arena *arena, StorePlace *out, Err *err)
{
    const char *dir = str_printf(arena, "%s/new", store->dir).ptr;
    unsigned char random[8];
    BUF_SCOPE(name);

    if (!os_make_dirs(dir, 0700, err))
        return false;
    sweep(dir);
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

bool store_place_begin(FeedStore *store, Arena *arena, StorePlace *out, Err *err)
{
    FD_SCOPE(held);

    return os_make_dirs(store->dir, 0700, err) && hold(store, &held, err) && make_top(store, arena, out, err);
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

    if (!store_place_begin(store, &scratch, &place, err))
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
