/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/footprint.h"

#include <math.h>
#include <proj.h>
#include <pthread.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/late.h"
#include "base/time.h"

/* What is used of PROJ. */
/* clang-format off */
#define FUNCTIONS(X) \
    X(proj_context_create) X(proj_context_destroy) X(proj_create) X(proj_create_crs_to_crs_from_pj) \
    X(proj_destroy) X(proj_get_type) X(proj_is_crs) X(proj_log_func) \
    X(proj_normalize_for_visualization) X(proj_trans)
/* clang-format on */

typedef struct Proj {
    FUNCTIONS(LATE_MEMBER)
} Proj;
static Proj proj;

static void load_proj(void)
{
#define ENTRY(function) LATE_ENTRY(Proj, function)
    static const LateFunction functions[] = {FUNCTIONS(ENTRY)};

    late_load(PROJ_SONAME, functions, COUNT_OF(functions), &proj);
}

/* A shape whose footprint was found before. */
typedef struct Remembered {
    XXH128_hash_t shape; /* of its WKB */
    Footprint footprint;
} Remembered;

/*
 * Variables of a file, and the files of a time series, have the same few shapes: without remembering them, PROJ is
 * nearly half of our work in taking in gdal records.
 */
enum { REMEMBERED = 4096 };

struct FootprintSystem {
    PJ_CONTEXT *context;
    PJ *transform;
    bool degrees;           /* its coordinates are longitude and latitude already */
    bool mercator;          /* they are those of EPSG:3857 */
    uint64_t seed;          /* so that no file can choose a shape that passes for another's */
    Remembered *remembered; /* REMEMBERED of them, each where its hash says; or NULL */
};

enum {
    FEW_STEPS = 4,      /* on each edge; */
    MANY_STEPS = 48,    /* when the shape turns out to be large */
    STEPS_MAX = 200000, /* points of one shape that are looked at between its corners */
};
static const double large_degrees = 5;

/* ---- coordinate systems ---- */

static void release(void *system_v)
{
    FootprintSystem *system = system_v;

    proj.proj_destroy(system->transform);
    proj.proj_context_destroy(system->context);
}

static void ignore_log(void *data, int level, const char *message)
{
    (void)data;
    (void)level;
    (void)message;
}

static PJ *make_system(PJ_CONTEXT *context, Arena *arena, Str text)
{
    if (text.len == 0)
        return NULL;
    bool proj4 = text.ptr[0] == '+';
    PJ *crs =
        proj.proj_create(context, str_printf(arena, "%.*s%s", STR_ARG(text), proj4 ? " +type=crs" : "").ptr);

    if (crs && !proj.proj_is_crs(crs)) {
        proj.proj_destroy(crs);
        return NULL;
    }
    return crs;
}

static PJ *make_transform(PJ_CONTEXT *context, PJ *from)
{
    PJ *to = proj.proj_create(context, "OGC:CRS84");
    PJ *raw = to ? proj.proj_create_crs_to_crs_from_pj(context, from, to, NULL, NULL) : NULL;
    PJ *transform = raw ? proj.proj_normalize_for_visualization(context, raw) : NULL;

    proj.proj_destroy(raw);
    proj.proj_destroy(to);
    return transform;
}

static bool is_geographic(const PJ *crs)
{
    PJ_TYPE type = proj.proj_get_type(crs);

    return type == PJ_TYPE_GEOGRAPHIC_2D_CRS || type == PJ_TYPE_GEOGRAPHIC_3D_CRS;
}

FootprintSystem *footprint_system_new(Arena *arena, Str wkt, Str proj4)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    FootprintSystem *system = arena_new(arena, FootprintSystem, 1);

    (void)pthread_once(&once, load_proj);
    system->context = proj.proj_context_create();
    proj.proj_log_func(system->context, NULL, ignore_log);
    arena_defer(arena, release, system);
    PJ *crs = make_system(system->context, arena, wkt);
    if (!crs)
        crs = make_system(system->context, arena, proj4);
    if (!crs)
        return NULL;
    /* Datum shifts are far below what a box needs; longitudes of such systems may run to 360. */
    system->degrees = is_geographic(crs);
    system->transform = make_transform(system->context, crs);
    proj.proj_destroy(crs);
    return system->transform ? system : NULL;
}

void footprint_system_remember(Arena *arena, FootprintSystem *system)
{
    system->remembered = arena_new(arena, Remembered, REMEMBERED);
    system->seed = (uint64_t)time_now() * 0x9e3779b97f4a7c15u ^ (uintptr_t)system;
}

FootprintSystem *footprint_system_plain(Arena *arena, bool mercator)
{
    FootprintSystem *system = arena_new(arena, FootprintSystem, 1);

    system->mercator = mercator;
    system->degrees = !mercator;
    return system;
}

/* Half the circumference of the sphere of EPSG:3857, metres. Source: EPSG method 1024. */
static const double half_world = 20037508.342789244;

/* ---- boxes ---- */

/* The range that a shape's points take so far; longitudes unwrapped along each part. */
typedef struct Range {
    double west, south, east, north;
    bool any, around_pole;
} Range;

static void add_point(Range *range, double lon, double lat)
{
    if (!range->any)
        *range = (Range){.west = lon,
                         .east = lon,
                         .south = lat,
                         .north = lat,
                         .any = true,
                         .around_pole = range->around_pole};
    range->west = fmin(range->west, lon);
    range->east = fmax(range->east, lon);
    range->south = fmin(range->south, lat);
    range->north = fmax(range->north, lat);
}

