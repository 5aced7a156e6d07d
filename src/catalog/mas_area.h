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

enum { AREA_BOXES_MAX = 16, AREA_EDGE_PARTS_MAX = 10000 };

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

/* One row of `levels`: datasets of a name, class of length and level of size exist. */
typedef struct MasLevel {
    int name, span, level;
} MasLevel;

/* Arrays as PostgreSQL reads them: "{1,2,3}". */
typedef struct MasProbes {
    Buf keys, key_since, key_until;
    Buf firsts, lasts, range_since, range_until;
    Buf names, classes, time_since, time_until;
    bool by_time; /* the area has so many cells that names and times are asked for instead */
} MasProbes;

typedef struct MasPeriod {
    bool given;
    Instant since, until;
} MasPeriod;

void mas_probes_make(MasProbes *probes, const MasArea *area, const MasPeriod *period, const MasLevel *levels,
                     size_t count);
void mas_probes_release(MasProbes *probes);

#endif
