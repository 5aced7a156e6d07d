/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/plan.h"

#include <math.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/map.h"

/* Rows of one tree, one after another; for a plan by rows or key that is not needed. */
typedef struct TreeRun {
    PlanRun run;
    size_t tree;
} TreeRun;

typedef struct Planning {
    const PlanRule *rule;
    Source **sources;
    size_t sources_count;
    Arena scratch;
    Arena *arena;
    Plan *plan;
    Map trees_by_key;
    size_t trees_size;
    TreeRun *runs;
    size_t runs_count, runs_size;
    Map tables_by_number;
    int64_t *numbers; /* of the tables */
    size_t tables_size;
    int64_t number;
    PlanExtent all;
    const atomic_bool *stop;
    double origin;
    int64_t cells; /* along one side */
    bool keep_trees;
} Planning;

/* Room for one more in an array that only grows. */
static void *grow(Arena *arena, void *items, size_t item_bytes, size_t count, size_t *size)
{
    if (items && count < *size)
        return items;
    *size = *size ? *size * 2 : 64;
    void *more = arena_alloc(arena, item_bytes, alignof(max_align_t), *size);
    if (items)
        memcpy(more, items, count * item_bytes);
    return more;
}

#define GROW(arena, items, count, size) ((items) = grow(arena, items, sizeof *(items), count, &(size)))

/* ---- extents ---- */

static PlanExtent nothing(void)
{
    return (PlanExtent){.low = {INFINITY, INFINITY, INFINITY},
                        .high = {-INFINITY, -INFINITY, -INFINITY},
                        .snap_low = INT32_MAX,
                        .snap_high = INT32_MIN};
}

bool plan_has_place(const PlanExtent *extent)
{
    return extent->low[0] <= extent->high[0] && extent->low[1] <= extent->high[1] &&
           extent->low[2] <= extent->high[2];
}

static void take_snap(PlanExtent *extent, int32_t low, int32_t high)
{
    extent->snap_low = low < extent->snap_low ? low : extent->snap_low;
    extent->snap_high = high > extent->snap_high ? high : extent->snap_high;
}

/* The bounds hold the value also where a float cannot. */
static void take_site(PlanExtent *extent, const Site *site)
{
    extent->rows++;
    for (int i = 0; i < 3; i++) {
        float at = (float)site->at[i];

        if (isnan(at))
            continue;
        float low = (double)at > site->at[i] ? nextafterf(at, -INFINITY) : at,
              high = (double)at < site->at[i] ? nextafterf(at, INFINITY) : at;
        extent->low[i] = low < extent->low[i] ? low : extent->low[i];
        extent->high[i] = high > extent->high[i] ? high : extent->high[i];
    }
    if (site->snap != SITE_NO_SNAP)
        take_snap(extent, site->snap, site->snap);
}

static void take_extent(PlanExtent *extent, const PlanExtent *other)
{
    extent->rows += other->rows;
    for (int i = 0; i < 3; i++) {
        extent->low[i] = fminf(extent->low[i], other->low[i]);
        extent->high[i] = fmaxf(extent->high[i], other->high[i]);
    }
    take_snap(extent, other->snap_low, other->snap_high);
}

/* ---- tables ---- */

static bool find_table(Planning *p, int64_t number, size_t *out, Err *err)
{
    Plan *plan = p->plan;
    void **slot = map_slot(&p->tables_by_number, &p->scratch, (Str){(const char *)&number, sizeof number});

    if (!*slot) {
        size_t size = p->tables_size;

        if (plan->tables_count == PLAN_TABLES_MAX)
            return err_set(err, ERR_LIMIT, "there would be more than %d tables", PLAN_TABLES_MAX);
        GROW(p->arena, plan->tables, plan->tables_count, size);
        GROW(&p->scratch, p->numbers, plan->tables_count, p->tables_size);
        plan->tables[plan->tables_count] = (PlanTable){
            .name = str_printf(p->arena, "%s%lld", p->rule->prefix, (long long)number), .extent = nothing()};
        p->numbers[plan->tables_count] = number;
        *slot = (void *)(uintptr_t)++plan->tables_count;
    }
    *out = (size_t)(uintptr_t)*slot - 1;
    return true;
}

