/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mas_area -- the area and time of a search, and the keys of the grid under which to look for it
 *
 * An area is read once and in one coordinate system; its boxes of longitude and latitude say which cells of the
 * grid can hold what touches it. The cells give too many datasets, never too few: the shape is tested after.
 */
#ifndef CATALOG_MAS_AREA_H
#define CATALOG_MAS_AREA_H

#include "base/buf.h"
#include "base/time.h"
#include "catalog/footprint.h"

enum {
    AREA_BOXES_MAX = 16,
    AREA_EDGE_PARTS_MAX = 10000,
    MAS_CELLS_MAX =
        1024, /* asked for one by one; with a time given, more are found by time (mas_search.sql) */
};

typedef struct MasArea {
    bool given;   /* false: anywhere */
    bool nothing; /* an empty shape, or one that is not on Earth */
    bool empty;   /* an empty shape */
    bool flat;    /* a ring without width */
    bool degrees; /* too large for one plane: compare in longitude and latitude */
    bool has_inner;
    FootprintBox boxes[AREA_BOXES_MAX]; /* what may touch the area touches one of these */
    int box_count;
    FootprintBox around; /* all of them; never across the antimeridian */
    FootprintBox inner;  /* what lies in it touches the area */
    double edge;         /* longest edge before it is cut, in the units of the system; 0: leave them */
    size_t points;
    Str ewkb;
} MasArea;

typedef struct MasAreaSystem {
    int srid;
    FootprintSystem *system; /* NULL when PROJ does not understand it */
    bool square;             /* its axes are those of longitude and latitude: EPSG:4326 and EPSG:3857 */
} MasAreaSystem;

/*
 * Read a mask.
 *
 * parts  in how many pieces the longer edges are cut, so that they bend in other systems; 1 .. AREA_EDGE_PARTS_MAX
 * plain  cut no further than that, as the original does
 *
 * ERR_USAGE  it is not a geometry
 * ERR_LIMIT  it is longer than GEOMETRY_WKT_MAX
 */
bool mas_area_read(GeometryReader *reader, const MasAreaSystem *system, Arena *arena, Str wkt, int64_t parts,
                   bool plain, MasArea *out, Err *err) ATTR_MUST_USE;

/* ---- keys ---- */

typedef struct MasPeriod {
    bool given;
    Instant since, until;
} MasPeriod;

/*
 * Runs of cells that can hold what touches an area, as arrays that PostgreSQL reads: "{1,2,3}".
 *
 * With a period a run is one cell, because within each the datasets are sorted by time.
 */
typedef struct MasProbes {
    Buf counts;                 /* of cells, by size */
    Buf firsts, lasts, runs_at; /* those of a size together; where each size begins, and behind the last */
    Buf ends_us, ends; /* by class of length: when the last dataset ends that can begin in the period */
} MasProbes;

/* sizes  as bits: those for which cells are wanted; with more than MAS_CELLS_MAX and a period there are none */
void mas_probes_make(MasProbes *probes, const MasArea *area, const MasPeriod *period, uint32_t sizes);
void mas_probes_release(MasProbes *probes);

#endif
