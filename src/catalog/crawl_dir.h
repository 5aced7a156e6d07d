/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crawl_dir -- one thread's part of a crawl: directories compared with what is known, differences sent
 *
 * The entries of a directory are held until it is complete, so that one that did not change sends nothing;
 * of a very large one (CRAWL_HELD_MAX) what came so far is sent, and the rest as it comes.
 */
#ifndef CATALOG_CRAWL_DIR_H
#define CATALOG_CRAWL_DIR_H

#include "catalog/crawl.h"
#include "catalog/known.h"
#include "catalog/loader.h"

enum { CRAWL_HELD_MAX = 20000 };

/* What all threads share. */
typedef struct CrawlShared {
    const CrawlOptions *options;
    Loader *loader;
    Known known;
    bool anything;       /* was known at or below the root, and may be gone */
    bool through_link;   /* to the root: a crawl from further up has a link there, and nothing below it */
    int64_t option_hash; /* of what decides which entries are seen */
    Instant started;
} CrawlShared;

typedef struct CrawlThread CrawlThread;

CrawlThread *crawl_thread_new(Arena *arena, CrawlShared *shared); /* released with the arena */

/* Of the options that decide which entries a directory has. Never 0. */
int64_t crawl_options_hash(const WalkOptions *walk);

/* A piece of a directory from the walk. ERR_DB, ERR_USAGE. */
bool crawl_take(CrawlThread *thread, const WalkDir *dir, Err *err) ATTR_MUST_USE;

/* Is the directory as it was, by its own times? Then `out` has its subdirectories, in `arena`. ERR_DB. */
bool crawl_unchanged(CrawlThread *thread, const WalkDir *dir, Arena *arena, WalkKnown *out,
                     Err *err) ATTR_MUST_USE;

/* Send what is left. ERR_DB. */
bool crawl_flush(CrawlThread *thread, Err *err) ATTR_MUST_USE;

/* The numbers of directories that took more than one batch: to be sent when all batches are in. ERR_DB. */
bool crawl_has_late(const CrawlThread *thread);
bool crawl_flush_late(CrawlThread *thread, Err *err) ATTR_MUST_USE;

/* Adds what this thread saw. */
void crawl_add_totals(const CrawlThread *thread, CrawlTotals *out);

#endif
