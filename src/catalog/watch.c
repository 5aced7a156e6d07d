/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/os.h"
#include "catalog/pathname.h"
#include "catalog/watch_source.h"

typedef struct Watch {
    WatchOptions options;
    WatchMethod method;
    Str root;
    dev_t dev; /* of the root, which is that directory and not another of its name */
    ino_t inode;
    WalkMatch exclude;
    WatchSource source;
    WatchPending pending[2]; /* that of the last batch, and the next */
    int current;
} Watch;

static void release(void *what)
{
    Watch *watch = what;

    watch_pending_release(&watch->pending[0]);
    watch_pending_release(&watch->pending[1]);
}

static bool open_source(Watch *watch, Arena *arena, Err *err)
{
    const WatchOptions *options = &watch->options;

    if (options->method != WATCH_INOTIFY) {
        watch->method = WATCH_FANOTIFY;
        if (watch_fanotify_open(arena, watch->root, &watch->source, err))
            return true;
        if (options->method == WATCH_FANOTIFY || err->code != ERR_DENIED)
            return false;
    }
    watch->method = WATCH_INOTIFY;
    return watch_inotify_open(arena, watch->root, options->exclude, options->exclude_count, &watch->source,
                              err);
}

static bool stat_root(const Watch *watch, struct stat *out)
{
    ARENA_SCOPE(scratch);

    return stat(str_to_z(&scratch, watch->root), out) == 0 && S_ISDIR(out->st_mode);
}

static bool note_root(Watch *watch, Err *err)
{
    struct stat st;

    if (!stat_root(watch, &st))
        return err_set(err, ERR_NOT_FOUND, "cannot watch '%.*s': it is gone", STR_ARG(watch->root));
    watch->dev = st.st_dev;
    watch->inode = st.st_ino;
    return true;
}

bool watch_open(Arena *arena, Str root, const WatchOptions *options, Watch **out, Err *err)
{
    Watch *watch = arena_new(arena, Watch, 1);
    Str normal;

    if (!pathname_normalise(arena, root, &normal, err))
        return false;
    watch->options = *options;
    if (watch->options.settle == 0)
        watch->options.settle = MILLISECONDS(100);
    watch->root = str_copy(arena, normal);
    watch->exclude = walk_match_new(arena, options->exclude, options->exclude_count);
    for (int i = 0; i < 2; i++)
        watch->pending[i] = (WatchPending){.root = watch->root, .exclude = &watch->exclude};
    arena_defer(arena, release, watch);
    if (!open_source(watch, arena, err) || !note_root(watch, err))
        return false;
    *out = watch;
    return true;
}

WatchMethod watch_method(const Watch *watch)
{
    return watch->method;
}

static bool is_stopped(const Watch *watch)
{
    return watch->options.stop && atomic_load(watch->options.stop);
}

/* Waits for something to read, until `until`, or a tenth of a second where there is a flag to look at. */
static bool wait_for_more(const Watch *watch, Duration until, Err *err)
{
    enum { LOOK_MS = 100 };
    Duration left = until - time_monotonic();
    int wait_ms = left <= 0 ? 0 : left > SECONDS(3600) ? 3600 * 1000 : (int)((left + 999) / 1000);
    struct pollfd polled = {.fd = watch->source.fd, .events = POLLIN};

    if (watch->options.stop && wait_ms > LOOK_MS)
        wait_ms = LOOK_MS;
    if (poll(&polled, 1, wait_ms) < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for changes below '%.*s'", STR_ARG(watch->root));
    return true;
}

/* The root itself is moved, deleted or unmounted without a word from what is watched below it. */
static bool check_root(const Watch *watch, Err *err)
{
    struct stat st;

    if (!stat_root(watch, &st))
        return err_set(err, ERR_NOT_FOUND, "the directory '%.*s' that is watched is gone",
                       STR_ARG(watch->root));
    if (st.st_dev == watch->dev && st.st_ino == watch->inode)
        return true;
    (void)err_set(err, ERR_NOT_FOUND, "'%.*s' is not the directory any more that is watched",
                  STR_ARG(watch->root));
    return err_hint(
        err, "it was moved or unmounted; the shard is as it was before. Start again to watch what is there");
}

static bool collect(Watch *watch, WatchPending *pending, Duration wait, Err *err)
{
    Duration now = time_monotonic(), until = now + wait;
    bool began = false;

    do {
        if (is_stopped(watch))
            return err_set(err, ERR_INTERRUPTED, "the watch of '%.*s' was stopped", STR_ARG(watch->root));
        if (!wait_for_more(watch, until, err) || !watch->source.take(watch->source.self, pending, err))
            return false;
        now = time_monotonic();
        if (!began && !watch_pending_is_empty(pending)) {
            began = true;
            until = now + watch->options.settle;
        }
    } while (now < until);
    return true;
}

bool watch_next(Watch *watch, Duration wait, WatchBatch *out, Err *err)
{
    WatchPending *before = &watch->pending[watch->current], *pending = &watch->pending[!watch->current];

    watch_pending_reset(pending, before);
    if (!check_root(watch, err) || !collect(watch, pending, wait, err))
        return false;
    if (watch->source.finish && !watch->source.finish(watch->source.self, pending, err))
        return false;
    *out = watch_pending_batch(pending);
    watch->current = !watch->current;
    return true;
}
