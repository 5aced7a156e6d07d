/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/extract -- the rows that one SQL gives of many tables, from all servers at once, each table's exactly once
 *
 * A table is passed on when all of it has come (dataset/gather.h). Where the SQL has {range} in it, large tables are cut into ranges of an
 * integer column, and each range is passed on for itself: the ranges of a table leave out no row, also none whose key is null or beyond what was
 * known of it, and no two have the same. They are read one after another, so rows whose keys change meanwhile may be missed.
 */
#ifndef DATASET_EXTRACT_H
#define DATASET_EXTRACT_H

#include "base/progress.h"
#include "dataset/gather.h"
#include "dataset/rows.h"
#include "place/choice.h"

/* A statement for a table, with {table} in it. */
typedef struct ExtractPart {
    const MappingTable *table;
    const char *sql;
} ExtractPart;

/* How far it is, for other threads. */
typedef struct ExtractCount {
    atomic_int_least64_t rows, parts, parts_total; /* total: 0 when it is not yet known */
} ExtractCount;

typedef struct Extract {
    GatherOpts gather;
    const Mapping *mapping; /* the tables, those that are wanted */
    Str sql;                /* with {table} */
    const ExtractPart *
        parts; /* instead of one SQL for all: these, which give the same columns; those of a table together */
    size_t parts_count;
    const char *box;    /* what {box} stands for; NULL: it may not be there */
    Str key;            /* the column of ranges; empty: found */
    int64_t range_rows; /* about so many in a range; 0: 100,000 */
    RowFormatName format;
    bool ordered;        /* by the tables' names, and ranges; else as they come */
    ExtractCount *count; /* NULL: nobody looks */
    Progress *progress;  /* counts tables, or their ranges */
    int fd;              /* where it goes; a format that seeks wants a file */
} Extract;

typedef struct Extracted {
    int64_t rows;
    int64_t tables, parts; /* parts: ranges of tables that were cut, and tables that were not */
    RowColumn *columns;
    size_t columns_count;
    const GatherRetry *retries;
    size_t retries_count;
} Extracted;

/*
 * `out` says what was retried also on failure.
 *
 * ERR_USAGE      there is no {table} in the SQL, or a mark that is not allowed; a table does not have the key
 * ERR_NOT_FOUND  the dataset has no tables
 * and as gather_run() and the functions of a format: ERR_DB, ERR_IO, ERR_INTERRUPTED, ERR_USAGE ...
 */
bool extract_run(const Extract *extract, Arena *arena, Extracted *out, Err *err) ATTR_MUST_USE;

/* The condition that {box} stands for; `columns` are three, with commas between. ERR_USAGE: they are not. */
bool extract_box(Arena *arena, const ChoiceBox *box, Str columns, const char **out, Err *err) ATTR_MUST_USE;

#endif