/* Rows behind the ones before become one run with them. */
static void add_run(Arena *arena, PlanTable *table, const PlanRun *run)
{
    PlanRun *last = table->runs && table->runs_count ? &table->runs[table->runs_count - 1] : NULL;

    if (last && last->source == run->source && last->first + last->count == run->first &&
        last->count <= UINT32_MAX - run->count) {
        last->count += run->count;
        return;
    }
    GROW(arena, table->runs, table->runs_count, table->runs_size);
    table->runs[table->runs_count++] = *run;
}

static int by_number(const void *a_v, const void *b_v, void *numbers_v)
{
    const int64_t *numbers = numbers_v;
    int64_t a = numbers[*(const size_t *)a_v], b = numbers[*(const size_t *)b_v];

    return a < b ? -1 : a > b;
}

/* Tables were found as their rows came: put them in order, and let trees know. */
static void sort_tables(Planning *p)
{
    Plan *plan = p->plan;
    size_t *order = arena_new(&p->scratch, size_t, plan->tables_count + 1),
           *now = arena_new(&p->scratch, size_t, plan->tables_count + 1);
    PlanTable *sorted = arena_new(p->arena, PlanTable, plan->tables_count + 1);

    for (size_t i = 0; i < plan->tables_count; i++)
        order[i] = i;
    qsort_r(order, plan->tables_count, sizeof *order, by_number, p->numbers);
    for (size_t i = 0; i < plan->tables_count; i++) {
        sorted[i] = plan->tables[order[i]];
        now[order[i]] = i;
    }
    plan->tables = sorted;
    for (size_t i = 0; i < plan->trees_count; i++)
        plan->trees[i].table = now[plan->trees[i].table];
}

/* ---- trees ---- */

static size_t find_tree(Planning *p, int64_t key)
{
    Plan *plan = p->plan;
    void **slot = map_slot(&p->trees_by_key, &p->scratch, (Str){(const char *)&key, sizeof key});

    if (!*slot) {
        GROW(p->arena, plan->trees, plan->trees_count, p->trees_size);
        plan->trees[plan->trees_count] = (PlanTree){.key = key, .extent = nothing()};
        *slot = (void *)(uintptr_t)++plan->trees_count;
    }
    return (size_t)(uintptr_t)*slot - 1;
}

static void add_tree_run(Planning *p, const PlanRun *run, size_t tree)
{
    TreeRun *last = p->runs && p->runs_count ? &p->runs[p->runs_count - 1] : NULL;

    if (last && last->tree == tree && last->run.source == run->source &&
        last->run.first + last->run.count == run->first && last->run.count < UINT32_MAX) {
        last->run.count++;
        return;
    }
    GROW(&p->scratch, p->runs, p->runs_count, p->runs_size);
    p->runs[p->runs_count++] = (TreeRun){*run, tree};
}

/* ---- by place ---- */

static bool measure(Planning *p, const PlanExtent *all, Err *err)
{
    double side = p->rule->box;

    if (p->plan->rows > 0 && !plan_has_place(all))
        return err_set(err, ERR_USAGE, "no row has a position, so tables cannot be made by place");
    if (side <= 0 && plan_has_place(all)) {
        p->origin = fmin((double)all->low[0], (double)all->low[1]);
        side = fmax((double)all->high[0], (double)all->high[1]) - p->origin;
    }
    double cells = ceil(side / p->rule->cell);
    if (!(cells >= 0 && cells * cells <= PLAN_TABLES_MAX))
        return err_set(err, ERR_USAGE, "squares of side %g in a box of %g would be more than %d tables",
                       p->rule->cell, side, PLAN_TABLES_MAX);
    p->cells = cells < 1 ? 1 : (int64_t)cells;
    return true;
}

