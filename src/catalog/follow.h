/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow -- a shard kept as a directory tree is, by what catalog/watch.h tells of it
 *
 * Each batch of a watch is brought into the shard: renames move what is known, with all records, but in the first
 * batch after a crawl, which may have seen them; the rest is looked at and merged. Whether links lead somewhere is kept true as well, as far as their targets are in
 * the tree. What a crawl noted of a directory's entries is forgotten where one changed, so the next crawl
 * compares it. A batch is done when it is committed: the database may go away and come back meanwhile, then
 * the batch is done once more. One connection stays open for writing.
 *
 *     watch_open(&arena, root, &watch_options, &watch, err)     first, so that nothing before is missed
 *     follow_open(&arena, &options, &follow, err) && follow_crawl(follow, &totals, err)
 *     while (watch_next(watch, SECONDS(1), &batch, err) && follow_batch(follow, &batch, &done, err)) ...
 */
#ifndef CATALOG_FOLLOW_H
#define CATALOG_FOLLOW_H

#include "catalog/crawl.h"
#include "catalog/watch.h"

typedef struct FollowOptions {
    const char *conninfo; /* of the owner role */
    Str shard;
    Str root;                     /* as given to watch_open() */
    const Str *include, *exclude; /* as in WalkOptions; the latter as given to watch_open() as well */
    size_t include_count, exclude_count;
    const atomic_bool *stop; /* may be NULL */
    /* The database is away, and it is tried again until it is back or `stop`. May be NULL. */
    void (*trouble)(void *ctx, const Err *err);
    void (*progress)(void *ctx, int64_t entries); /* of crawls; as CrawlOptions' */
    void *ctx;
} FollowOptions;

typedef struct FollowTotals {
    int64_t renamed, deleted, looked, walked; /* events; looked: links whose target came or went among them */
    int64_t added, changed, removed;          /* paths of the catalogue */
    int64_t problems;                         /* paths that could not be looked at */
    Duration took;
} FollowTotals;

typedef struct Follow Follow;

/*
 * Connect. Released with the arena.
 *
 * ERR_USAGE      the root is not an absolute path, or does not lie in the shard's root
 * ERR_NOT_FOUND  there is no such shard
 * ERR_DB         the server cannot be reached
 */
bool follow_open(Arena *arena, const FollowOptions *options, Follow **out, Err *err) ATTR_MUST_USE;

/*
 * Crawl the whole root, after watch_open() and before the first batch. Waits for a database that is away.
 *
 * ERR_INTERRUPTED  options->stop; others as crawl_posix()
 */
bool follow_crawl(Follow *follow, CrawlTotals *out, Err *err) ATTR_MUST_USE;

/*
 * Bring a batch into the shard; an empty one is noted as quiet. Waits for a database that is away.
 *
 * ERR_INTERRUPTED  options->stop
 * ERR_NOT_FOUND    the shard is gone
 */
bool follow_batch(Follow *follow, const WatchBatch *batch, FollowTotals *out, Err *err) ATTR_MUST_USE;

#endif
