/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest -- crawl files into a shard: every line checked, bad ones set aside, the rest taken in
 *
 * The format is docs/format/crawl-file.md: path TAB type TAB JSON. Lines are told apart by their number; a
 * bad one is reported and the rest go on. A file that is read again changes nothing that is the same.
 */
#ifndef CATALOG_INGEST_H
#define CATALOG_INGEST_H

#include <stdatomic.h>

#include "base/str.h"

/* A line that was not taken. From the reading or a writing thread, one at a time. */
typedef void IngestRejectFn(void *ctx, int64_t line, Str path, const char *reason);

typedef struct IngestOptions {
    const char *conninfo; /* of the owner role */
    Str shard;
    int writers;            /* connections that write; 0: 2 */
    IngestRejectFn *reject; /* may be NULL */
    void *reject_ctx;
    const atomic_bool *stop;                                   /* may be NULL */
    void (*progress)(void *ctx, int64_t lines, int64_t bytes); /* may be NULL; bytes as packed */
    void *progress_ctx;
} IngestOptions;

typedef struct IngestTotals {
    int64_t lines, accepted, rejected;
    int64_t added, changed, removed; /* paths */
} IngestTotals;

/*
 * Read a crawl file from an open descriptor to its end.
 *
 * ERR_NOT_FOUND    there is no such shard
 * ERR_CORRUPT      a packed file is damaged; what came before is in
 * ERR_INTERRUPTED  options->stop
 * ERR_IO, ERR_DB, ERR_LIMIT
 */
bool ingest_file(const IngestOptions *options, int fd, IngestTotals *out, Err *err) ATTR_MUST_USE;

#endif
