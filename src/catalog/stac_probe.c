/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/stac_probe.h"

#include "catalog_sql.h"
#include "db/copy.h"

enum {
    PROBES_MAX = 8192,     /* each is a descent into an index */
    CELLS_MAX = 1024,      /* with a time given, more are found by time */
    LEVEL_CELLS_MAX = 256, /* of one level, asked for one by one */
    RANGES_MAX = 48,       /* of one level */
};

bool stac_levels_read(Arena *arena, Db *db, StacLevels *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query_binary(db, &sql_stac_levels, DB_NO_ARGS, &rows, err))
        return false;
    *out = (StacLevels){.count = (size_t)db_count(rows)};
    out->at = arena_new(arena, StacLevel, out->count);
    for (int r = 0; r < db_count(rows); r++) {
        out->at[r] = (StacLevel){copy_get_int4(db_text(rows, r, 0)), copy_get_int2(db_text(rows, r, 1)),
                                 copy_get_int2(db_text(rows, r, 2))};
        out->datasets += copy_get_int8(db_text(rows, r, 3));
    }
    return true;
}

/* ---- arrays ---- */

static void add(Buf *array, int64_t value)
{
    buf_put_byte(array, array->len ? ',' : '{');
    buf_put_int(array, value);
}

static void add_time(Buf *array, const Instant *at, const char *open)
{
    char text[TIME_TEXT_MAX];

    buf_put_byte(array, array->len ? ',' : '{');
    if (at)
        buf_put(array, time_format(*at, text));
    else
        buf_put_z(array, open);
}

typedef Buf *const BufList[11];
#define ALL(p)                                                                                      \
    {                                                                                               \
        &(p)->keys, &(p)->key_since, &(p)->key_until, &(p)->firsts, &(p)->lasts, &(p)->range_since, \
            &(p)->range_until, &(p)->names, &(p)->classes, &(p)->time_since, &(p)->time_until       \
    }

void stac_probes_release(StacProbes *probes)
{
    BufList all = ALL(probes);

    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_release(all[i]);
}

/* ---- places ---- */

typedef struct Making {
    StacProbes *out;
    const Instant *since, *until;
} Making;

/* Between which last stamps a dataset of a class lies that has one in the period; without stamps it may lie anywhere. */
static void bounds_of(const Making *making, int span, Instant *since, Instant *until)
{
    bool any = span == GRID_SPAN_NONE;

    *since = any || !making->since ? INT64_MIN : *making->since;
    *until = any || !making->until ? INT64_MAX : *making->until + grid_span_most(span);
}

static void add_range(const Making *making, const StacLevel *level, GridRange range, bool whole)
{
    StacProbes *out = making->out;
    Instant since, until;

    bounds_of(making, level->span, &since, &until);
    if (whole || range.last - range.first >= LEVEL_CELLS_MAX) {
        add(&out->firsts, grid_key(level->name, level->span, level->level, range.first));
        add(&out->lasts, grid_key(level->name, level->span, level->level, range.last));
        add(&out->range_since, since);
        add(&out->range_until, until);
        out->count++;
        return;
    }
    for (uint64_t cell = range.first; cell <= range.last; cell++) {
        add(&out->keys, grid_key(level->name, level->span, level->level, (uint32_t)cell));
        add(&out->key_since, since);
        add(&out->key_until, until);
        out->count++;
    }
}

/* A run of cells is as good as one by one where no time is asked for. */
static void add_cells(const Making *making, const StacLevel *level, const FootprintBox *box)
{
    GridRange ranges[2 * LEVEL_CELLS_MAX];
    uint64_t cells = grid_count(box, level->level);
    int count =
        grid_ranges(box, level->level, cells <= LEVEL_CELLS_MAX ? 2 * LEVEL_CELLS_MAX : RANGES_MAX, ranges);
    bool timed = (making->since || making->until) && level->span != GRID_SPAN_NONE;

    for (int i = 0; i < count; i++)
        add_range(making, level, ranges[i], !timed);
}

static uint64_t cells_of(const StacPlace *place, const StacLevels *levels)
{
    uint64_t cells = 0;

    for (size_t i = 0; i < levels->count; i++)
        for (int b = 0; b < place->count; b++)
            cells += grid_count(&place->boxes[b], levels->at[i].level);
    return cells;
}

/* ---- times ---- */

static bool is_known(const StacLevels *levels, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (levels->at[j].name == levels->at[i].name && levels->at[j].span == levels->at[i].span)
            return true;
    return false;
}

static void add_time_of(const Making *making, const StacLevel *level)
{
    StacProbes *out = making->out;
    bool bounded = making->until && level->span < GRID_SPAN_NONE - 1;
    Instant last = bounded ? *making->until + grid_span_most(level->span) : 0;

    add(&out->names, level->name);
    add(&out->classes, level->span);
    add_time(&out->time_since, making->since, "-infinity");
    add_time(&out->time_until, bounded ? &last : NULL, "infinity");
    out->count++;
}

/* ---- all ---- */

bool stac_probes_make(StacProbes *out, const StacPlace *place, const Instant *since, const Instant *until,
                      const StacLevels *levels)
{
    Making making = {out, since, until};
    BufList all = ALL(out);
    bool timed = since || until;

    if (place->count == 0 && !timed)
        return false;
    bool by_time = timed && (place->count == 0 || cells_of(place, levels) > CELLS_MAX);
    for (size_t i = 0; i < levels->count && out->count <= PROBES_MAX; i++) {
        for (int b = 0; !by_time && b < place->count; b++)
            add_cells(&making, &levels->at[i], &place->boxes[b]);
        /* Datasets without stamps have the time of something else: all of them may fit. */
        if (by_time && levels->at[i].span == GRID_SPAN_NONE)
            add_range(&making, &levels->at[i], (GridRange){0, UINT32_MAX}, true);
        else if (by_time && !is_known(levels, i))
            add_time_of(&making, &levels->at[i]);
    }
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_put_z(all[i], all[i]->len ? "}" : "{}");
    return out->count <= PROBES_MAX;
}

Str stac_place_parts(Arena *arena, const StacPlace *place)
{
    GridBox all = {INT16_MAX, INT16_MAX, INT16_MIN, INT16_MIN};

    for (int i = 0; i < place->count; i++) {
        GridBox box = grid_box(&(Footprint){.box = place->boxes[i], .known = true});

        all.west = box.west < all.west ? box.west : all.west;
        all.south = box.south < all.south ? box.south : all.south;
        all.east = box.east > all.east ? box.east : all.east;
        all.north = box.north > all.north ? box.north : all.north;
    }
    if (place->count == 0)
        all = (GridBox){INT16_MIN, INT16_MIN, INT16_MAX, INT16_MAX};
    return str_printf(arena, "{%d,%d,%d,%d}", all.west, all.south, all.east, all.north);
}
