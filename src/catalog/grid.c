/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/grid.h"

#include <math.h>
#include <string.h>

#define DAYS(n) SECONDS((int64_t)(n)*86400)

/* The longest dataset of each class. Hourly and daily series, satellite composites, months, years, decades. */
static const Duration spans[GRID_SPANS] = {0,         DAYS(1),    DAYS(8),       DAYS(32),
                                           DAYS(367), DAYS(3660), INT64_MAX / 4, 0};

int grid_span(Instant first, Instant last)
{
    int span = 0;

    while (span < GRID_SPAN_NONE - 1 && last - first > spans[span])
        span++;
    return span;
}

Duration grid_span_most(int span)
{
    return spans[span];
}

int64_t grid_key(int name, int span, int level, uint32_t cell)
{
    return (int64_t)name << 40 | (int64_t)span << 37 | (int64_t)level << 32 | cell;
}

/* ---- cells ---- */

/* A block of cells of one level: columns from the antimeridian eastward, rows from the south pole. */
typedef struct Block {
    uint32_t left, bottom, right, top;
} Block;

static uint32_t cell_of(double part, int level)
{
    double cells = (double)(1U << level), at = floor(part * cells);

    return (uint32_t)(at < 0 ? 0 : at >= cells ? cells - 1 : at);
}

static Block block_of(const FootprintBox *box, int level)
{
    return (Block){cell_of((box->west + 180) / 360, level), cell_of((box->south + 90) / 180, level),
                   cell_of((box->east + 180) / 360, level), cell_of((box->north + 90) / 180, level)};
}

static uint32_t spread(uint32_t x)
{
    x = (x | x << 8) & 0x00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f;
    x = (x | x << 2) & 0x33333333;
    return (x | x << 1) & 0x55555555;
}

static uint32_t interleave(uint32_t column, uint32_t row)
{
    return spread(column) | spread(row) << 1;
}

/* Boxes are of points along the edges: what lies between two of them can bulge out by a little. */
static FootprintBox widen(const FootprintBox *box)
{
    double width = box->east < box->west ? box->east + 360 - box->west : box->east - box->west;
    double x = width * 0.02 + 1e-6, y = (box->north - box->south) * 0.02 + 1e-6;
    FootprintBox wide = {box->west - x, box->south - y, box->east + x, box->north + y};

    if (width + 2 * x >= 360) {
        wide.west = -180;
        wide.east = 180;
    } else if (box->east >= box->west) {
        /* What goes over the antimeridian only by the margin is cut there, but for the cell just behind it. */
        wide.west = wide.west < -180 ? wide.west + 360 : wide.west;
        wide.east = wide.east > 180 ? wide.east - 360 : wide.east;
    }
    return wide;
}

static int level_for(const FootprintBox *box)
{
    double width = (box->east < box->west ? box->east + 360 - box->west : box->east - box->west) / 360;
    double size = fmax(width, (box->north - box->south) / 180);
    int level = 0;

    while (level + 1 < GRID_LEVELS && 2 * size * (double)(1U << (level + 1)) <= 1)
        level++;
    return level;
}

int grid_cells(const Footprint *footprint, int *level, uint32_t cells[GRID_CELLS_MAX])
{
    FootprintBox parts[2];
    int count = 0;

    *level = 0;
    cells[0] = 0;
    if (!footprint->known)
        return 1;
    FootprintBox wide = widen(&footprint->box);
    *level = level_for(&wide);
    for (int p = 0, n = footprint_split(&wide, parts); p < n; p++) {
        Block block = block_of(&parts[p], *level);

        for (uint32_t row = block.bottom; row <= block.top; row++)
            for (uint32_t column = block.left; column <= block.right && count < GRID_CELLS_MAX; column++)
                cells[count++] = interleave(column, row);
    }
    return count;
}

static int16_t part_of(double part)
{
    return (int16_t)(fmin(fmax(floor(part * 65536), 0), 65535) - 32768);
}

GridBox grid_box(const Footprint *footprint)
{
    if (!footprint->known)
        return (GridBox){INT16_MIN, INT16_MIN, INT16_MAX, INT16_MAX};
    FootprintBox box = widen(&footprint->box);
    bool across = box.east < box.west;

    return (GridBox){across ? INT16_MIN : part_of((box.west + 180) / 360), part_of((box.south + 90) / 180),
                     across ? INT16_MAX : part_of((box.east + 180) / 360), part_of((box.north + 90) / 180)};
}

/* ---- ranges ---- */

typedef struct Ranges {
    GridRange *out;
    int count, most;
} Ranges;

/* Ranges come in ascending order, so one that begins where the last ends makes it longer. */
static void add_range(Ranges *ranges, uint32_t first, uint32_t last)
{
    GridRange *before = ranges->count ? &ranges->out[ranges->count - 1] : NULL;

    if (before && (first == before->last + 1 || ranges->count == ranges->most))
        before->last = last;
    else
        ranges->out[ranges->count++] = (GridRange){first, last};
}

/* Goes down the quadtree to `depth` at the most; a square that the block touches is then taken whole. */
// NOLINTNEXTLINE(misc-no-recursion): at most GRID_LEVELS deep
static void cover(Ranges *ranges, const Block *block, uint32_t column, uint32_t row, int level, int depth)
{
    uint32_t size = 1U << level, first = interleave(column, row);
    uint32_t last = first + (uint32_t)(((uint64_t)1 << (2 * level)) - 1);

    if (column > block->right || row > block->top || column + (size - 1) < block->left ||
        row + (size - 1) < block->bottom)
        return;
    bool inside = column >= block->left && row >= block->bottom && column + (size - 1) <= block->right &&
                  row + (size - 1) <= block->top;
    if (inside || level == 0 || depth == 0) {
        add_range(ranges, first, last);
        return;
    }
    for (uint32_t quarter = 0; quarter < 4; quarter++)
        cover(ranges, block, column + (quarter & 1) * size / 2, row + (quarter >> 1) * size / 2, level - 1,
              depth - 1);
}

/* How deep to go for about `most` ranges: below the block's own size the edge doubles with every level. */
static int depth_for(const Block *block, int level, int most)
{
    uint32_t width = block->right - block->left + 1, height = block->top - block->bottom + 1;
    uint32_t edge = width > height ? width : height;
    int own = 0;

    while ((edge >> own) > 1)
        own++;
    int depth = level - own;
    for (int ranges = 4; ranges < most; ranges *= 2)
        depth++;
    return depth > level ? level : depth;
}

int grid_ranges(const FootprintBox *box, int level, int most, GridRange *out)
{
    FootprintBox parts[2];
    int n = footprint_split(box, parts), count = 0;

    for (int p = 0; p < n; p++) {
        Block block = block_of(&parts[p], level);
        Ranges ranges = {.out = out + count, .most = most / n};

        cover(&ranges, &block, 0, 0, level, depth_for(&block, level, most / n));
        count += ranges.count;
    }
    return count;
}

uint64_t grid_count(const FootprintBox *box, int level)
{
    FootprintBox parts[2];
    uint64_t count = 0;

    for (int p = 0, n = footprint_split(box, parts); p < n; p++) {
        Block block = block_of(&parts[p], level);
        count += (uint64_t)(block.right - block.left + 1) * (block.top - block.bottom + 1);
    }
    return count;
}
