/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crawl_file -- a crawl without a database: trees into a crawl file, to be ingested elsewhere
 *
 * Contents are looked at by the walking threads as they come by; gdal's turn is after the walk, with the
 * paths of all files in memory meanwhile (CRAWL_FILE_PATHS_MAX bytes of them at the most).
 */
#ifndef CATALOG_CRAWL_FILE_H
#define CATALOG_CRAWL_FILE_H

#include "catalog/crawl.h"

enum { CRAWL_FILE_PATHS_MAX = 1024 * 1024 * 1024 };

typedef struct CrawlFileOptions {
    WalkOptions walk;
    unsigned kinds;    /* bit 0 posix, then 1 + ContentKind */
    const char *rules; /* as of ContentOptions */
    bool stats;
    void (*progress)(void *ctx, int64_t entries);
    void *progress_ctx;
} CrawlFileOptions;

/*
 * Crawl `roots` into the file `path`, which appears when it is whole.
 *
 * ERR_NOT_FOUND, ERR_USAGE, ERR_IO  as walk_run(), crawlfile_open() and extract_open()
 * ERR_CONFIG                        libmagic's database or the rules cannot be read
 * ERR_LIMIT                         gdal: more paths than fit
 * ERR_INTERRUPTED                   there is no file
 */
bool crawl_to_file(const CrawlFileOptions *options, const Str *roots, size_t count, const char *path,
                   CrawlTotals *out, Err *err) ATTR_MUST_USE;

#endif
