/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refresh -- make what is derived from paths and records anew
 *
 * Nobody has to: a shard is kept current as records arrive. It is for those who wrote into `paths` and
 * `metadata` themselves, and to prove that both ways give the same.
 */
#ifndef CATALOG_REFRESH_H
#define CATALOG_REFRESH_H

#include <stdatomic.h>

#include "base/str.h"

typedef struct RefreshTotals {
    int64_t paths;
    int64_t refused; /* records that files, links or datasets cannot be made from */
} RefreshTotals;

/*
 * Empty and fill files, directories, links, datasets and all behind them, in one transaction. Readers of
 * the shard wait for its end; those of others do not.
 *
 * stop  may be NULL
 *
 * ERR_NOT_FOUND, ERR_DB, ERR_INTERRUPTED: then nothing changed
 */
bool refresh_full(const char *conninfo, Str shard, const atomic_bool *stop, RefreshTotals *out,
                  Err *err) ATTR_MUST_USE;

/* Complete what an interrupted load left: indexes, counts. Does nothing when there is nothing. ERR_NOT_FOUND, ERR_DB. */
bool refresh_complete(const char *conninfo, Str shard, Err *err) ATTR_MUST_USE;

#endif
