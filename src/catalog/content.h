/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content -- the crawlers that open files: magic, checksum, gdal
 *
 * They go by what the posix crawler found: every file below the root that this crawler has not looked at in
 * its present size and time is opened, so an interrupted run goes on where it was and an unchanged tree
 * costs one query. A file that cannot be read is a problem; one that is gone meanwhile is not even that.
 */
#ifndef CATALOG_CONTENT_H
#define CATALOG_CONTENT_H

#include "catalog/crawl.h"

typedef enum ContentKind { CONTENT_MAGIC, CONTENT_CHECKSUM, CONTENT_GDAL, CONTENT_KIND_COUNT } ContentKind;

const char *content_kind_name(ContentKind kind); /* "magic": the md_type of its records */

typedef struct ContentOptions {
    const char *conninfo;
    Str shard;
    int threads;               /* that open files, or processes for gdal; 0: as many as cores */
    uint64_t bytes_per_second; /* that checksum reads; 0: as fast as it goes */
    const char *rules;         /* of gdal: a file of rule sets instead of the built-in ones, or NULL */
    bool stats;                /* of gdal: statistics of every band */
    const Str *include,
        *exclude; /* patterns as of the walk, matched with the path below the root or the name */
    size_t include_count, exclude_count;
    const atomic_bool *stop;
    void (*progress)(void *ctx, int64_t files);
    void *progress_ctx;
} ContentOptions;

typedef struct ContentTotals {
    int64_t looked, records, problems;
} ContentTotals;

/*
 * Look at the files at or below `root` (the kernel's bytes).
 *
 * ERR_USAGE        the root does not lie in the shard's
 * ERR_NOT_FOUND    no such shard; no strata-extract
 * ERR_CONFIG       libmagic's database or the rules cannot be read
 * ERR_INTERRUPTED  options->stop; what was looked at is kept
 * ERR_IO, ERR_DB
 */
bool content_crawl(const ContentOptions *options, ContentKind kind, Str root, ContentTotals *out,
                   Err *err) ATTR_MUST_USE;

#endif
