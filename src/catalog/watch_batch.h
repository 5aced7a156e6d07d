/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_batch -- what happened to paths, brought down to what has to be done about it
 *
 * Pure: no file is looked at. Renames are kept in order; all else is a set of paths as they are called after
 * the last rename.
 *
 * A name may be wrong: sources say what a path was called when it changed, or is called when the event is read,
 * and take one directory for another where names are given away quickly. And what is known of a path may be
 * ahead of the events: the batch before was looked at when some of these had happened. So the end of a rename
 * is only taken for what the beginning was while nothing else was told of either in this batch and the last;
 * else it is walked. The beginning is always looked at again.
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
    Map entries;   /* path -> WatchEntry */
    size_t marked; /* of these have something to be done */
    WatchEvent *renames;
    size_t rename_count, rename_size;
    bool overflown; /* only the root is to be walked */
    bool all_seen;  /* all was looked at since the batch before */
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

/* Begin anew with nothing pending; what `before` asked for was looked at meanwhile. */
void watch_pending_reset(WatchPending *pending, const WatchPending *before);
void watch_pending_release(WatchPending *pending);

/* The events, in the pending batch's arena. */
WatchBatch watch_pending_batch(WatchPending *pending);

#endif
