/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/geometry.h"

#include <assert.h>
#include <endian.h>
#include <geos_c.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/late.h"

/* What is used of GEOS. */
/* clang-format off */
#define FUNCTIONS(X) \
    X(GEOSContext_setErrorMessageHandler_r) X(GEOSCoordSeq_getSize_r) X(GEOSCoordSeq_getXY_r) \
    X(GEOSFree_r) X(GEOSGeomTypeId_r) X(GEOSGeom_destroy_r) X(GEOSGeom_getCoordSeq_r) \
    X(GEOSGetExteriorRing_r) X(GEOSGetGeometryN_r) X(GEOSGetInteriorRingN_r) \
    X(GEOSGetNumGeometries_r) X(GEOSGetNumInteriorRings_r) X(GEOSWKBWriter_create_r) \
    X(GEOSWKBWriter_destroy_r) X(GEOSWKBWriter_setByteOrder_r) X(GEOSWKBWriter_setOutputDimension_r) \
    X(GEOSWKBWriter_write_r) X(GEOSWKTReader_create_r) X(GEOSWKTReader_destroy_r) \
    X(GEOSWKTReader_read_r) X(GEOS_finish_r) X(GEOS_init_r) X(GEOSisEmpty_r)
/* clang-format on */

typedef struct Geos {
    FUNCTIONS(LATE_MEMBER)
} Geos;
static Geos geos;

static void load_geos(void)
{
#define ENTRY(function) LATE_ENTRY(Geos, function)
    static const LateFunction functions[] = {FUNCTIONS(ENTRY)};

    late_load(GEOS_SONAME, functions, COUNT_OF(functions), &geos);
}

struct GeometryReader {
    GEOSContextHandle_t geos; /* NULL until something else than a plain polygon comes */
    GEOSWKTReader *wkt;
    GEOSWKBWriter *wkb;
    char message[256]; /* of the last failure */
};

enum { WKB_POLYGON = 3, WKB_LITTLE_ENDIAN = 1, EWKB_HAS_SRID = 0x20000000 };

static void keep_message(const char *message, void *reader_v)
{
    GeometryReader *reader = reader_v;

    (void)snprintf(reader->message, sizeof reader->message, "%s", message);
}

static void release(void *reader_v)
{
    GeometryReader *reader = reader_v;

    if (!reader->geos)
        return;
    geos.GEOSWKTReader_destroy_r(reader->geos, reader->wkt);
    geos.GEOSWKBWriter_destroy_r(reader->geos, reader->wkb);
    geos.GEOS_finish_r(reader->geos);
}

static void open_geos(GeometryReader *reader)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load_geos);
    reader->geos = geos.GEOS_init_r();
    (void)geos.GEOSContext_setErrorMessageHandler_r(reader->geos, keep_message, reader);
    reader->wkt = geos.GEOSWKTReader_create_r(reader->geos);
    reader->wkb = geos.GEOSWKBWriter_create_r(reader->geos);
    geos.GEOSWKBWriter_setByteOrder_r(reader->geos, reader->wkb, WKB_LITTLE_ENDIAN);
    geos.GEOSWKBWriter_setOutputDimension_r(reader->geos, reader->wkb, 2);
}

GeometryReader *geometry_reader_new(Arena *arena)
{
    GeometryReader *reader = arena_new(arena, GeometryReader, 1);

    arena_defer(arena, release, reader);
    return reader;
}

/* ---- the plain polygon ---- */

static const char *blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    return p;
}

/* A number as %f and the like print it, exactly as strtod would read it; other forms are left to strtod. */
static const char *take_number(const char *p, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *start = p;
    uint64_t digits = 0;
    int count = 0, behind = 0;
    bool negative = *p == '-', point = false;

    for (p += negative; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        digits = digits * 10 + (uint64_t)(*p - '0');
        count += digits > 0;
        behind += point;
    }
    /* Up to 15 digits are whole numbers a double holds, and one division of two exact numbers rounds right. */
    if (count <= 15 && behind <= 15 && *p != 'e' && *p != 'E' && p > start + negative) {
        *out = (double)digits / powers[behind];
        if (negative)
            *out = -*out;
        return p;
    }
    char *end;
    *out = strtod(start, &end);
    return end == start || !isfinite(*out) ? NULL : end;
}

