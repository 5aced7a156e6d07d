/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rename -- paths of a shard, with all below them and all that is known of them, to other places
 *
 * What it costs depends on what moves, not on how large the shard or the directory is: counts change by what comes and
 * goes, as in a merge, and many renames that have nothing to do with each other are done at once.
 */
#ifndef CATALOG_RENAME_H
#define CATALOG_RENAME_H

#include "db/db.h"

typedef struct Rename {
    Str from, to; /* text of pathname.h, normal */
    bool known;   /* out: there was something at `from`; if not, nothing was done */
} Rename;

/* Prepare a connection for renames in `shard`. ERR_NOT_FOUND, ERR_DB. */
bool rename_prepare(Db *db, Str shard, Err *err) ATTR_MUST_USE;

/*
 * Do renames one after the other, in a transaction of the caller. What was at `to` and below is gone. What crawls
 * noted of the directories that change is forgotten.
 *
 * root  of the shard: directories that are missing above `to` are added up to it
 *
 * ERR_USAGE  `to` is in `from`
 * ERR_DB
 */
bool rename_paths(Db *db, Rename *renames, size_t count, Str root, Err *err) ATTR_MUST_USE;

#endif
