/* SPDX-License-Identifier: Apache-2.0 */
/* watch_source -- the two ways in which the kernel tells of changes, behind one face */
#ifndef CATALOG_WATCH_SOURCE_H
#define CATALOG_WATCH_SOURCE_H

#include "catalog/watch_batch.h"

typedef struct WatchSource {
    int fd; /* readable when something happened */
    void *self;

    /* Take what the kernel holds, without waiting. ERR_LIMIT, ERR_IO. */
    bool (*take)(void *self, WatchPending *pending, Err *err);

    /* A batch is about to be closed: what half of an event was kept of must be said now. May be NULL. As take(). */
    bool (*finish)(void *self, WatchPending *pending, Err *err);
} WatchSource;

/* Both are released with the arena. ERR_NOT_FOUND, ERR_USAGE, ERR_LIMIT, ERR_DENIED, ERR_IO: see watch_open(). */
bool watch_fanotify_open(Arena *arena, Str root, WatchSource *out, Err *err) ATTR_MUST_USE;
/* As watch_fanotify_open(), with the patterns of directories that need no watch. ERR_LIMIT, ERR_IO. */
bool watch_inotify_open(Arena *arena, Str root, const Str *exclude, size_t exclude_count, WatchSource *out,
                        Err *err) ATTR_MUST_USE;

#endif