/* `text` is NUL terminated. False when it is anything but one closed ring; nothing is said then. */
static bool plain_polygon(Arena *arena, Str text, Geometry *out)
{
    static const char word[] = "POLYGON";
    const char *p = blanks(text.ptr);
    size_t most = 1, count = 0;

    if (strncmp(p, word, sizeof word - 1) != 0)
        return false;
    p = blanks(p + sizeof word - 1);
    if (*p++ != '(' || *(p = blanks(p)) != '(')
        return false;
    for (const char *c = p; *c; c++)
        most += *c == ',';
    GeometryPoint *points = arena_new(arena, GeometryPoint, most);
    do {
        p = take_number(blanks(p + 1), &points[count].x);
        if (!p || (*p != ' ' && *p != '\t') || !(p = take_number(blanks(p), &points[count].y)))
            return false;
        count++;
        p = blanks(p);
    } while (*p == ',' && count < most);
    if (*p++ != ')' || *(p = blanks(p)) != ')' || *blanks(p + 1) || count < 4 ||
        points[0].x != points[count - 1].x || points[0].y != points[count - 1].y)
        return false;
    GeometryPart *part = arena_new(arena, GeometryPart, 1);
    *part = (GeometryPart){.points = points, .count = count, .closed = true};
    *out = (Geometry){.parts = part, .count = 1};
    return true;
}

/* On the machines we build for a double in memory is its WKB form. */
static_assert(BYTE_ORDER == LITTLE_ENDIAN, "WKB is written as little endian");

static void make_polygon_wkb(Arena *arena, Geometry *geometry)
{
    const GeometryPart *ring = &geometry->parts[0];
    uint32_t head[3] = {WKB_POLYGON, 1, (uint32_t)ring->count};
    size_t len = 1 + sizeof head + ring->count * sizeof *ring->points;
    char *wkb = arena_new(arena, char, len);

    wkb[0] = WKB_LITTLE_ENDIAN;
    memcpy(wkb + 1, head, sizeof head);
    memcpy(wkb + 1 + sizeof head, ring->points, ring->count * sizeof *ring->points);
    geometry->wkb = (Str){wkb, len};
}

/* ---- everything else ---- */

typedef struct Parts {
    GeometryPart *parts;
    size_t count, size;
} Parts;

static void add_part(Arena *arena, Parts *parts, GeometryPart part)
{
    if (parts->count == parts->size) {
        size_t size = parts->size ? parts->size * 2 : 8;
        GeometryPart *more = arena_new(arena, GeometryPart, size);

        if (parts->count)
            memcpy(more, parts->parts, parts->count * sizeof *more);
        parts->parts = more;
        parts->size = size;
    }
    parts->parts[parts->count++] = part;
}

static bool add_sequence(GeometryReader *reader, Arena *arena, const GEOSGeometry *line, bool closed,
                         Parts *parts)
{
    const GEOSCoordSequence *coords = geos.GEOSGeom_getCoordSeq_r(reader->geos, line);
    unsigned count = 0;

    if (!coords || !geos.GEOSCoordSeq_getSize_r(reader->geos, coords, &count))
        return false;
    GeometryPoint *points = arena_new(arena, GeometryPoint, count + 1);
    for (unsigned i = 0; i < count; i++)
        if (!geos.GEOSCoordSeq_getXY_r(reader->geos, coords, i, &points[i].x, &points[i].y) ||
            !isfinite(points[i].x) || !isfinite(points[i].y))
            return false;
    if (count)
        add_part(arena, parts, (GeometryPart){.points = points, .count = count, .closed = closed});
    return true;
}

