/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry -- shapes as well-known text, their coordinates, and the binary form that PostGIS stores
 *
 * A plain "POLYGON ((x y, ...))", which is nearly all that records hold, is read here; everything else by
 * GEOS, which is PostGIS's own reader's library. Contexts belong to one thread each.
 */
#ifndef CATALOG_GEOMETRY_H
#define CATALOG_GEOMETRY_H

#include "base/buf.h"

enum { GEOMETRY_WKT_MAX = 10 * 1024 * 1024 }; /* bytes */

typedef struct GeometryPoint {
    double x, y;
} GeometryPoint;

/* A ring, line or point: part of a shape. */
typedef struct GeometryPart {
    const GeometryPoint *points;
    size_t count;
    bool closed; /* a ring: encloses an area */
} GeometryPart;

typedef struct Geometry {
    const GeometryPart *parts; /* holes are parts as well */
    size_t count;              /* 0: an empty shape */
    Str wkb;                   /* little endian ISO WKB without an SRID */
} Geometry;

typedef struct GeometryReader GeometryReader;
GeometryReader *geometry_reader_new(Arena *arena); /* released with the arena */

/*
 * Read well-known text. The result lives in `arena`.
 *
 * ERR_USAGE  it is not a geometry, a ring is not closed, a coordinate is not finite
 * ERR_LIMIT  it is longer than GEOMETRY_WKT_MAX
 */
bool geometry_parse(GeometryReader *reader, Arena *arena, Str wkt, Geometry *out, Err *err) ATTR_MUST_USE;

/* The binary form PostGIS takes as geometry, with its coordinate system. */
void geometry_put_ewkb(Buf *out, const Geometry *geometry, int srid);

#endif