/* Positions at the far edge, or a little beyond it, are of the last square. */
static int64_t cell_of(const Planning *p, float at)
{
    double cell = floor(((double)at - p->origin) / p->rule->cell);

    return cell < 0 ? 0 : cell >= (double)p->cells ? p->cells - 1 : (int64_t)cell;
}

/* Of a box whose sides are joined: what lies at both would make its table look as wide as the box. */
static bool crosses_edge(const Planning *p, const PlanExtent *extent)
{
    double half = p->rule->box / 2;

    return half > 0 && ((double)extent->high[0] - (double)extent->low[0] > half ||
                        (double)extent->high[1] - (double)extent->low[1] > half);
}

static int64_t number_of(const Planning *p, int64_t key, const PlanExtent *extent)
{
    uint64_t chance = XXH3_64bits(&key, sizeof key);
    int64_t big = p->cells * p->cells + (int64_t)(chance % p->rule->servers);

    if (!plan_has_place(extent))
        return big;
    int64_t x = cell_of(p, extent->low[0]), y = cell_of(p, extent->low[1]);
    int64_t wide = cell_of(p, extent->high[0]) - x + 1, high = cell_of(p, extent->high[1]) - y + 1;
    if (wide * high > PLAN_CELLS_MAX || crosses_edge(p, extent))
        return big;
    int64_t which = (int64_t)(chance % (uint64_t)(wide * high));
    return (x + which / high) * p->cells + y + which % high;
}

static bool place_trees(Planning *p, Err *err)
{
    Plan *plan = p->plan;

    for (size_t i = 0; i < plan->trees_count; i++) {
        PlanTree *tree = &plan->trees[i];

        if (!find_table(p, number_of(p, tree->key, &tree->extent), &tree->table, err))
            return false;
        take_extent(&plan->tables[tree->table].extent, &tree->extent);
    }
    for (size_t i = 0; i < p->runs_count; i++)
        add_run(p->arena, &plan->tables[plan->trees[p->runs[i].tree].table], &p->runs[i].run);
    return true;
}

/* ---- row by row ---- */

/* The number of a row's table; that of the row before for a start. */
static bool find_number(const Planning *p, const PlanRun *run, const Site *site, int64_t *number, Err *err)
{
    PlanExtent extent = nothing();

    switch (p->rule->by) {
    case PLAN_ROWS:
        *number += run->first % p->rule->rows == 0;
        return true;
    case PLAN_KEY:
        if (!site->has_key)
            return err_set(err, ERR_USAGE, "row %lld has no key", (long long)run->first + 1);
        *number = (int64_t)(XXH3_64bits(&site->key, sizeof site->key) % (uint64_t)p->rule->tables) + 1;
        return true;
    case PLAN_GRID:
        break;
    }
    take_site(&extent, site);
    *number = number_of(p, run->first, &extent);
    return true;
}

static bool place_row(Planning *p, const PlanRun *run, const Site *site, Err *err)
{
    size_t table;

    if (!find_number(p, run, site, &p->number, err) || !find_table(p, p->number, &table, err))
        return false;
    add_run(p->arena, &p->plan->tables[table], run);
    take_site(&p->plan->tables[table].extent, site);
    if (p->keep_trees) {
        size_t tree = find_tree(p, site->key);

        p->plan->trees[tree].table = table;
        take_site(&p->plan->trees[tree].extent, site);
    }
    return true;
}

/* By place, and trees are to stay whole: where a tree goes is known when all of it was seen. */
static bool keep_row(Planning *p, const PlanRun *run, const Site *site, Err *err)
{
    if (!site->has_key)
        return err_set(err, ERR_USAGE, "row %lld is of no tree", (long long)run->first + 1);
    size_t tree = find_tree(p, site->key);
    take_site(&p->plan->trees[tree].extent, site);
    add_tree_run(p, run, tree);
    return true;
}

static bool measure_row(Planning *p, const PlanRun *run, const Site *site, Err *err)
{
    (void)run;
    (void)err;
    take_site(&p->all, site);
    return true;
}

