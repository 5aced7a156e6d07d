/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watch on every directory; the kernel tells its number and a name. What the numbers are called is kept
 * here, as of the event that is being read: it may be called otherwise already. So a directory that comes
 * or moves is walked for directories that have no watch, or another name, and where one had none, what is in
 * it has to be looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/os.h"
#include "catalog/pathname.h"
#include "catalog/walk.h"
#include "catalog/watch_source.h"

enum {
    MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE |
           IN_ONLYDIR | IN_EXCL_UNLINK,
};

typedef struct Directory {
    int number; /* the kernel's */
    Str path;   /* malloc'ed */
} Directory;

typedef struct Inotify {
    int fd;
    Str root;
    const Str *exclude;
    size_t exclude_count;
    pthread_mutex_t mutex; /* for what follows, while a walk adds */
    void *directories;     /* tsearch(3), by number */
    WatchPending *pending; /* told by a walk; NULL: nobody is told */
    size_t added;          /* that had no watch before, or another path */
    bool closed;           /* some directory could not be opened: it may become readable */
    uint32_t cookie;       /* of a name that was moved away and has not come anywhere yet; 0: none */
    bool moved_directory;
    Buf moved;
} Inotify;

static int by_number(const void *a, const void *b)
{
    const Directory *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static void free_directory(void *what)
{
    Directory *directory = what;

    free((void *)(uintptr_t)directory->path.ptr);
    free(directory);
}

static void release(void *what)
{
    Inotify *in = what;

    tdestroy(in->directories, free_directory);
    os_close(&in->fd);
    buf_release(&in->moved);
    (void)pthread_mutex_destroy(&in->mutex);
}

static void *must(void *memory)
{
    if (!memory) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

static Directory *find(const Inotify *in, int number)
{
    Directory **found = tfind(&(Directory){.number = number}, &in->directories, by_number);

    return found ? *found : NULL;
}

static void set_path(Directory *directory, Str path)
{
    char *copy = must(malloc(path.len + 1));

    memcpy(copy, path.ptr, path.len);
    copy[path.len] = '\0';
    free((void *)(uintptr_t)directory->path.ptr);
    directory->path = (Str){copy, path.len};
}

static void keep(Inotify *in, int number, Str path)
{
    LOCK_SCOPE(held, &in->mutex);
    Directory *directory = find(in, number);

    if (!directory) {
        directory = must(calloc(1, sizeof *directory));
        directory->number = number;
        (void)must(tsearch(directory, &in->directories, by_number));
        in->added++;
    } else if (str_eq(directory->path, path)) {
        return;
    } else {
        /* What it told in between was told with the wrong path, and may have been taken for another's there. */
        if (in->pending)
            watch_pending_rescan(in->pending, directory->path);
        in->added++;
    }
    set_path(directory, path);
}

/* A watch is gone with its directory. If there is one of that path, the path may have been wrong, see keep(). */
static void forget(Inotify *in, int number, WatchPending *pending)
{
    Directory *directory = find(in, number);

    if (!directory)
        return;
    watch_pending_rescan(pending, directory->path);
    (void)tdelete(directory, &in->directories, by_number);
    free_directory(directory);
}

static bool cannot_add(int error, Str path, Err *err)
{
    errno = error;
    if (error != ENOSPC)
        return err_sys(err, ERR_IO, "cannot watch '%.*s'", STR_ARG(path));
    (void)err_set(err, ERR_LIMIT, "cannot watch '%.*s': the system allows no more inotify watches",
                  STR_ARG(path));
    return err_hint(err,
                    "raise it: sysctl fs.inotify.max_user_watches=1000000; or watch as root, by fanotify");
}

/* Called by a walk before it reads a directory, so that nothing falls between reading and watching. */
static bool add_watch(void *ctx, const WalkDir *dir, Arena *arena, WalkKnown *out, Err *err)
{
    Inotify *in = ctx;
    char link[40];

    (void)arena;
    (void)out;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", dir->fd);
    int number = inotify_add_watch(in->fd, link, MASK);
    if (number >= 0)
        keep(in, number, dir->path);
    else if (errno != ENOENT && errno != EACCES)
        return cannot_add(errno, dir->path, err);
    return true;
}

static void note_closed(void *ctx, Str path, const char *what, int error)
{
    Inotify *in = ctx;

    (void)path;
    (void)what;
    (void)error;
    LOCK_SCOPE(held, &in->mutex);
    in->closed = true;
}

static bool pass_over(void *ctx, const WalkDir *dir, Err *err)
{
    (void)ctx;
    (void)dir;
    (void)err;
    return true;
}

/* Watch all directories at `path` and below that are there; the pattern keeps files from being looked at. */
static bool add_tree(Inotify *in, Str path, int threads, Err *err)
{
    static const Str nothing[] = {{"/", 1}};
    WalkSink sink = {.ctx = in, .dir = pass_over, .unchanged = add_watch, .problem = note_closed};
    const WalkOptions options = {.include = nothing,
                                 .include_count = 1,
                                 .exclude = in->exclude,
                                 .exclude_count = in->exclude_count,
                                 .start = path,
                                 .threads = threads};
    WalkTotals totals;

    in->added = 0;
    return walk_run(in->root, &options, &sink, &totals, err);
}

/* A directory that came or moved. It may be gone again: its own events tell. */
static bool add_new(Inotify *in, Str path, WatchPending *pending, Err *err)
{
    in->pending = pending;
    bool ok = add_tree(in, path, 1, err);
    in->pending = NULL;
    if (!ok)
        return false;
    if (in->added)
        watch_pending_rescan(pending, path);
    return true;
}

typedef struct Rename {
    Inotify *in;
    Str from, path; /* path.ptr NULL: forget what is there */
} Rename;

static void rename_one(const void *node, VISIT visit, void *closure)
{
    Directory *directory = *(Directory *const *)node;
    const Rename *rename = closure;

    if ((visit != postorder && visit != leaf) || !pathname_is_within(directory->path, rename->from))
        return;
    if (!rename->path.ptr) {
        (void)inotify_rm_watch(rename->in->fd, directory->number); /* IN_IGNORED comes and forgets it */
        return;
    }
    ARENA_SCOPE(scratch);
    Str rest = str_sub(directory->path, rename->from.len, directory->path.len);
    set_path(directory, str_printf(&scratch, "%.*s%.*s", STR_ARG(rename->path), STR_ARG(rest)));
}

static bool moved(Inotify *in, Str from, Str path, bool directory, WatchPending *pending, Err *err)
{
    watch_pending_moved(pending, from, path, directory);
    if (!directory)
        return true;
    twalk_r(in->directories, rename_one, &(Rename){in, from, path});
    /* When two exchange their names, what is called `from` now was called `path`, and was renamed as well. */
    return add_new(in, path, pending, err) && add_new(in, from, pending, err);
}

/*
 * What was moved away came to nowhere that is watched. It may have been exchanged for what is there now, which then
 * was told before.
 */
static bool moved_out(Inotify *in, WatchPending *pending, Err *err)
{
    if (!in->cookie)
        return true;
    in->cookie = 0;
    watch_pending_gone(pending, buf_str(&in->moved));
    if (!in->moved_directory)
        return true;
    twalk_r(in->directories, rename_one, &(Rename){.in = in, .from = buf_str(&in->moved)});
    return add_new(in, buf_str(&in->moved), pending, err);
}

static bool finish(void *self, WatchPending *pending, Err *err)
{
    return moved_out(self, pending, err);
}

static bool take_entry(Inotify *in, const struct inotify_event *event, Str path, WatchPending *pending,
                       Err *err)
{
    bool directory = event->mask & IN_ISDIR;

    if ((event->mask & IN_MOVED_TO) && in->cookie && in->cookie == event->cookie) {
        in->cookie = 0;
        return moved(in, buf_str(&in->moved), path, directory, pending, err);
    }
    if (!moved_out(in, pending, err))
        return false;
    if (event->mask & IN_MOVED_FROM) {
        in->cookie = event->cookie;
        in->moved_directory = directory;
        buf_reset(&in->moved);
        buf_put(&in->moved, path);
    } else if (event->mask & (IN_CREATE | IN_MOVED_TO)) {
        watch_pending_made(pending, path, directory);
        return !directory || add_new(in, path, pending, err);
    } else if (event->mask & IN_DELETE) {
        watch_pending_gone(pending, path);
    } else {
        watch_pending_changed(pending, path);
        /* Of a directory that can be read now nothing was told. */
        return !(in->closed && directory && (event->mask & IN_ATTRIB)) || add_new(in, path, pending, err);
    }
    return true;
}

static bool take_event(Inotify *in, const struct inotify_event *event, WatchPending *pending, Err *err)
{
    ARENA_SCOPE(scratch);

    if (event->mask & IN_Q_OVERFLOW) {
        in->cookie = 0;
        watch_pending_overflow(pending);
        return add_tree(in, in->root, 0, err);
    }
    if (event->mask & IN_IGNORED) {
        forget(in, event->wd, pending);
        return true;
    }
    const Directory *directory = find(in, event->wd);
    if (!directory)
        return true;
    Str path = event->len ? pathname_join(&scratch, directory->path, str_from_z(event->name))
                          : str_copy(&scratch, directory->path);
    return take_entry(in, event, path, pending, err);
}

static bool take(void *self, WatchPending *pending, Err *err)
{
    enum { ROOM = 64 * 1024 };
    Inotify *in = self;
    _Alignas(struct inotify_event) char room[ROOM];

    for (;;) {
        ssize_t len = os_read(in->fd, room, sizeof room);

        if (len < 0)
            return errno == EAGAIN || err_sys(err, ERR_IO, "cannot read changes from inotify");
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(room + at);

            at += (ssize_t)(sizeof *event + event->len);
            if (!take_event(in, event, pending, err))
                return false;
        }
    }
}

bool watch_inotify_open(Arena *arena, Str root, const Str *exclude, size_t exclude_count, WatchSource *out,
                        Err *err)
{
    Inotify *in = arena_new(arena, Inotify, 1);

    *in = (Inotify){.root = root, .exclude = exclude, .exclude_count = exclude_count};
    (void)pthread_mutex_init(&in->mutex, NULL);
    in->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    arena_defer(arena, release, in);
    if (in->fd < 0) {
        (void)err_sys(err, errno == EMFILE ? ERR_LIMIT : ERR_IO, "cannot start inotify");
        return err_hint(err, "sysctl fs.inotify.max_user_instances says how many may be open");
    }
    if (!add_tree(in, root, 0, err))
        return false;
    *out = (WatchSource){.fd = in->fd, .self = in, .take = take, .finish = finish};
    return true;
}
