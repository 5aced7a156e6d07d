/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/plan -- which rows of which files go to which table, decided before any table is made
 *
 * By rows: so many make a table, in their order. By key: rows of the same key are in one table. By place: the box, seen along z, is
 * parted into squares, and a tree goes whole to the table of its square; one that lies in several goes to one of them, and one
 * that lies in more than PLAN_CELLS_MAX, or across the edge of the box, to one of the tables of big trees, one for each server
 * (the original's rule but for the edge: science_modules of TAO, its import of SAGE's files).
 *
 * The same files and rules give the same plan, which is what lets an import go on.
 */
#ifndef DATASET_PLAN_H
#define DATASET_PLAN_H

#include <stdatomic.h>

#include "dataset/source.h"

enum { PLAN_CELLS_MAX = 10, PLAN_TABLES_MAX = 100000 };

typedef enum PlanBy { PLAN_ROWS, PLAN_KEY, PLAN_GRID } PlanBy;

typedef struct PlanRule {
    PlanBy by;
    int64_t rows;   /* by rows: of a table at most */
    int64_t tables; /* by key: so many */
    double cell;    /* by place: the side of a square, as positions are */
    double box;     /* the side of the box, from 0; 0: what the positions say */
    size_t servers; /* by place: so many tables for big trees */
    bool trees;     /* keys are those of trees: by place these stay whole, and are kept */
    const char *prefix;
} PlanRule;

/* Rows of one file, one after another. */
typedef struct PlanRun {
    uint32_t source, count;
    int64_t first;
} PlanRun;

/* What rows have in common. */
typedef struct PlanExtent {
    float low[3], high[3]; /* low > high: no row has a place */
    int32_t snap_low, snap_high;
    int64_t rows;
} PlanExtent;

typedef struct PlanTable {
    Str name;
    PlanRun *runs;
    size_t runs_count, runs_size;
    PlanExtent extent;
    unsigned char sum[16]; /* of what is in it: files, rows, columns */
} PlanTable;

typedef struct PlanTree {
    int64_t key;
    PlanExtent extent;
    size_t table;
} PlanTree;

typedef struct Plan {
    PlanTable *tables; /* none is empty; in the order of their numbers */
    size_t tables_count;
    PlanTree *trees; /* by place or key, where rows have trees */
    size_t trees_count;
    int64_t rows;
    int32_t *snaps; /* of each file: the one snapshot of all its rows, or SITE_NO_SNAP */
} Plan;

/*
 * Read what is to be known of all rows, and decide. Memory: 16 bytes for each run of rows that stay together.
 *
 * stop  makes it end early; may be NULL
 *
 * ERR_USAGE  by place, and there are no positions, or too many squares; by key, and a row has none
 * ERR_IO, ERR_INTERRUPTED
 */
bool plan_make(Arena *arena, const PlanRule *rule, Source **sources, size_t count, const atomic_bool *stop,
               Plan *out, Err *err) ATTR_MUST_USE;

bool plan_has_place(const PlanExtent *extent);

#endif