typedef bool RowFn(Planning *p, const PlanRun *run, const Site *site, Err *err);

static bool read_rows(Planning *p, uint32_t source, RowFn *row, Err *err)
{
    ARENA_SCOPE(scratch);
    Site *sites = arena_new(&scratch, Site, SOURCE_BLOCK);
    int64_t rows = p->sources[source]->rows, count;
    PlanExtent extent = nothing();

    for (int64_t first = 0; first < rows; first += count) {
        count = rows - first < SOURCE_BLOCK ? rows - first : SOURCE_BLOCK;
        if (p->stop && atomic_load(p->stop))
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!source_sites(p->sources[source], first, count, sites, err))
            return false;
        for (int64_t i = 0; i < count; i++) {
            take_site(&extent, &sites[i]);
            if (!row(p, &(PlanRun){source, 1, first + i}, &sites[i], err))
                return err_wrap(err, "'%s'", p->sources[source]->path);
        }
    }
    p->plan->snaps[source] = extent.snap_low == extent.snap_high ? extent.snap_low : SITE_NO_SNAP;
    return true;
}

static bool read_all(Planning *p, RowFn *row, Err *err)
{
    for (uint32_t i = 0; i < p->sources_count; i++)
        if (!read_rows(p, i, row, err))
            return false;
    return true;
}

static bool read_trees(Planning *p, Err *err)
{
    if (!read_all(p, keep_row, err))
        return false;
    for (size_t i = 0; i < p->plan->trees_count; i++)
        take_extent(&p->all, &p->plan->trees[i].extent);
    return measure(p, &p->all, err) && place_trees(p, err);
}

static bool read_by_rule(Planning *p, Err *err)
{
    if (p->rule->by != PLAN_GRID)
        return read_all(p, place_row, err);
    if (p->keep_trees)
        return read_trees(p, err);
    return read_all(p, measure_row, err) && measure(p, &p->all, err) && read_all(p, place_row, err);
}

/* ---- what a table is made of ---- */

static void add_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void sum_up(const Planning *p, PlanTable *table)
{
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t canonical;
    const Columns *columns = &p->sources[0]->columns;

    if (!state)
        abort();
    XXH3_128bits_reset(state);
    for (size_t i = 0; i < columns->count; i++) {
        XXH3_128bits_update(state, columns->items[i].name.ptr, columns->items[i].name.len);
        add_text(state, columns->items[i].type);
    }
    for (size_t i = 0; i < table->runs_count; i++) {
        const Source *source = p->sources[table->runs[i].source];

        XXH3_128bits_update(state, source->sum, sizeof source->sum);
        XXH3_128bits_update(state, &source->first, sizeof source->first);
        XXH3_128bits_update(state, &table->runs[i].first, sizeof table->runs[i].first);
        XXH3_128bits_update(state, &table->runs[i].count, sizeof table->runs[i].count);
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(table->sum, canonical.digest, sizeof table->sum);
    XXH3_freeState(state);
}

static bool has_keys(const Planning *p)
{
    bool all = true;

    for (size_t i = 0; i < p->sources_count; i++)
        all = all && p->sources[i]->sites.key >= 0;
    return all;
}

bool plan_make(Arena *arena, const PlanRule *rule, Source **sources, size_t count, const atomic_bool *stop,
               Plan *out, Err *err)
{
    Planning p = {.rule = rule,
                  .sources = sources,
                  .sources_count = count,
                  .arena = arena,
                  .plan = out,
                  .all = nothing(),
                  .stop = stop};

    *out = (Plan){.snaps = arena_new(arena, int32_t, count + 1)};
    for (size_t i = 0; i < count; i++)
        out->rows += sources[i]->rows;
    p.keep_trees = rule->trees && rule->by != PLAN_ROWS && has_keys(&p);
    bool ok = read_by_rule(&p, err);
    if (ok) {
        sort_tables(&p);
        for (size_t i = 0; i < out->tables_count; i++)
            sum_up(&p, &out->tables[i]);
    }
    arena_free(&p.scratch);
    return ok;
}
