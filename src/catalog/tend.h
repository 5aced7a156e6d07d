/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tend -- what a load leaves to be done after everything can be found: indexes for people in psql, and coverage
 *
 * Both make answers faster, not other. Where a program tends the catalogue (the service does), a load tells it and
 * ends; where none does, the load does it itself.
 */
#ifndef CATALOG_TEND_H
#define CATALOG_TEND_H

#include <stdatomic.h>

#include "db/db.h"

/* The channel on which loads tell, with the shard's name. */
#define TEND_CHANNEL "catalog_tend"

/* From now on until `db` is closed, loads leave that work to us. ERR_DB. */
bool tend_hold(Db *db, Err *err) ATTR_MUST_USE;

/*
 * Tell whoever tends the catalogue of a shard; *told is false when nobody does.
 *
 * ERR_DB  the question could not be asked
 */
bool tend_call(Db *db, Str shard, bool *told, Err *err) ATTR_MUST_USE;

/*
 * Do what is left in all shards; changes the search path of `db`. `stop` ends it between two pieces of work, and
 * db_cancel() in the middle of one.
 *
 * ERR_DB, ERR_CONFLICT, ERR_BUSY  it is left for the next time; what is there stays right
 */
bool tend_all(Db *db, const atomic_bool *stop, Err *err) ATTR_MUST_USE;

#endif
