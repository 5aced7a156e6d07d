/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/footprint.h"

#include <math.h>

#include "base/buf.h"

typedef struct Point {
    double x, y;
} Point;

typedef struct Ring {
    Point *at;
    size_t len;
} Ring;

static Str ring_text(Arena *arena, const Ring *ring)
{
    BUF_SCOPE(out);

    buf_put(&out, STR("POLYGON (("));
    for (size_t i = 0; i <= ring->len; i++) { /* the first again at the end */
        const Point *point = &ring->at[i % ring->len];

        if (!isfinite(point->x) || !isfinite(point->y))
            return STR("POLYGON EMPTY");
        buf_printf(&out, "%s%f %f", i > 0 ? "," : "", point->x, point->y);
    }
    buf_put(&out, STR("))"));
    return str_copy(arena, buf_str(&out));
}

static Point through(const double t[6], double column, double row)
{
    return (Point){t[0] + column * t[1] + row * t[2], t[3] + column * t[4] + row * t[5]};
}

Str footprint_of_transform(Arena *arena, const double t[6], int64_t width, int64_t height)
{
    double w = (double)width, h = (double)height;
    Point corners[] = {through(t, 0, 0), through(t, 0, h), through(t, w, h), through(t, w, 0)};

    return ring_text(arena, &(Ring){corners, COUNT_OF(corners)});
}

Str footprint_of_box(Arena *arena, double left, double top, double right, double bottom)
{
    Point corners[] = {{left, top}, {left, bottom}, {right, bottom}, {right, top}};

    return ring_text(arena, &(Ring){corners, COUNT_OF(corners)});
}

/* --- coordinates of the two sides --- */

/* The outer edges of cells whose centres are given. */
static void edges_of(const NcSide *side, double *first, double *last)
{
    size_t n = side->len;

    if (side->is_x && side->is_degrees)
        for (size_t i = 1; i < n; i++)
            side->at[i] -= 360 * nearbyint((side->at[i] - side->at[i - 1]) / 360);
    *first = side->at[0] - (n > 1 ? (side->at[1] - side->at[0]) / 2 : 0);
    *last = side->at[n - 1] + (n > 1 ? (side->at[n - 1] - side->at[n - 2]) / 2 : 0);
    if (!side->is_x && side->is_degrees) { /* the cells at the poles end there */
        *first = fmax(-90, fmin(90, *first));
        *last = fmax(-90, fmin(90, *last));
    }
}

bool footprint_transform(const NcGrid *grid, double out[6])
{
    double first[2], step[2];
    int x = grid->side[0].is_x ? 0 : 1;

    if (!grid->side[0].at || !grid->side[1].at || grid->side[0].is_x == grid->side[1].is_x)
        return false;
    for (int s = 0; s < 2; s++) {
        double last;

        edges_of(&grid->side[s], &first[s], &last);
        step[s] = (last - first[s]) / (double)grid->side[s].len;
    }
    out[0] = first[x];
    out[3] = first[1 - x];
    out[1] = x == 0 ? step[0] : 0;
    out[2] = x == 0 ? 0 : step[1];
    out[4] = x == 0 ? 0 : step[0];
    out[5] = x == 0 ? step[1] : 0;
    return true;
}

bool footprint_of_points(Arena *arena, const double *lon, const double *lat, size_t len, Str *out)
{
    const double pad = 1e-6; /* a ring needs an area */
    double box[4] = {INFINITY, -INFINITY, -INFINITY, INFINITY};

    for (size_t i = 0; i < len; i++)
        if (fabs(lon[i]) <= 540 && fabs(lat[i]) <= 90) {
            box[0] = fmin(box[0], lon[i]);
            box[1] = fmax(box[1], lat[i]);
            box[2] = fmax(box[2], lon[i]);
            box[3] = fmin(box[3], lat[i]);
        }
    if (box[0] > box[2])
        return false;
    *out = footprint_of_box(arena, box[0] - pad, box[1] + pad, box[2] + pad, box[3] - pad);
    return true;
}

/* --- curvilinear grids --- */

enum { SAMPLES = 33 };

typedef struct Bands {
    GDALRasterBandH x, y;
    int columns, rows;
    double *row_x, *row_y; /* one row of each */
    double nodata[2];
    bool degrees;
} Bands;

static bool read_row(Bands *bands, int row)
{
    return GDALRasterIO(bands->x, GF_Read, 0, row, bands->columns, 1, bands->row_x, bands->columns, 1,
                        GDT_Float64, 0, 0) == CE_None &&
           GDALRasterIO(bands->y, GF_Read, 0, row, bands->columns, 1, bands->row_y, bands->columns, 1,
                        GDT_Float64, 0, 0) == CE_None;
}

static bool valid_cell(const Bands *bands, int column)
{
    double x = bands->row_x[column], y = bands->row_y[column];

    if (!isfinite(x) || !isfinite(y) || x == bands->nodata[0] || y == bands->nodata[1])
        return false;
    return bands->degrees ? fabs(x) <= 720 && fabs(y) <= 90 : fabs(x) < 1e20 && fabs(y) < 1e20;
}

/* The first valid cell from `from` towards `to`, or -1. */
static int seek_valid(const Bands *bands, int from, int to)
{
    int step = from <= to ? 1 : -1;

    for (int c = from; c != to + step; c += step)
        if (valid_cell(bands, c))
            return c;
    return -1;
}

static int sample_at(int i, int size)
{
    return (int)((int64_t)i * (size - 1) / (SAMPLES - 1));
}

/* The valid cells of the current row, from left to right, at the sample columns. */
static void add_row(const Bands *bands, Ring *out)
{
    int previous = -1;

    for (int i = 0; i < SAMPLES; i++) {
        int column = sample_at(i, bands->columns);

        if (column != previous && valid_cell(bands, column))
            out->at[out->len++] = (Point){bands->row_x[column], bands->row_y[column]};
        previous = column;
    }
}

