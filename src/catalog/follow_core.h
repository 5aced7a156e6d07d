/* SPDX-License-Identifier: Apache-2.0 */
/* follow_core -- what follow.c and follow_look.c share: a followed tree and the batch in hand; nobody else includes this */
#ifndef CATALOG_FOLLOW_CORE_H
#define CATALOG_FOLLOW_CORE_H

#include "catalog/crawl_dir.h"
#include "catalog/follow.h"
#include "catalog/follow_links.h"
#include "catalog/problem.h"
#include "catalog/walk_match.h"

/* What was done of the batch's renames: to do them twice may do harm. */
typedef enum Renames { RENAMES_TO_DO, RENAMES_DONE, RENAMES_UNSURE } Renames;

struct Follow {
    FollowOptions options;
    Arena arena; /* of what lasts as long as the connections */
    Arena batch; /* of the batch in hand */
    PosixNames *names;
    Str root; /* text */

    /* connections: all or none */
    bool connected;
    Db *db;
    Loader *loader;
    Batch *records;
    CrawlOptions crawl;
    CrawlShared shared;
    CrawlThread *thread; /* the only one of walks below the root */
    ProblemLog *problems;

    WalkMatch include;
    bool by_path; /* what is wanted depends on where it is, so what moved is to be walked */
    bool crawled; /* since the last batch: the next may tell what was seen already */

    /* the batch in hand */
    bool unsure; /* renames may be older than the last crawl */
    Renames renames;
    Buf unknown; /* a byte for each rename: there was nothing to move, or it is not known whether all is wanted */
    FollowLinks links;
    Buf json;
    FollowTotals *totals;
    LoaderTotals loaded; /* when it began */
};

/* The text of a path, in the arena of the batch. */
Str follow_text(Follow *follow, Str raw);

/*
 * follow_look.c: look at the paths of a batch and send what is there, what is gone, and the links that lead elsewhere
 * since. The first `renames` events are renames.
 *
 * ERR_DB, ERR_CONFLICT ...: as loader_give()
 */
bool follow_look(Follow *follow, const WatchBatch *batch, size_t renames, Err *err) ATTR_MUST_USE;

#endif
