/* SPDX-License-Identifier: Apache-2.0 */
/* place/leftovers -- tables in the databases of a dataset that its mapping does not know: what killed processes left, or others made */
#ifndef PLACE_LEFTOVERS_H
#define PLACE_LEFTOVERS_H

#include "place/upkeep.h"

typedef struct Leftover {
    const char *server;
    Str schema, table;
    bool ours; /* a copy that was made here; else nobody knows what it is, and it stays */
    int64_t bytes;
    bool dropped;
    Err why; /* ours, and it could not be dropped */
} Leftover;

/*
 * Find them on all servers, and drop those that are ours. Nothing of a copy that is being made is touched: a server where that is so is
 * said to be busy.
 *
 * ERR_BUSY  on a server copies are being made
 * ERR_DB, ERR_CONFLICT  as upkeep_begin()
 */
bool leftovers_find(Upkeep *upkeep, bool drop, Arena *arena, Leftover **out, size_t *count,
                    Err *err) ATTR_MUST_USE;

#endif