/* Walks the sampled rows down and collects the four chains of the outline. */
static bool collect_chains(Bands *bands, Ring *left, Ring *right, Ring *top, Ring *bottom)
{
    int previous = -1;

    for (int i = 0; i < SAMPLES; i++) {
        int row = sample_at(i, bands->rows), first, last;

        if (row == previous)
            continue;
        previous = row;
        if (!read_row(bands, row))
            return false;
        first = seek_valid(bands, 0, bands->columns - 1);
        if (first < 0)
            continue;
        last = seek_valid(bands, bands->columns - 1, 0);
        left->at[left->len++] = (Point){bands->row_x[first], bands->row_y[first]};
        right->at[right->len++] = (Point){bands->row_x[last], bands->row_y[last]};
        if (left->len == 1)
            add_row(bands, top);
        bottom->len = 0;
        add_row(bands, bottom);
    }
    return left->len > 0;
}

static void append(Ring *ring, Point point)
{
    const Point *last = ring->len > 0 ? &ring->at[ring->len - 1] : NULL;

    if (!last || last->x != point.x || last->y != point.y)
        ring->at[ring->len++] = point;
}

/* Longitudes without jumps. Returns by how much the ring ends beside its start: 0, or 360 around a pole. */
static double unwrap(Ring *ring)
{
    double least = ring->at[0].x, shift, end;

    for (size_t i = 1; i < ring->len; i++) {
        ring->at[i].x -= 360 * nearbyint((ring->at[i].x - ring->at[i - 1].x) / 360);
        least = fmin(least, ring->at[i].x);
    }
    shift = 360 * floor((least + 180) / 360);
    for (size_t i = 0; i < ring->len; i++)
        ring->at[i].x -= shift;
    end = ring->at[ring->len - 1].x - ring->at[0].x;
    return 360 * nearbyint(end / 360);
}

static void close_over_pole(Ring *ring, double turn)
{
    double sum = 0;
    Point first = ring->at[0];

    for (size_t i = 0; i < ring->len; i++)
        sum += ring->at[i].y;
    append(ring, (Point){first.x + turn, first.y});
    append(ring, (Point){first.x + turn, sum > 0 ? 90 : -90});
    append(ring, (Point){first.x, sum > 0 ? 90 : -90});
}

/* Drops points that hardly leave the line between their neighbours. */
static void thin(Ring *ring)
{
    double low = INFINITY, high = -INFINITY, limit;
    size_t kept = 1;

    for (size_t i = 0; i < ring->len; i++) {
        low = fmin(low, ring->at[i].x);
        high = fmax(high, ring->at[i].x);
    }
    limit = (high - low) * 1e-4;
    for (size_t i = 1; i < ring->len; i++) {
        Point a = ring->at[kept - 1], b = ring->at[i], c = ring->at[(i + 1) % ring->len];
        double length = hypot(c.x - a.x, c.y - a.y);
        double area = fabs((c.x - a.x) * (b.y - a.y) - (c.y - a.y) * (b.x - a.x));
        bool between = (b.x - a.x) * (b.x - c.x) + (b.y - a.y) * (b.y - c.y) <= 0;

        if (length > 0 && between && area / length < limit)
            continue;
        ring->at[kept++] = b;
    }
    ring->len = kept;
}

static void set_nodata(Bands *bands)
{
    GDALRasterBandH both[] = {bands->x, bands->y};

    for (int i = 0; i < 2; i++) {
        int has = 0;
        double value = GDALGetRasterNoDataValue(both[i], &has);

        bands->nodata[i] = has ? value : NAN;
    }
}

bool footprint_of_bands(Arena *arena, GDALRasterBandH x, GDALRasterBandH y, bool degrees, Str *out)
{
    enum { COLUMNS_MAX = 1 << 20 };
    ARENA_SCOPE(scratch);
    Bands bands = {.x = x,
                   .y = y,
                   .columns = GDALGetRasterBandXSize(x),
                   .rows = GDALGetRasterBandYSize(x),
                   .degrees = degrees};
    Ring chain[4], ring = {arena_new(&scratch, Point, 4 * SAMPLES + 8), 0};
    double turn;

    if (bands.columns > COLUMNS_MAX || GDALGetRasterBandXSize(y) != bands.columns ||
        GDALGetRasterBandYSize(y) != bands.rows)
        return false;
    bands.row_x = arena_new(&scratch, double, (size_t)bands.columns);
    bands.row_y = arena_new(&scratch, double, (size_t)bands.columns);
    for (int i = 0; i < 4; i++)
        chain[i] = (Ring){arena_new(&scratch, Point, SAMPLES), 0};
    set_nodata(&bands);
    if (!collect_chains(&bands, &chain[0], &chain[1], &chain[2], &chain[3]))
        return false;
    for (size_t i = 0; i < chain[0].len; i++)
        append(&ring, chain[0].at[i]);
    for (size_t i = 0; i < chain[3].len; i++)
        append(&ring, chain[3].at[i]);
    for (size_t i = chain[1].len; i > 0; i--)
        append(&ring, chain[1].at[i - 1]);
    for (size_t i = chain[2].len; i > 0; i--)
        append(&ring, chain[2].at[i - 1]);
    turn = degrees ? unwrap(&ring) : 0;
    if (turn != 0)
        close_over_pole(&ring, turn);
    thin(&ring);
    if (ring.len < 3)
        return footprint_of_points(arena, &ring.at[0].x, &ring.at[0].y, 1, out);
    *out = ring_text(arena, &ring);
    return true;
}
