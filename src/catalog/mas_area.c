/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/mas_area.h"

#include <math.h>

#include "catalog/grid.h"

enum {
    CELLS_MAX = 1024,      /* asked for one by one; with a time given, more are found by time */
    LEVEL_CELLS_MAX = 256, /* of one level, asked for one by one */
    RANGES_MAX = 48,       /* of one level */
};

/* Degrees: above it a mask is no longer flat enough for one plane; longest edge of one below. */
static const double large_degrees = 50, edge_degrees = 2;

/* ---- reading ---- */

typedef struct Extent {
    double west, south, east, north;
} Extent;

static Extent extent_of(const Geometry *shape)
{
    Extent e = {INFINITY, INFINITY, -INFINITY, -INFINITY};

    for (size_t i = 0; i < shape->count; i++)
        for (size_t j = 0; j < shape->parts[i].count; j++) {
            const GeometryPoint *p = &shape->parts[i].points[j];
            e = (Extent){fmin(e.west, p->x), fmin(e.south, p->y), fmax(e.east, p->x), fmax(e.north, p->y)};
        }
    return e;
}

static double width_of(const FootprintBox *box)
{
    return box->east < box->west ? box->east + 360 - box->west : box->east - box->west;
}

/* Room for edges that bend between their ends, and for what boxes of datasets round off. */
static FootprintBox widen(const FootprintBox *box, double part)
{
    double width = width_of(box), x = width * part + 1e-6, y = (box->north - box->south) * part + 1e-6;
    FootprintBox wide = {box->west - x, fmax(box->south - y, -90), box->east + x, fmin(box->north + y, 90)};

    /* Near a pole a little way is many degrees. */
    if (width + 2 * x >= 360 || fmax(fabs(wide.south), fabs(wide.north)) > 85) {
        wide.west = -180;
        wide.east = 180;
    }
    wide.west = wide.west < -180 ? wide.west + 360 : wide.west;
    wide.east = wide.east > 180 ? wide.east - 360 : wide.east;
    return wide;
}

static bool add_box(MasArea *area, FootprintSystem *system, const Geometry *shape, double part)
{
    Footprint footprint = footprint_of(system, shape);

    if (!footprint.known || footprint.box.south > footprint.box.north)
        return false;
    area->boxes[area->box_count++] = widen(&footprint.box, part);
    return true;
}

/* One box a part, or one for all where there are many; a hole's lies within its polygon's. */
static void add_boxes(MasArea *area, FootprintSystem *system, const Geometry *shape, double part)
{
    if (shape->count > AREA_BOXES_MAX) {
        (void)add_box(area, system, shape, part);
        return;
    }
    for (size_t i = 0; i < shape->count; i++) {
        Geometry one = {.parts = &shape->parts[i], .count = 1};

        (void)add_box(area, system, &one, part);
    }
}

static void look_around(MasArea *area)
{
    area->around = area->boxes[0];
    for (int i = 0; i < area->box_count; i++) {
        const FootprintBox *box = &area->boxes[i];
        bool across = box->east < box->west;

        area->degrees |= across || width_of(box) > large_degrees || box->north - box->south > large_degrees ||
                         box->north > 85 || box->south < -85;
        area->around = (FootprintBox){
            across ? -180 : fmin(area->around.west, box->west), fmin(area->around.south, box->south),
            across ? 180 : fmax(area->around.east, box->east), fmax(area->around.north, box->north)};
    }
}

/* A rectangle along the axes: five corners, each on the extent, each edge along one axis. */
static bool is_rectangle(const Geometry *shape, const Extent *e)
{
    const GeometryPart *ring = &shape->parts[0];

    if (shape->count != 1 || !ring->closed || ring->count != 5)
        return false;
    for (size_t i = 0; i < 4; i++) {
        const GeometryPoint *p = &ring->points[i], *q = &ring->points[i + 1];

        if ((p->x != e->west && p->x != e->east) || (p->y != e->south && p->y != e->north) ||
            (p->x != q->x) == (p->y != q->y))
            return false;
    }
    return true;
}

static void find_inner(MasArea *area, const MasAreaSystem *system, const Geometry *shape, const Extent *e)
{
    Footprint footprint = footprint_of(system->system, shape);

    if (!system->square || !is_rectangle(shape, e) || !footprint.known ||
        footprint.box.east <= footprint.box.west)
        return;
    area->has_inner = true;
    area->inner = footprint.box;
}

/* Longer edges bend too much: at most edge_degrees, whatever the unit is. */
static double edge_of(const MasArea *area, const Extent *e, int64_t parts, bool plain)
{
    double width = e->east - e->west, most = fmax(width, e->north - e->south);
    double edge = ceil(width / (double)parts), turned = 0;

    for (int i = 0; i < area->box_count; i++)
        turned = fmax(turned, fmax(width_of(&area->boxes[i]), area->boxes[i].north - area->boxes[i].south));
    if (!plain && turned > edge_degrees)
        edge = fmin(edge > 0 ? edge : most, most * edge_degrees / turned);
    return edge > 0 ? fmax(edge, most / AREA_EDGE_PARTS_MAX) : 0;
}

static bool is_on_earth(const MasAreaSystem *system, const Extent *e)
{
    return system->srid != 4326 || (e->west >= -360 && e->east <= 360 && e->south <= 90 && e->north >= -90);
}

