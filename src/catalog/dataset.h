/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset -- what a gdal record says of each of a file's datasets, ready for the tables of a shard
 *
 * Parsing checks the record; what is wrong with it is told then, with the dataset's number. The rows are
 * written later, when the batch that the record is in is sent. Keys of the grid are docs/decisions/cells.md.
 */
#ifndef CATALOG_DATASET_H
#define CATALOG_DATASET_H

#include "base/buf.h"
#include "catalog/pathname.h"

enum { DATASET_COUNT_MAX = 100000, DATASET_STAMPS_MAX = 1000000 }; /* of one record; of one dataset */

typedef struct DatasetList DatasetList;

/* Reads records of one shard, for one thread: keeps the numbers of names, coordinate systems and axes. */
typedef struct DatasetReader DatasetReader;

/* Connects as `conninfo`. Released with the arena. ERR_DB, ERR_NOT_FOUND. */
bool dataset_reader_open(Arena *arena, const char *conninfo, Str shard, DatasetReader **out,
                         Err *err) ATTR_MUST_USE;

/*
 * Read a gdal record; the list lives in `arena` and keeps nothing of `json`, but needs its reader to live.
 *
 * ERR_USAGE  it is not JSON, or a dataset has a shape, time or number that cannot be read
 * ERR_LIMIT  more than DATASET_COUNT_MAX datasets, or DATASET_STAMPS_MAX times
 * ERR_DB     a new name, coordinate system or axes could not be entered
 */
bool dataset_parse(DatasetReader *reader, Arena *arena, Str path, Str json, const DatasetList **out,
                   Err *err) ATTR_MUST_USE;

size_t dataset_count(const DatasetList *list);

/* Cells counted by name, length of time and size: a row of `levels` each, more than one where two share a place here. */
typedef struct DatasetLevels {
    struct {
        uint32_t key, count; /* the upper half of a cell's key */
    } places[512];
} DatasetLevels;

/* Where rows go: of the tables `datasets`, `cells`, `coverage_new` and `levels`. */
typedef struct DatasetRows {
    Buf *datasets, *cells, *fresh, *level_rows;
    DatasetLevels *levels; /* counted here; those that find no place are in level_rows at once */
} DatasetRows;

/* Append the rows of `list`. `parent` may be NULL. */
void dataset_put_rows(const DatasetList *list, const PathHash *path, const PathHash *parent,
                      const DatasetRows *rows);

/* Append what was counted to `rows`, for `levels`, and begin to count anew. */
void dataset_put_levels(DatasetLevels *levels, Buf *rows);

/* A variable's name as the MAS API compares it: every character but A-Z a-z 0-9 _ is a _. */
Str dataset_plain_name(Arena *arena, Str name);

#endif
