/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/copying -- a copy of a table is made on another server: COPY binary out of one and into the other, in little memory
 *
 *     COPYING_SCOPE(copying);
 *     if (!copying_begin(&copying, &from, &to, table, err) || !copying_fill(&copying, err) || !copying_take(&copying, err))
 *         return false;
 *
 * All is one transaction on the server that gets it: the table is made aside, in the schema staging, with the columns of the source; it gets
 * the rows, constraints, indexes and privileges, is compared with the source by the hash of its rows, and takes the place of the one
 * that is there. So whoever is killed leaves nothing. The rows are frozen (COPY FREEZE): a reader whose snapshot is older than
 * the new table sees them, and not an empty one.
 */
#ifndef PLACE_COPYING_H
#define PLACE_COPYING_H

#include <stdatomic.h>

#include "base/progress.h"
#include "place/place.h"

typedef struct Copying {
    Arena arena;
    Db *from, *to;
    const PlaceServer *source, *target;
    Str table;
    const atomic_bool *stop; /* may be NULL */
    Progress *progress;      /* counts bytes; may be NULL */
    int64_t written;         /* how often the table was written to when it was read */
    int64_t rows, bytes;     /* of the copy; bytes on the disk, with indexes */
} Copying;

#define COPYING_SCOPE(name) ATTR_CLEANUP(copying_end) Copying name = {0}

/* Connect to both, and wait until nobody else makes a copy on the server that gets it. Errors as db_open(): ERR_DB, ERR_BUSY. */
bool copying_begin(Copying *copying, const PlaceServer *from, const PlaceServer *to, Str table,
                   Err *err) ATTR_MUST_USE;

/*
 * Make the copy aside; may be done again after copying_take().
 *
 * ERR_NOT_FOUND    the source does not have the table
 * ERR_CORRUPT      what came is not what was sent
 * ERR_INTERRUPTED  a stop was asked for
 * ERR_DB, ERR_LIMIT, ERR_DENIED  a server failed, went away or hangs, has no room, or misses a role
 */
bool copying_fill(Copying *copying, Err *err) ATTR_MUST_USE;

/* Put it in its place, for good. ERR_BUSY: the one that is there is read for too long; ERR_DB. */
bool copying_take(Copying *copying, Err *err) ATTR_MUST_USE;

/* Rows of one COPY TO into one COPY FROM, for other tables than those: needs only `from`, `to`, `source`, `target`. Errors as copying_fill(): ERR_DB ... */
bool copying_pipe(Copying *copying, const char *reading, const char *filling, Err *err) ATTR_MUST_USE;

/* What was not taken is gone. */
void copying_end(Copying *copying);

/* Drop a copy and the note that it is there, when nobody reads it any more. ERR_BUSY: it is read for too long; ERR_DB. */
bool copying_drop(Db *db, Str table, const atomic_bool *stop, Err *err) ATTR_MUST_USE;

#endif