static bool to_degrees(FootprintSystem *system, GeometryPoint *point)
{
    if (system->degrees)
        return true;
    if (system->mercator) {
        *point = (GeometryPoint){point->x / half_world * 180,
                                 atan(sinh(point->y / half_world * M_PI)) / M_PI * 180};
        return true;
    }
    PJ_COORD out = proj.proj_trans(system->transform, PJ_FWD, (PJ_COORD){.v = {point->x, point->y, 0, 0}});

    if (!isfinite(out.xy.x) || !isfinite(out.xy.y))
        return false;
    *point = (GeometryPoint){out.xy.x, out.xy.y};
    return true;
}

/* Follows one part's edges in `steps` each. Going once around in longitude means going around a pole. */
static void add_part(FootprintSystem *system, const GeometryPart *part, int steps, Range *range)
{
    double first = NAN, last = NAN;

    for (size_t i = 0; i < part->count; i++) {
        GeometryPoint from = part->points[i], to = part->points[i + 1 < part->count ? i + 1 : i];

        for (int s = 0; s < (i + 1 < part->count ? steps : 1); s++) {
            double f = (double)s / steps;
            GeometryPoint at = {from.x + (to.x - from.x) * f, from.y + (to.y - from.y) * f};

            if (!to_degrees(system, &at))
                continue;
            if (!system->degrees && isfinite(last))
                at.x += 360 * round((last - at.x) / 360);
            last = at.x;
            if (isnan(first))
                first = last;
            add_point(range, at.x, at.y);
        }
    }
    if (part->closed && !system->degrees && fabs(last - first) > 180)
        range->around_pole = true;
}

static Range range_of(FootprintSystem *system, const Geometry *geometry, int steps)
{
    Range range = {0};

    for (size_t i = 0; i < geometry->count; i++) {
        Range part = {0};

        add_part(system, &geometry->parts[i], steps, &part);
        if (!part.any)
            continue;
        /* Parts start anywhere: bring this one beside the others. */
        double turn = range.any ? 360 * round((range.west + range.east - part.west - part.east) / 720) : 0;
        range.around_pole |= part.around_pole;
        add_point(&range, part.west + turn, part.south);
        add_point(&range, part.east + turn, part.north);
    }
    return range;
}

/* Into -180..180; 180 itself stays where it is. */
static double wrap(double lon)
{
    return lon >= -180 && lon <= 180 ? lon : lon - 360 * floor((lon + 180) / 360);
}

static FootprintBox box_of(const Range *range)
{
    FootprintBox box = {wrap(range->west), fmax(range->south, -90), wrap(range->east),
                        fmin(range->north, 90)};

    if (range->around_pole || range->east - range->west >= 360) {
        box.west = -180;
        box.east = 180;
    }
    if (range->around_pole && range->north + range->south > 0)
        box.north = 90;
    else if (range->around_pole)
        box.south = -90;
    return box;
}

static Footprint find_footprint(FootprintSystem *system, const Geometry *geometry)
{
    size_t corners = 1;

    for (size_t i = 0; i < geometry->count; i++)
        corners += geometry->parts[i].count;
    Range range = range_of(system, geometry, system->degrees ? 1 : FEW_STEPS);
    bool large = range.around_pole || range.east - range.west > large_degrees ||
                 range.north - range.south > large_degrees;
    if (!system->degrees && large && corners * MANY_STEPS <= STEPS_MAX)
        range = range_of(system, geometry, MANY_STEPS);
    return (Footprint){.known = range.any, .box = range.any ? box_of(&range) : (FootprintBox){0}};
}

Footprint footprint_of(FootprintSystem *system, const Geometry *geometry)
{
    if (!system || geometry->count == 0)
        return (Footprint){0};
    if (!system->remembered || geometry->wkb.len == 0)
        return find_footprint(system, geometry);
    XXH128_hash_t shape = XXH3_128bits_withSeed(geometry->wkb.ptr, geometry->wkb.len, system->seed);
    Remembered *known = &system->remembered[shape.low64 % REMEMBERED];
    if (!XXH128_isEqual(known->shape, shape))
        *known = (Remembered){shape, find_footprint(system, geometry)};
    return known->footprint;
}

int footprint_split(const FootprintBox *box, FootprintBox out[2])
{
    out[0] = *box;
    if (box->east >= box->west)
        return 1;
    out[1] = *box;
    out[0].east = 180;
    out[1].west = -180;
    return 2;
}

bool footprint_overlaps(const FootprintBox *a, const FootprintBox *b)
{
    FootprintBox as[2], bs[2];
    int an = footprint_split(a, as), bn = footprint_split(b, bs);

    for (int i = 0; i < an; i++)
        for (int j = 0; j < bn; j++)
            if (as[i].west <= bs[j].east && bs[j].west <= as[i].east && as[i].south <= bs[j].north &&
                bs[j].south <= as[i].north)
                return true;
    return false;
}

double footprint_mercator_x(double longitude)
{
    return longitude / 180 * half_world;
}

double footprint_mercator_y(double latitude)
{
    double y = log(tan((90 + fmin(fmax(latitude, -89.9999), 89.9999)) * M_PI / 360)) / M_PI * half_world;

    return fmin(fmax(y, -half_world), half_world);
}
