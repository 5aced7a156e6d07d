/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch -- what changes in a directory tree, as it changes, in small batches
 *
 * By fanotify(7) where the system allows it (root; one mark for the whole file system, no matter how many
 * directories), else by inotify(7) with a watch on each directory. What is mounted below the root is not
 * watched. The caller brings its picture of the tree up to date by doing what each event says, in order;
 * it then has what a fresh walk would give, but for:
 *
 *   - access times, which are not watched;
 *   - a file with several names: a change shows under the name that was used;
 *   - writing through a shared mapping, which shows when the file is closed;
 *   - with fanotify, what is in directories whose path is longer than PATH_MAX.
 *
 *     watch_open(&arena, root, &options, &watch, err);
 *     while (watch_next(watch, SECONDS(1), &batch, err))
 *         for (size_t i = 0; i < batch.count; i++) ...
 */
#ifndef CATALOG_WATCH_H
#define CATALOG_WATCH_H

#include <stdatomic.h>

#include "base/time.h"

/* In a batch, renames come first and in their order, then what is deleted, changed, to be walked. */
typedef enum WatchKind {
    WATCH_RENAMED, /* what was at `from` and below is at `path` now, and what was at `path` is gone; where
                      nothing is known of `from`, look at `path` and walk it, after all renames */
    WATCH_DELETED, /* something at `path` is gone: as WATCH_RESCAN, but mostly nothing is there */
    WATCH_CHANGED, /* look at `path` again (walk_stat), not at what is below; it may be new. If it is gone or no
                      directory, what was below is gone as well */
    WATCH_RESCAN, /* look at `path` and walk all that is below; it may be a file, new, or gone */
} WatchKind;

typedef struct WatchEvent {
    WatchKind kind;
    bool directory; /* of WATCH_RENAMED: it is one */
    Str path, from; /* absolute, below the root as it was given; the kernel's bytes */
} WatchEvent;

/* Valid until the next watch_next(). */
typedef struct WatchBatch {
    const WatchEvent *events;
    size_t count;
} WatchBatch;

typedef enum WatchMethod { WATCH_ANY, WATCH_FANOTIFY, WATCH_INOTIFY } WatchMethod;

/* More paths than this in one batch become one WATCH_RESCAN of the root. */
enum { WATCH_PATHS_MAX = 100000 };

typedef struct WatchOptions {
    WatchMethod method;
    Duration settle;    /* a batch is closed so long after its first event; 0: 100 ms */
    const Str *exclude; /* as in WalkOptions: nothing of these, nor of what is below them */
    size_t exclude_count;
    const atomic_bool *stop; /* may be NULL; watch_next() looks at it ten times a second */
} WatchOptions;

typedef struct Watch Watch;

/*
 * Watch the directory `root`: what happens after this returns is told. Closed with the arena.
 *
 * ERR_USAGE      the root is not an absolute path, or not a directory
 * ERR_NOT_FOUND  there is no such path
 * ERR_LIMIT      the system has too few inotify watches; the hint says which setting
 * ERR_DENIED     WATCH_FANOTIFY was asked for and is not allowed, or not possible on this file system
 * ERR_IO         something else the system refused
 */
bool watch_open(Arena *arena, Str root, const WatchOptions *options, Watch **out, Err *err) ATTR_MUST_USE;

/*
 * The next batch, or an empty one when `wait` passes without a change.
 *
 * ERR_LIMIT        a new directory cannot be watched
 * ERR_NOT_FOUND    the root itself is gone, or another directory in its place
 * ERR_INTERRUPTED  options->stop
 * ERR_IO
 */
bool watch_next(Watch *watch, Duration wait, WatchBatch *out, Err *err) ATTR_MUST_USE;

WatchMethod watch_method(const Watch *watch);

#endif