bool mas_area_read(GeometryReader *reader, const MasAreaSystem *system, Arena *arena, Str wkt, int64_t parts,
                   bool plain, MasArea *out, Err *err)
{
    Geometry shape;
    BUF_SCOPE(ewkb);
    MasArea area = {.given = true};

    if (!geometry_parse(reader, arena, wkt, &shape, err))
        return false;
    Extent extent = extent_of(&shape);
    area.empty = shape.count == 0;
    area.flat = !area.empty && shape.parts[0].closed && extent.east == extent.west;
    area.nothing = area.empty || !is_on_earth(system, &extent);
    if (!area.nothing) {
        add_boxes(&area, system->system, &shape, plain ? 0.1 : 0.02);
        find_inner(&area, system, &shape, &extent);
        area.edge = edge_of(&area, &extent, parts, plain);
    }
    area.nothing |= area.box_count == 0;
    if (area.box_count)
        look_around(&area);
    for (size_t i = 0; i < shape.count; i++)
        area.points += shape.parts[i].count;
    geometry_put_ewkb(&ewkb, &shape, system->srid);
    area.ewkb = str_copy(arena, buf_str(&ewkb));
    *out = area;
    return true;
}

/* ---- keys ---- */

static void add(Buf *array, int64_t value)
{
    buf_put_byte(array, array->len ? ',' : '{');
    buf_put_int(array, value);
}

static void add_time(Buf *array, Instant at)
{
    char text[TIME_TEXT_MAX];

    buf_put_byte(array, array->len ? ',' : '{');
    buf_put(array, time_format(at, text));
}

static void finish(Buf *array)
{
    buf_put_z(array, array->len ? "}" : "{}");
}

/* Between which last stamps a dataset of a class lies that has one in the period. */
static void bounds_of(const MasPeriod *period, int span, Instant *since, Instant *until)
{
    *since = period->given ? period->since : INT64_MIN;
    *until = period->given ? period->until + grid_span_most(span) : INT64_MAX;
}

static void add_range(MasProbes *probes, const MasLevel *level, GridRange range, const MasPeriod *period)
{
    Instant since, until;

    bounds_of(period, level->span, &since, &until);
    if (range.last - range.first >= LEVEL_CELLS_MAX) {
        add(&probes->firsts, grid_key(level->name, level->span, level->level, range.first));
        add(&probes->lasts, grid_key(level->name, level->span, level->level, range.last));
        add(&probes->range_since, since);
        add(&probes->range_until, until);
        return;
    }
    for (uint64_t cell = range.first; cell <= range.last; cell++) {
        add(&probes->keys, grid_key(level->name, level->span, level->level, (uint32_t)cell));
        add(&probes->key_since, since);
        add(&probes->key_until, until);
    }
}

static void add_cells(MasProbes *probes, const MasLevel *level, const FootprintBox *box,
                      const MasPeriod *period)
{
    GridRange ranges[2 * LEVEL_CELLS_MAX];
    uint64_t cells = grid_count(box, level->level);
    int count =
        grid_ranges(box, level->level, cells <= LEVEL_CELLS_MAX ? 2 * LEVEL_CELLS_MAX : RANGES_MAX, ranges);

    for (int i = 0; i < count; i++)
        add_range(probes, level, ranges[i], period);
}

static void add_times(MasProbes *probes, const MasPeriod *period, const MasLevel *levels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Instant until = period->until + grid_span_most(levels[i].span);
        bool known = levels[i].span == GRID_SPAN_NONE;

        for (size_t j = 0; j < i && !known; j++)
            known = levels[j].name == levels[i].name && levels[j].span == levels[i].span;
        if (known)
            continue;
        add(&probes->names, levels[i].name);
        add(&probes->classes, levels[i].span);
        add_time(&probes->time_since, period->since);
        if (levels[i].span < GRID_SPAN_NONE - 1)
            add_time(&probes->time_until, until);
        else
            buf_put_z(&probes->time_until, probes->time_until.len ? ",infinity" : "{infinity");
    }
}

static uint64_t cells_of(const MasArea *area, const MasLevel *levels, size_t count)
{
    uint64_t cells = 0;

    for (size_t i = 0; i < count; i++)
        for (int b = 0; b < area->box_count; b++)
            cells += grid_count(&area->boxes[b], levels[i].level);
    return cells;
}

void mas_probes_make(MasProbes *probes, const MasArea *area, const MasPeriod *period, const MasLevel *levels,
                     size_t count)
{
    probes->by_time = period->given && (!area->given || cells_of(area, levels, count) > CELLS_MAX);
    if (probes->by_time)
        add_times(probes, period, levels, count);
    else
        for (size_t i = 0; i < count; i++)
            for (int b = 0; b < area->box_count; b++)
                add_cells(probes, &levels[i], &area->boxes[b], period);
    Buf *const all[] = {&probes->keys,    &probes->key_since,   &probes->key_until,   &probes->firsts,
                        &probes->lasts,   &probes->range_since, &probes->range_until, &probes->names,
                        &probes->classes, &probes->time_since,  &probes->time_until};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        finish(all[i]);
}

void mas_probes_release(MasProbes *probes)
{
    Buf *const all[] = {&probes->keys,    &probes->key_since,   &probes->key_until,   &probes->firsts,
                        &probes->lasts,   &probes->range_since, &probes->range_until, &probes->names,
                        &probes->classes, &probes->time_since,  &probes->time_until};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_release(all[i]);
}
