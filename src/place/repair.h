/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/repair -- servers whose mapping is not that of the others get it, with all that system tables say; servers come and go
 *
 * The tables of rows are not touched: what a server lacks or has too much then, `dataset verify` and `dataset gc` tell.
 */
#ifndef PLACE_REPAIR_H
#define PLACE_REPAIR_H

#include "place/change.h"

typedef struct Repaired {
    const char *from; /* whose mapping all servers have now */
    size_t count;
    const char **servers; /* that got it */
} Repaired;

/*
 * Give the newest mapping to the servers that have another one.
 *
 * from  the server whose mapping is right; empty: the newest that is as its server noted it
 *
 * ERR_CONFLICT   two servers were changed as often, and differently: somebody has to say which is right; or no server's is as it noted it
 * ERR_NOT_FOUND  the dataset is not on that server
 * ERR_DB, and as change_hold()
 */
bool repair_mapping(Place *place, Str from, Arena *arena, Repaired *out, Err *err) ATTR_MUST_USE;

/*
 * Another server, which has the system tables, becomes one of the dataset's: it gets what they say. Copies from a time when it was one
 * before are leftovers (leftovers_find()). Who keeps the list of servers elsewhere has to change that next; when that did not happen the same can be done again.
 *
 * place  of the servers before
 *
 * ERR_CONFLICT  it has tables that are no copies
 * ERR_DB, and as change_begin_anyway()
 */
bool repair_add_server(Place *place, const PlaceServer *server, Err *err) ATTR_MUST_USE;

/*
 * A server of the dataset is one no more.
 *
 * place  of all servers; with `lost`, of the others: what it had is gone, and its copies are taken from the mapping
 *
 * ERR_CONFLICT  it has copies of tables; lost: a table would be left without an active copy
 * ERR_DB, and as change_begin_anyway()
 */
bool repair_remove_server(Place *place, Str server, bool lost, Err *err) ATTR_MUST_USE;

#endif
