/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "base/os.h"
#include "catalog/pathname.h"
#include "catalog/walk_dir.h"

enum { LOOK = STATX_BASIC_STATS | STATX_BTIME, QUICK = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT };

static Str cached_name(WalkName *cache, PosixNames *names, uint32_t id, Str (*ask)(PosixNames *, uint32_t))
{
    WalkName *slot = &cache[id % WALK_NAMES];

    if (!slot->known || slot->id != id)
        *slot = (WalkName){id, true, ask(names, id)};
    return slot->name;
}

static void add_names(WalkWorker *worker, PosixFacts *facts)
{
    facts->user = cached_name(worker->users, worker->walk->names, facts->uid, posix_user_name);
    facts->group = cached_name(worker->groups, worker->walk->names, facts->gid, posix_group_name);
    facts->has |= POSIX_HAS_USER | POSIX_HAS_GROUP;
}

static void add_target(WalkWorker *worker, int dir, const char *name, PosixFacts *facts)
{
    char target[PATH_MAX]; /* no file system keeps a longer one */
    struct statx st;
    ssize_t len = os_readlink_at(dir, name, target, sizeof target);

    if (len < 0) {
        if (!walk_vanished(errno))
            walk_problem(worker, "read link", errno);
        return;
    }
    Str raw = str_copy(&worker->piece, (Str){target, (size_t)len});
    facts->target = pathname_escape(&worker->piece, raw);
    facts->intact = os_statx(dir, name, QUICK, 0, &st) == 0;
    facts->has |= POSIX_HAS_TARGET | POSIX_HAS_INTACT;
}

enum { XATTRS_MAX = 64 * 1024 }; /* the kernel's own limit, of the list and of one value */

/* `at` reaches the entry through /proc, so that nothing needs to be opened. */
static bool put_xattrs(const char *at, Buf *out)
{
    BUF_SCOPE(list);
    BUF_SCOPE(value);
    ssize_t len = llistxattr(at, buf_reserve(&list, XATTRS_MAX), XATTRS_MAX);

    if (len < 0)
        return false;
    buf_put_byte(out, '{');
    for (const char *name = list.ptr; name < list.ptr + len; name += strlen(name) + 1) {
        ssize_t value_len = lgetxattr(at, name, buf_reserve(&value, XATTRS_MAX), XATTRS_MAX);

        if (value_len < 0)
            continue; /* not for us to read, or gone since it was listed */
        if (out->ptr[out->len - 1] != '{')
            buf_put_byte(out, ',');
        posix_put_xattr(out, str_from_z(name), (Str){value.ptr, (size_t)value_len});
    }
    buf_put_byte(out, '}');
    return true;
}

static void add_xattrs(WalkWorker *worker, int dir, const char *name, PosixFacts *facts)
{
    char at[64 + NAME_MAX];
    BUF_SCOPE(json);

    (void)snprintf(at, sizeof at, "/proc/self/fd/%d/%s", dir, name);
    if (!put_xattrs(at, &json)) {
        if (errno != EOPNOTSUPP && !walk_vanished(errno))
            walk_problem(worker, "list extended attributes", errno);
        return;
    }
    if (json.len == strlen("{}"))
        return;
    facts->xattrs = str_copy(&worker->piece, buf_str(&json));
    facts->has |= POSIX_HAS_XATTRS;
}

bool walk_entry_look(WalkWorker *worker, int dir, const char *name, WalkEntry *out)
{
    struct statx st;

    if (os_statx(dir, name, AT_SYMLINK_NOFOLLOW | QUICK | (*name ? 0 : AT_EMPTY_PATH), LOOK, &st) < 0)
        return false;
    posix_from_statx(&st, &out->facts);
    if (out->facts.type == POSIX_LINK) {
        PosixFacts link = out->facts;

        add_target(worker, dir, name, &link);
        if (worker->walk->options.follow_links && link.intact && os_statx(dir, name, QUICK, LOOK, &st) == 0) {
            posix_from_statx(&st, &out->facts);
            out->facts.target = link.target;
            out->facts.has |= POSIX_HAS_TARGET;
        } else {
            out->facts = link;
        }
    }
    add_names(worker, &out->facts);
    if (worker->walk->options.xattrs)
        add_xattrs(worker, dir, name, &out->facts);
    out->name = str_from_z(name);
    out->text = pathname_escape(&worker->piece, out->name);
    return true;
}

/* The directory in which `path` is an entry. */
static int open_parent(Arena *arena, Str root, Str path)
{
    Str parent = pathname_parent(path);
    FD_SCOPE(top);

    if (parent.len == 0)
        parent = STR("/");
    if (parent.len <= root.len) /* the root's own links are the caller's */
        return walk_open(AT_FDCWD, str_to_z(arena, parent), parent.len, O_PATH | O_DIRECTORY, true);
    top = walk_open(AT_FDCWD, str_to_z(arena, root), root.len, O_PATH | O_DIRECTORY, true);
    Str below = str_sub(parent, root.len > 1 ? root.len + 1 : 1, parent.len);
    return top < 0 ? -1 : walk_open(top, str_to_z(arena, below), below.len, O_PATH | O_DIRECTORY, false);
}

bool walk_stat(Arena *arena, PosixNames *names, Str root, Str path, PosixFacts *out, Err *err)
{
    const WalkSink sink = {0};
    Walk walk = {.sink = &sink, .names = names};
    WalkWorker worker = {.walk = &walk};
    WalkEntry entry;
    FD_SCOPE(dir);

    if (!pathname_is_normal(path))
        return err_set(err, ERR_USAGE, "'%.*s' is not a normal path", STR_ARG(path));
    dir = open_parent(&worker.piece, root, path);
    bool ok = dir >= 0 && walk_entry_look(&worker, dir, str_to_z(&worker.piece, pathname_name(path)), &entry);
    if (ok) {
        *out = entry.facts;
        out->target = str_copy(arena, out->target);
        out->xattrs = str_copy(arena, out->xattrs);
    }
    /* ELOOP: a link is in a directory's place. */
    int error = dir < 0 && errno == ELOOP ? ENOENT : errno;
    arena_free(&worker.piece);
    errno = error;
    return ok || err_sys(err, walk_vanished(errno) ? ERR_NOT_FOUND : ERR_IO, "cannot look at '%.*s'",
                         STR_ARG(path));
}

bool walk_open_file(int root, Str below, int *out, Err *err)
{
    ARENA_SCOPE(scratch);
    char *path = str_to_z(&scratch, below);
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    struct statx st;
    FD_SCOPE(seen);
    FD_SCOPE(fd);

    /* A device may act when it is opened, so the kind is asked first, and again of what was opened. */
    seen = walk_open(root, path, below.len, O_PATH, false);
    if (seen < 0 || os_statx(seen, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
        return err_sys(err, walk_vanished(errno) ? ERR_NOT_FOUND : ERR_IO, "cannot look at the file");
    if (!S_ISREG(st.stx_mode))
        return err_set(err, ERR_NOT_FOUND, "not a regular file");
    fd = walk_open(root, path, below.len, flags | O_NOATIME, false);
    if (fd < 0 && errno == EPERM)
        fd = walk_open(root, path, below.len, flags, false);
    if (fd < 0 || os_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
        return err_sys(err, walk_vanished(errno) ? ERR_NOT_FOUND : ERR_IO, "cannot open the file");
    if (!S_ISREG(st.stx_mode))
        return err_set(err, ERR_NOT_FOUND, "not a regular file");
    *out = fd;
    fd = -1;
    return true;
}
