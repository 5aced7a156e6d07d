/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/tables -- the tables of a dataset: which there are and which servers have them, as steps of a Change
 *
 * A table is added with its copies, is filled on each of their servers, and then can be read:
 *
 *     tables_add() in a change; for each copy place/filling; tables_load() in a change
 *
 * What was cut off anywhere goes on by doing the same again: tables_find() and filling_rows() say how far it came.
 */
#ifndef PLACE_TABLES_H
#define PLACE_TABLES_H

#include "place/change.h"

/*
 * Keep others from importing into the dataset, until the connections of `place` end. ERR_CONFLICT: somebody does; ERR_DB: a server
 * cannot be reached.
 */
bool tables_lock(Place *place, Err *err) ATTR_MUST_USE;

typedef struct TableNew {
    Str name;
    Str source;                /* what its rows come from */
    int64_t first_row;         /* with which row of that, from 0 */
    const MappingCopy *copies; /* where they will be; one of them is primary */
    size_t copies_count;
} TableNew;

/* New tables. They cannot be read yet. ERR_CONFLICT: there is one of the same name. */
bool tables_add(Change *change, const TableNew *tables, size_t count, Err *err) ATTR_MUST_USE;

/* Tables that cannot be read yet will be of other rows; their copies stay where they are, and have to be filled anew. ERR_DB. */
bool tables_renew(Change *change, const TableNew *tables, size_t count, Err *err) ATTR_MUST_USE;

typedef struct TableLoaded {
    Str name;
    int64_t rows;
} TableLoaded;

/* All copies have so many rows: the tables can be read. ERR_DB. */
bool tables_load(Change *change, const TableLoaded *tables, size_t count, Err *err) ATTR_MUST_USE;

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

/* Tables as one server knows them: one for each name. ERR_DB. */
bool tables_find(Db *db, Arena *arena, const Str *names, size_t count, TableFound **out,
                 Err *err) ATTR_MUST_USE;

#endif
