/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_mas -- take over a MAS database of the original's schema
 *
 * Of each of its shards the paths, their records and the cached answers come over; what the original derives
 * from them (files, polygons, tallies) is made anew. Records go through the same checks as those of a crawl
 * file (catalog/record.h). The old database is only read. Done again it changes nothing that is the same.
 */
#ifndef CATALOG_IMPORT_MAS_H
#define CATALOG_IMPORT_MAS_H

#include <stdatomic.h>

#include "base/str.h"

/* A record that was not taken; `type` is empty where the path itself was not. One call at a time. */
typedef void ImportRejectFn(void *ctx, Str shard, Str path, Str type, const char *reason);

typedef struct ImportOptions {
    const char *conninfo; /* of the owner role */
    const char *from;     /* the old database: a role that may read it */
    const Str *shards;    /* only these; none: all */
    size_t shard_count;
    int writers;                               /* connections that write; 0: 2 */
    ImportRejectFn *reject;                    /* may be NULL */
    const atomic_bool *stop;                   /* may be NULL */
    void (*progress)(void *ctx, int64_t rows); /* may be NULL */
    void *ctx;
} ImportOptions;

typedef struct ImportTotals {
    int64_t shards;
    int64_t records, bare, rejected; /* bare: paths without a record */
    int64_t cached;                  /* answers taken over */
    int64_t added, changed;          /* paths */
} ImportTotals;

/*
 * Take over the shards, one after another; a shard that is not here yet is made.
 *
 * ERR_NOT_FOUND    the old database has no such shard, or is no MAS database
 * ERR_CONFLICT     a shard of that name with another path, or of that path with another name, is here
 * ERR_INTERRUPTED  options->stop; what was sent is kept
 * ERR_USAGE        `from` is not a connection string
 * ERR_DB, ERR_DENIED
 */
bool import_mas(const ImportOptions *options, ImportTotals *out, Err *err) ATTR_MUST_USE;

#endif
