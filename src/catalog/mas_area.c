/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/mas_area.h"

#include <math.h>

#include "catalog/grid.h"

enum {
    EXACT_MAX = 256, /* cells of one size that are covered by runs of these and no others */
    RUNS_MAX = 48,   /* runs of one size that cover more */
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

static uint64_t count_cells(const MasArea *area, int size)
{
    uint64_t cells = 0;

    for (int b = 0; b < area->box_count; b++)
        cells += grid_count(&area->boxes[b], size);
    return cells;
}

static int add_run(MasProbes *probes, uint64_t first, uint64_t last)
{
    add(&probes->firsts, (int64_t)first);
    add(&probes->lasts, (int64_t)last);
    return 1;
}

static int add_cells(MasProbes *probes, const GridRange *run)
{
    int added = 0;

    for (uint64_t cell = run->first; cell <= run->last; cell++)
        added += add_run(probes, cell, cell);
    return added;
}

/* Returns how many runs were added. */
static int add_size(MasProbes *probes, const MasArea *area, int size, bool timed)
{
    GridRange runs[2 * MAS_CELLS_MAX];
    int added = 0;

    for (int b = 0; b < area->box_count; b++) {
        bool exact = timed || grid_count(&area->boxes[b], size) <= EXACT_MAX;
        int count = grid_ranges(&area->boxes[b], size, exact ? (int)COUNT_OF(runs) : RUNS_MAX, runs);

        for (int i = 0; i < count; i++)
            added += timed ? add_cells(probes, &runs[i]) : add_run(probes, runs[i].first, runs[i].last);
    }
    return added;
}

static void add_sizes(MasProbes *probes, const MasArea *area, bool timed, uint32_t sizes)
{
    int runs = 0;

    for (int size = 0; size < GRID_LEVELS; size++) {
        uint64_t count = count_cells(area, size);

        add(&probes->counts, (int64_t)count);
        add(&probes->runs_at, runs);
        if ((sizes >> size & 1) && (!timed || count <= MAS_CELLS_MAX))
            runs += add_size(probes, area, size, timed);
    }
    add(&probes->runs_at, runs);
}

/* A dataset of a class that has a stamp in the period ends at the latest so long after it as the class allows. */
static void add_ends(MasProbes *probes, const MasPeriod *period)
{
    for (int span = 0; span < GRID_SPANS; span++) {
        Instant end = period->until + (period->given ? grid_span_most(span) : 0);
        bool open = !period->given || span >= GRID_SPAN_NONE - 1;

        add(&probes->ends_us, open ? INT64_MAX : end);
        if (open)
            buf_put_z(&probes->ends, probes->ends.len ? ",infinity" : "{infinity");
        else
            add_time(&probes->ends, end);
    }
}

#define ALL_OF(probes)                                                                                  \
    {                                                                                                   \
        &(probes)->counts, &(probes)->firsts, &(probes)->lasts, &(probes)->runs_at, &(probes)->ends_us, \
            &(probes)->ends                                                                             \
    }

void mas_probes_make(MasProbes *probes, const MasArea *area, const MasPeriod *period, uint32_t sizes)
{
    Buf *const all[] = ALL_OF(probes);

    add_sizes(probes, area, period->given, sizes);
    add_ends(probes, period);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        finish(all[i]);
}

void mas_probes_release(MasProbes *probes)
{
    Buf *const all[] = ALL_OF(probes);

    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_release(all[i]);
}
