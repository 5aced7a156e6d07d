/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint -- where on Earth a shape lies: boxes of longitude and latitude
 *
 * Edges are followed in steps, because a straight edge in a projection is a curve on the Earth. A shape
 * across the antimeridian has an east below its west; one around a pole has all longitudes and reaches
 * the pole. Longitudes of 180 to 360 are those of the western hemisphere.
 */
#ifndef CATALOG_FOOTPRINT_H
#define CATALOG_FOOTPRINT_H

#include "catalog/geometry.h"

/* Degrees: -180..180 and -90..90. east < west: across the antimeridian. */
typedef struct FootprintBox {
    double west, south, east, north;
} FootprintBox;

typedef struct Footprint {
    FootprintBox box;
    bool known; /* false: no point could be transformed, or there is no coordinate system */
} Footprint;

/* Transforms from one coordinate system to longitude and latitude. Belongs to one thread. */
typedef struct FootprintSystem FootprintSystem;

/*
 * wkt, proj4  either may be empty; the one that PROJ understands is taken, the WKT first
 *
 * Released with the arena. NULL when PROJ understands neither.
 */
FootprintSystem *footprint_system_new(Arena *arena, Str wkt, Str proj4);

/* For who asks of many shapes: those asked of are remembered, in about 300 KB. */
void footprint_system_remember(Arena *arena, FootprintSystem *system);

/* EPSG:4326 or EPSG:3857, which most requests come in, without PROJ and the megabytes of its database. */
FootprintSystem *footprint_system_plain(Arena *arena, bool mercator);

Footprint footprint_of(FootprintSystem *system, const Geometry *geometry);

/* The two halves of a box across the antimeridian, or the box itself; returns how many. */
int footprint_split(const FootprintBox *box, FootprintBox out[2]);
bool footprint_overlaps(const FootprintBox *a, const FootprintBox *b);

/* EPSG:3857 metres of a longitude or latitude; latitudes end at the edge of the square world. */
double footprint_mercator_x(double longitude);
double footprint_mercator_y(double latitude);

#endif
