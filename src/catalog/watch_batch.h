/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_batch -- what happened to paths, brought down to what has to be done about it
 *
 * Pure: no file is looked at. Renames are kept in order; all else is a set of paths as they are called after
 * the last rename. Sources may name a path as it was when it changed (inotify) or as it is called when the
 * event is read (fanotify): where that makes it unclear what is below a renamed directory, the directory is
 * to be walked.
 */
#ifndef CATALOG_WATCH_BATCH_H
#define CATALOG_WATCH_BATCH_H

#include "base/map.h"
#include "catalog/walk_match.h"
#include "catalog/watch.h"

typedef struct WatchPending {
    Arena arena;
    Str root;
    const WalkMatch *exclude;
    Map entries; /* path -> WatchEntry */
    WatchEvent *renames;
    size_t rename_count, rename_size;
    bool overflown;                    /* only the root is to be walked */
    const struct WatchPending *before; /* the batch before, which was looked into meanwhile; may be NULL */
} WatchPending;

/*
 * What happened: paths are below the root, or the root itself; others, and what is excluded, are passed over.
 * Where an entry of a directory comes or goes, the directory changed as well.
 */
void watch_pending_made(WatchPending *pending, Str path, bool directory);
void watch_pending_changed(WatchPending *pending, Str path);
void watch_pending_gone(WatchPending *pending, Str path);
void watch_pending_moved(WatchPending *pending, Str from, Str path, bool directory);

/* All at `path` and below has to be walked. */
void watch_pending_rescan(WatchPending *pending, Str path);

/* Too much happened to know what. */
void watch_pending_overflow(WatchPending *pending);

bool watch_pending_is_empty(const WatchPending *pending);

/* Begin anew with nothing pending. */
void watch_pending_reset(WatchPending *pending);
void watch_pending_release(WatchPending *pending);

/* The events, in the pending batch's arena. */
WatchBatch watch_pending_batch(WatchPending *pending);

#endif
