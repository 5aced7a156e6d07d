/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/summary -- what is noted of a dataset's rows beside them: where tables and trees lie, the redshifts of snapshots, units of columns
 *
 * The seed's tables summary, treesummary and snap_redshift; the same on all servers.
 */
#ifndef PLACE_SUMMARY_H
#define PLACE_SUMMARY_H

#include "place/change.h"

enum { SUMMARY_CHUNK = 10000 /* of trees sent at once */ };

/* Where rows lie. Bounds that are not known are NaN. */
typedef struct SummaryBounds {
    float low[3], high[3];
} SummaryBounds;

typedef struct SummaryTable {
    Str name;
    SummaryBounds bounds;
    bool has_snaps;
    int32_t snap_low, snap_high;
    int64_t rows;
} SummaryTable;

typedef struct SummaryTree {
    int64_t tree, rows;
    SummaryBounds bounds;
    Str table;
} SummaryTree;

typedef struct SummarySnapshot {
    int32_t snap;
    double redshift;
} SummarySnapshot;

typedef struct SummaryColumn {
    Str name, unit, description;
    Str type; /* only where it is read; empty: not known on that server */
} SummaryColumn;

/*
 * What is noted of all tables that can be read, by name; bounds and snapshots of some may not be known. The redshifts of snapshots. The columns,
 * in their order. ERR_DB.
 */
bool summary_read_tables(Db *db, Arena *arena, SummaryTable **out, size_t *count, Err *err) ATTR_MUST_USE;
bool summary_read_snapshots(Db *db, Arena *arena, SummarySnapshot **out, size_t *count,
                            Err *err) ATTR_MUST_USE;
bool summary_read_columns(Db *db, Arena *arena, SummaryColumn **out, size_t *count, Err *err) ATTR_MUST_USE;

/* All of them replace what was noted of the same table, tree, snapshot or column. ERR_DB. */
bool summary_put_tables(Change *change, const SummaryTable *tables, size_t count, Err *err) ATTR_MUST_USE;
bool summary_put_trees(Change *change, const SummaryTree *trees, size_t count, Err *err) ATTR_MUST_USE;
bool summary_put_snapshots(Change *change, const SummarySnapshot *snapshots, size_t count,
                           Err *err) ATTR_MUST_USE;
bool summary_put_columns(Change *change, const SummaryColumn *columns, size_t count, Err *err) ATTR_MUST_USE;

#endif
