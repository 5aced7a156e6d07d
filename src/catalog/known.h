/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known -- what the last crawl found in each directory: the table `scans` in memory
 *
 * 72 bytes a directory, and its name for an incremental crawl, up to KNOWN_MAX; directories beyond that are taken for new, which costs time but
 * changes nothing. Read only once loaded, so threads share it.
 */
#ifndef CATALOG_KNOWN_H
#define CATALOG_KNOWN_H

#include "catalog/batch.h"
#include "db/db.h"

enum { KNOWN_MAX = 1500000 };

typedef struct KnownDir {
    BatchScan scan;
    size_t names; /* where those of its subdirectories are in Known.names */
    uint32_t name_count;
} KnownDir;

typedef struct Known {
    KnownDir *slots;
    size_t count, size;
    Buf names; /* 0-terminated, those of one directory one after another */
} Known;

/* Read the shard's; `db` has it first in its search_path. ERR_DB. */
bool known_load(Known *known, Db *db, Err *err) ATTR_MUST_USE;

/* Also read which directories are in each, for known_subdirs(). ERR_DB. */
bool known_load_subdirs(Known *known, Db *db, Err *err) ATTR_MUST_USE;

/* The names of the directories in one, as text of pathname.h, in `arena`; returns how many. */
size_t known_subdirs(const Known *known, const PathHash *dir, Arena *arena, Str **out);

/* What was found in a directory, or NULL. */
const BatchScan *known_find(const Known *known, const PathHash *dir);
void known_release(Known *known);

#endif
