/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crawl -- a directory tree into a shard: what is new or changed is sent, what is gone is removed
 *
 * Of every directory the catalogue keeps one number made of its entries (the table `scans`). A directory
 * whose number is the same again costs nothing but reading it; `incremental` does not even read those whose
 * own times are the same (what was changed in place in a file there is then not noticed). The access times
 * of files are not part of the number. An interrupted crawl leaves whole batches, so the next one finds the
 * directories that are done unchanged and goes on from there.
 */
#ifndef CATALOG_CRAWL_H
#define CATALOG_CRAWL_H

#include "catalog/walk.h"

typedef struct CrawlOptions {
    const char *conninfo; /* of the owner role */
    Str shard;
    WalkOptions walk;
    bool incremental;
    int writers;                                  /* connections that write; 0: 2 */
    void (*progress)(void *ctx, int64_t entries); /* may be NULL; called by the walking threads, often */
    void *progress_ctx;
} CrawlOptions;

typedef struct CrawlTotals {
    int64_t files, directories, links, others; /* seen, or known and unchanged */
    int64_t added, changed, removed;           /* paths of the catalogue */
    int64_t problems;
    int64_t records;   /* of contents, in a crawl file */
    int64_t unchanged; /* directories that cost nothing */
} CrawlTotals;

/*
 * Crawl `root` (the kernel's bytes, absolute) with the posix crawler.
 *
 * ERR_USAGE        the root does not lie in the shard's root
 * ERR_NOT_FOUND    there is no such shard, or no such directory
 * ERR_INTERRUPTED  options->walk.stop turned true; what was sent is kept
 * ERR_IO, ERR_DB   reading the root or writing to the database failed
 */
bool crawl_posix(const CrawlOptions *options, Str root, CrawlTotals *out, Err *err) ATTR_MUST_USE;

#endif
