/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the head of a feed was when the feed was made or confirmed. A directory that cp, tar or rsync brought back has a head that is
 * another file, even where tar or rsync put it over the one that is newer: such a copy may be older than what others have of the feed.
 * Where the newer file was written over in place, as cp does, it is the same file still, and nothing tells: then peers do (peers.h).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include "base/os.h"
#include "feed/store_inside.h"

enum { ORIGIN_MAX = 100 };

static const char *origin_of(Arena *arena, const char *path)
{
    return str_printf(arena, "%s/origin", path).ptr;
}

/* A file has no lasting number where a program is the file system (FUSE): nothing can be told there. */
static bool numbers_last(const char *path)
{
    struct statfs fs;

    return statfs(path, &fs) < 0 || fs.f_type != FUSE_SUPER_MAGIC;
}

/* *out: empty where there is no head. */
static bool look(const char *path, Arena *arena, Str *out, Err *err)
{
    const char *head = str_printf(arena, "%s/head", path).ptr;
    struct statx is;

    *out = (Str){0};
    if (!store_is_there(head))
        return true;
    if (os_statx(AT_FDCWD, head, 0, STATX_INO | STATX_BTIME, &is) < 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", head);
    bool lasts = numbers_last(path), born = lasts && (is.stx_mask & STATX_BTIME);
    *out = str_printf(arena, "inode %llu born %lld.%09u\n", lasts ? (unsigned long long)is.stx_ino : 0,
                      born ? (long long)is.stx_btime.tv_sec : 0, born ? (unsigned)is.stx_btime.tv_nsec : 0);
    return true;
}

bool store_has_origin(const char *path)
{
    ARENA_SCOPE(scratch);

    return store_is_there(origin_of(&scratch, path));
}

bool store_note_origin(const char *path, Err *err)
{
    ARENA_SCOPE(scratch);
    Str is;

    return look(path, &scratch, &is, err) &&
           (is.len == 0 || os_write_file(origin_of(&scratch, path), is, 0600, err));
}

bool store_is_copied(const char *path, bool *out, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(was);
    Err why = {0};
    Str is;

    *out = false;
    if (!os_read_file(origin_of(&scratch, path), ORIGIN_MAX, &was, &why)) {
        *err = why;
        return why.code == ERR_NOT_FOUND;
    }
    if (!look(path, &scratch, &is, err))
        return false;
    *out = is.len > 0 && !str_eq(buf_str(&was), is);
    return true;
}
