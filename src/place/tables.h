/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/tables -- the tables of a dataset: which there are and which servers have them, as steps of a Change; and the rows of one copy
 *
 * A table is added with its copies, is filled on each of their servers, and then can be read:
 *
 *     tables_add() in a change; for each copy filling_begin(), filling_put() ..., filling_end(); tables_load() in a change
 *
 * What was cut off anywhere goes on by doing the same again: tables_find() and filling_rows() say how far it came.
 */
#ifndef PLACE_TABLES_H
#define PLACE_TABLES_H

#include "place/change.h"

typedef struct TableNew {
    Str name;
    Str source;        /* what its rows come from */
    int64_t first_row; /* with which row of that, from 0 */
} TableNew;

/* A new table, with where its copies will be; one of them is primary. It cannot be read yet. ERR_CONFLICT: there is one. */
bool tables_add(Change *change, const TableNew *table, const MappingCopy *copies, size_t count,
                Err *err) ATTR_MUST_USE;

/* All copies have so many rows: the table can be read. ERR_DB. */
bool tables_load(Change *change, Str table, int64_t rows, Err *err) ATTR_MUST_USE;

/*
 * Whether queries go to a copy. Where the primary one is not read any more another active one is primary. The last active one of
 * a table is refused by change_commit(). ERR_CONFLICT: there is no such copy; ERR_DB.
 */
bool tables_activate(Change *change, Str table, Str server, bool active, Err *err) ATTR_MUST_USE;

typedef struct TableFound {
    bool there, loaded;
    Str source;
    int64_t first_row, rows;
    Str *servers; /* that have copies, by name */
    size_t servers_count;
} TableFound;

/* A table as one server knows it. ERR_DB. */
bool tables_find(Db *db, Arena *arena, Str table, TableFound *out, Err *err) ATTR_MUST_USE;

/* ---- the rows of a copy ---- */

typedef struct TableColumn {
    Str name;
    const char *type; /* of PostgreSQL */
} TableColumn;

/* Rows on their way into one copy, in one transaction with the note that all are there. */
typedef struct Filling {
    Db *db;
    Str table;
} Filling;

/* Whether all rows came to this server: *rows, or -1. ERR_DB. */
bool filling_rows(Db *db, Str table, int64_t *rows, Err *err) ATTR_MUST_USE;

/* Make the table anew, and wait for rows. ERR_DB, ERR_USAGE: a column cannot be one. */
bool filling_begin(Filling *filling, Db *db, Str table, const TableColumn *columns, size_t count,
                   Err *err) ATTR_MUST_USE;

/* Whole rows as CSV. ERR_DB. */
bool filling_put(Filling *filling, Str csv, Err *err) ATTR_MUST_USE;

/* ERR_USAGE: a value is not of its column's type; ERR_DB. */
bool filling_end(Filling *filling, int64_t rows, Err *err) ATTR_MUST_USE;

/* Give it up; nothing of it stays. For one that has ended nothing is done. */
void filling_undo(Filling *filling);

#endif
