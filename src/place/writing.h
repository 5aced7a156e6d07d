/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/writing -- a statement that changes rows, on all active copies of a table alike
 *
 * It runs on all copies in one two-phase transaction. Before that PostgreSQL itself takes it apart, and what might do something else on
 * each server is refused: functions that are volatile or that are asked for nothing (now(), random(), nextval()), the time and the user,
 * ctid and the like, temporary tables, other tables. What that does not see is seen afterwards: all copies must say that
 * as many rows were changed, and have the same hash.
 *
 * A copy that was not like the primary one before, that fails where others do not, or that cannot prepare, is not read any more: it is
 * deactivated by the same transaction, and `dataset recopy` makes it anew.
 */
#ifndef PLACE_WRITING_H
#define PLACE_WRITING_H

#include "place/upkeep.h"

typedef struct WritingLoss {
    const char *server;
    Err why;
} WritingLoss;

typedef struct Written {
    int64_t rows;      /* that were changed in each copy */
    size_t copies;     /* that have the change */
    WritingLoss *lost; /* copies that are not read any more */
    size_t lost_count;
} Written;

/*
 * sql  one INSERT, UPDATE, DELETE or MERGE
 *
 * ERR_USAGE      it might not do the same on all copies, or PostgreSQL does not take it: nothing has changed
 * ERR_CONFLICT   it did not do the same; the dataset is sealed; servers disagree: nothing has changed
 * ERR_NOT_FOUND  no such table
 * ERR_DB, and as change_commit()
 */
bool writing_run(Upkeep *upkeep, Str table, const char *sql, Arena *arena, Written *out,
                 Err *err) ATTR_MUST_USE;

#endif
