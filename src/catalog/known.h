/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known -- what the last crawl found in each directory: the table `scans` in memory
 *
 * 56 bytes a directory, up to KNOWN_MAX; directories beyond that are taken for new, which costs time but
 * changes nothing. Read only once loaded, so threads share it.
 */
#ifndef CATALOG_KNOWN_H
#define CATALOG_KNOWN_H

#include "catalog/batch.h"
#include "db/db.h"

enum { KNOWN_MAX = 1500000 };

typedef struct Known {
    BatchScan *slots;
    size_t count, size;
} Known;

/* Read the shard's; `db` has it first in its search_path. ERR_DB. */
bool known_load(Known *known, Db *db, Err *err) ATTR_MUST_USE;

/* What was found in a directory, or NULL. */
const BatchScan *known_find(const Known *known, const PathHash *dir);
void known_release(Known *known);

#endif