static bool add_polygon(GeometryReader *reader, Arena *arena, const GEOSGeometry *shape, Parts *parts)
{
    int holes = geos.GEOSGetNumInteriorRings_r(reader->geos, shape);

    if (!add_sequence(reader, arena, geos.GEOSGetExteriorRing_r(reader->geos, shape), true, parts))
        return false;
    for (int i = 0; i < holes; i++)
        if (!add_sequence(reader, arena, geos.GEOSGetInteriorRingN_r(reader->geos, shape, i), true, parts))
            return false;
    return true;
}

/* GEOS bounds how deep collections nest by its own reader. */
// NOLINTNEXTLINE(misc-no-recursion)
static bool add_shape(GeometryReader *reader, Arena *arena, const GEOSGeometry *shape, Parts *parts)
{
    if (geos.GEOSisEmpty_r(reader->geos, shape))
        return true;
    switch (geos.GEOSGeomTypeId_r(reader->geos, shape)) {
    case GEOS_POINT:
    case GEOS_LINESTRING:
        return add_sequence(reader, arena, shape, false, parts);
    case GEOS_LINEARRING:
        return add_sequence(reader, arena, shape, true, parts);
    case GEOS_POLYGON:
        return add_polygon(reader, arena, shape, parts);
    default:
        for (int i = 0, n = geos.GEOSGetNumGeometries_r(reader->geos, shape); i < n; i++)
            if (!add_shape(reader, arena, geos.GEOSGetGeometryN_r(reader->geos, shape, i), parts))
                return false;
        return true;
    }
}

static bool take_apart(GeometryReader *reader, Arena *arena, const GEOSGeometry *shape, Geometry *out,
                       Err *err)
{
    Parts parts = {0};
    size_t len;

    if (!add_shape(reader, arena, shape, &parts))
        return err_set(err, ERR_USAGE, "a coordinate is not a finite number");
    unsigned char *wkb = geos.GEOSWKBWriter_write_r(reader->geos, reader->wkb, shape, &len);
    if (!wkb)
        return err_set(err, ERR_USAGE, "not a geometry: %s", reader->message);
    *out = (Geometry){
        .parts = parts.parts, .count = parts.count, .wkb = str_copy(arena, (Str){(char *)wkb, len})};
    geos.GEOSFree_r(reader->geos, wkb);
    return true;
}

bool geometry_parse(GeometryReader *reader, Arena *arena, Str wkt, Geometry *out, Err *err)
{
    if (wkt.len > GEOMETRY_WKT_MAX)
        return err_set(err, ERR_LIMIT, "a geometry of %zu bytes, allowed are %d", wkt.len, GEOMETRY_WKT_MAX);
    if (wkt.len == 0 || memchr(wkt.ptr, '\0', wkt.len))
        return err_set(err, ERR_USAGE, "not a geometry");
    Str text = str_copy(arena, wkt);
    if (plain_polygon(arena, text, out)) {
        make_polygon_wkb(arena, out);
        return true;
    }
    if (!reader->geos)
        open_geos(reader);
    GEOSGeometry *shape = geos.GEOSWKTReader_read_r(reader->geos, reader->wkt, text.ptr);
    if (!shape)
        return err_set(err, ERR_USAGE, "not a geometry: %s", reader->message);
    bool ok = take_apart(reader, arena, shape, out, err);
    geos.GEOSGeom_destroy_r(reader->geos, shape);
    return ok;
}

void geometry_put_ewkb(Buf *out, const Geometry *geometry, int srid)
{
    uint32_t type, id = (uint32_t)srid;

    memcpy(&type, geometry->wkb.ptr + 1, sizeof type);
    type |= EWKB_HAS_SRID;
    buf_put_byte(out, WKB_LITTLE_ENDIAN);
    buf_put(out, (Str){(const char *)&type, sizeof type});
    buf_put(out, (Str){(const char *)&id, sizeof id});
    buf_put(out, str_sub(geometry->wkb, 1 + sizeof type, geometry->wkb.len));
}
