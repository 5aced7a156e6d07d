/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/filling -- the rows of one copy of a table on their way: table, rows, indexes and the note that all are there, in one transaction
 *
 *     filling_begin(), filling_put() ..., filling_end()
 *
 * Where it was cut off nothing of it stays, and it begins anew.
 */
#ifndef PLACE_FILLING_H
#define PLACE_FILLING_H

#include "db/db.h"

typedef struct TableColumn {
    Str name;
    const char *type; /* of PostgreSQL */
} TableColumn;

/* What a table is made of. */
typedef struct FillingPlan {
    Str table;
    const TableColumn *columns;
    size_t columns_count;
    bool binary; /* rows come as the tuples of COPY's binary form, without its head and end; else as CSV */
    Str primary; /* column of the primary key; empty: none */
    const Str *indexes; /* columns that get an index */
    size_t indexes_count;
} FillingPlan;

typedef struct Filling {
    Db *db;
    const FillingPlan *plan;
} Filling;

/* Whether all rows came to this server: *rows, or -1. ERR_DB. */
bool filling_rows(Db *db, Str table, int64_t *rows, Err *err) ATTR_MUST_USE;

/* Make the table anew, and wait for rows. ERR_DB, ERR_USAGE: a column cannot be one. */
bool filling_begin(Filling *filling, Db *db, const FillingPlan *plan, Err *err) ATTR_MUST_USE;

/* Whole rows. ERR_DB. */
bool filling_put(Filling *filling, Str rows, Err *err) ATTR_MUST_USE;

/* ERR_USAGE: a value is not of its column's type; ERR_CONFLICT: a key is there twice; ERR_DB. */
bool filling_end(Filling *filling, int64_t rows, Err *err) ATTR_MUST_USE;

/* Give it up; nothing of it stays. For one that has ended nothing is done. */
void filling_undo(Filling *filling);

#endif
