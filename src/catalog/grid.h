/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grid -- the keys under which datasets are found by place and time
 *
 * Longitude and latitude are cut into 2^level by 2^level cells, level 0 .. GRID_LEVELS - 1. A dataset is
 * entered at the finest level whose cells are at least twice its size, so it touches four cells at the
 * most. Lengths of time are sorted into GRID_SPANS classes. A key packs, from the top,
 *
 *     24 bits  the name's number      5 bits  level
 *      3 bits  class of length       32 bits  cell: bits of column and row interleaved, column lowest
 *
 * so what is asked for together lies together. Why this and not a GiST index: docs/decisions/cells.md.
 */
#ifndef CATALOG_GRID_H
#define CATALOG_GRID_H

#include "base/time.h"
#include "catalog/footprint.h"

enum { GRID_LEVELS = 17, GRID_SPANS = 8, GRID_CELLS_MAX = 8, GRID_NAME_MAX = (1 << 23) - 1 };

/* The class of datasets without any stamp. */
enum { GRID_SPAN_NONE = GRID_SPANS - 1 };

int grid_span(Instant first, Instant last);

/* How long a dataset of the class can be at the most; INT64_MAX / 4 for the open one. */
Duration grid_span_most(int span);

int64_t grid_key(int name, int span, int level, uint32_t cell);

/* The cells of a dataset; returns how many, at most GRID_CELLS_MAX. `known` false: one cell for the whole world. */
int grid_cells(const Footprint *footprint, int *level, uint32_t cells[GRID_CELLS_MAX]);

/*
 * A box in 65536 parts of the world, a little too large, never too small: boxes that touch still do. All
 * longitudes where it goes across the antimeridian, all the world where nothing is known.
 */
typedef struct GridBox {
    int16_t west, south, east, north;
} GridBox;
GridBox grid_box(const Footprint *footprint);

/*
 * The cells of `level` that a box touches, as ranges of cell numbers (first and last, both in).
 *
 * Up to `most` ranges; with fewer than the exact number would be, they cover some cells too many. Returns how many.
 */
typedef struct GridRange {
    uint32_t first, last;
} GridRange;
int grid_ranges(const FootprintBox *box, int level, int most, GridRange *out);

/* How many cells of `level` a box touches. */
uint64_t grid_count(const FootprintBox *box, int level);

#endif
