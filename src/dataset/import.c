/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/import.h"

#include <math.h>

#include "base/fault.h"
#include "dataset/import_inside.h"
#include "place/metadata.h"
#include "place/seal.h"
#include "place/summary.h"

enum { SUM_TEXT = 32 };

/* ---- what is there already ---- */

/* Of what a table is made, for a reader and to be told apart. */
static Str source_text(Importing *importing, const PlanTable *table)
{
    const Source *first = importing->import->sources[table->runs[0].source];
    BUF_SCOPE(text);
    char sum[SUM_TEXT + 1];
    size_t others = 0;

    for (size_t i = 1; i < table->runs_count; i++)
        others += table->runs[i].source != table->runs[i - 1].source;
    for (size_t i = 0; i < sizeof table->sum; i++)
        (void)snprintf(sum + 2 * i, 3, "%02x", table->sum[i]);
    buf_put_z(&text, first->path);
    if (others > 0)
        buf_printf(&text, " and %zu more", others);
    buf_printf(&text, " [%s]", sum);
    return str_copy(&importing->arena, buf_str(&text));
}

static bool is_the_same(Importing *importing, size_t i, Err *err)
{
    const PlanTable *table = &importing->plan.tables[i];
    const TableFound *found = &importing->found[i];

    if (str_eq(found->source, source_text(importing, table)))
        return true;
    (void)err_set(err, ERR_CONFLICT, "the dataset has a table '%.*s' already, of other rows: '%.*s'",
                  STR_ARG(table->name), STR_ARG(found->source));
    return err_hint(err,
                    "--prefix gives the tables of other files other names; to go on with an import, name its "
                    "files and options as before");
}

static bool find_tables(Importing *importing, Err *err)
{
    Import *import = importing->import;
    Plan *plan = &importing->plan;
    Str *names = arena_new(&importing->arena, Str, plan->tables_count + 1);
    Db *db;

    for (size_t i = 0; i < plan->tables_count; i++)
        names[i] = plan->tables[i].name;
    if (!place_any(import->place, &db, err) ||
        !tables_find(db, &importing->arena, names, plan->tables_count, &importing->found, err))
        return false;
    importing->missing = arena_new(&importing->arena, size_t, plan->tables_count + 1);
    importing->missing_count = 0;
    import->were_there = 0;
    for (size_t i = 0; i < plan->tables_count; i++) {
        if (importing->found[i].loaded && !is_the_same(importing, i, err))
            return false;
        if (importing->found[i].loaded)
            import->were_there++;
        else
            importing->missing[importing->missing_count++] = i;
    }
    return true;
}

/* ---- adding what is missing ---- */

static bool read_replicas(Place *place, int64_t *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str text;
    Db *db;

    if (!place_any(place, &db, err) || !metadata_get(db, &scratch, "replicas", &text, err))
        return false;
    return (str_to_int64(text, out) && *out >= 1) ||
           err_set(err, ERR_CORRUPT, "the dataset '%s' has no number of replicas",
                   place_spec(place)->dataset);
}

/* The first copy is primary. There may be fewer servers by now. */
static void choose_servers(Importing *importing, size_t number, int64_t replicas, TableNew *table)
{
    const PlaceSpec *spec = place_spec(importing->import->place);
    MappingCopy *copies = arena_new(&importing->arena, MappingCopy, spec->count);

    table->copies_count = (size_t)replicas < spec->count ? (size_t)replicas : spec->count;
    for (size_t i = 0; i < table->copies_count; i++)
        copies[i] = (MappingCopy){str_from_z(spec->servers[(number + i) % spec->count].name), true, i == 0};
    table->copies = copies;
}

static bool put_facts(const Import *import, Change *change, Err *err)
{
    const Source *first = import->sources[0];
    ARENA_SCOPE(scratch);

    for (size_t i = 0; i < first->facts_count; i++)
        if (!metadata_put(change, first->facts[i].key, str_printf(&scratch, "%.17g", first->facts[i].value),
                          err))
            return false;
    for (size_t i = 0; i < import->facts_count; i++) /* what a person says counts more */
        if (!metadata_put(change, import->facts[i].key, import->facts[i].value, err))
            return false;
    return true;
}

static bool put_columns(Importing *importing, Change *change, Err *err)
{
    const Columns *from = &importing->import->sources[0]->columns;
    SummaryColumn *columns = arena_new(&importing->arena, SummaryColumn, from->count);

    for (size_t i = 0; i < from->count; i++)
        columns[i] = (SummaryColumn){.name = from->items[i].name,
                                     .unit = from->items[i].unit,
                                     .description = from->items[i].description};
    return summary_put_columns(change, columns, from->count, err);
}

/* A table that an import of other rows left unfinished, a wrong value in its file perhaps, becomes one of these. */
static bool add_tables(Importing *importing, Err *err)
{
    Import *import = importing->import;
    TableNew *tables = arena_new(&importing->arena, TableNew, importing->missing_count + 1),
             *others = arena_new(&importing->arena, TableNew, importing->missing_count + 1);
    size_t count = 0, others_count = 0;
    int64_t replicas;
    CHANGE_SCOPE(change);

    if (!read_replicas(import->place, &replicas, err))
        return false;
    for (size_t i = 0; i < importing->missing_count; i++) {
        size_t number = importing->missing[i];
        const PlanTable *table = &importing->plan.tables[number];
        const TableFound *found = &importing->found[number];
        TableNew made = {
            .name = table->name, .source = source_text(importing, table), .first_row = table->runs[0].first};

        if (!found->there) {
            choose_servers(importing, number, replicas, &made);
            tables[count++] = made;
        } else if (!str_eq(found->source, made.source))
            others[others_count++] = made;
    }
    return count + others_count == 0 ||
           (change_begin(&change, import->place, err) &&
            (count == 0 || tables_add(&change, tables, count, err)) &&
            (others_count == 0 || tables_renew(&change, others, others_count, err)) &&
            put_columns(importing, &change, err) && put_facts(import, &change, err) &&
            change_commit(&change, err) && fault_pass(FAULT_dataset_table_added, err));
}

/* ---- letting it be read ---- */

static SummaryBounds bounds_of(const PlanExtent *extent)
{
    SummaryBounds out;

    for (int i = 0; i < 3; i++) {
        bool known = extent->low[i] <= extent->high[i];

        out.low[i] = known ? extent->low[i] : NAN;
        out.high[i] = known ? extent->high[i] : NAN;
    }
    return out;
}

static bool put_tables(Importing *importing, Change *change, Err *err)
{
    size_t count = importing->missing_count;
    SummaryTable *summaries = arena_new(&importing->arena, SummaryTable, count + 1);
    TableLoaded *loaded = arena_new(&importing->arena, TableLoaded, count + 1);

    for (size_t i = 0; i < count; i++) {
        const PlanTable *table = &importing->plan.tables[importing->missing[i]];

        summaries[i] = (SummaryTable){.name = table->name,
                                      .bounds = bounds_of(&table->extent),
                                      .has_snaps = table->extent.snap_low <= table->extent.snap_high,
                                      .snap_low = table->extent.snap_low,
                                      .snap_high = table->extent.snap_high,
                                      .rows = table->extent.rows};
        loaded[i] = (TableLoaded){table->name, table->extent.rows};
        importing->import->rows += table->extent.rows;
        importing->import->tables++;
    }
    return tables_load(change, loaded, count, err) && summary_put_tables(change, summaries, count, err);
}

static bool put_trees(Importing *importing, Change *change, Err *err)
{
    const Plan *plan = &importing->plan;
    SummaryTree *trees = arena_new(&importing->arena, SummaryTree, plan->trees_count + 1);

    for (size_t i = 0; i < plan->trees_count; i++)
        trees[i] = (SummaryTree){.tree = plan->trees[i].key,
                                 .rows = plan->trees[i].extent.rows,
                                 .bounds = bounds_of(&plan->trees[i].extent),
                                 .table = plan->tables[plan->trees[i].table].name};
    return summary_put_trees(change, trees, plan->trees_count, err);
}

/* A file of one snapshot that has a redshift in its name says which that is. */
static bool put_snapshots(Importing *importing, Change *change, Err *err)
{
    const Import *import = importing->import;
    const Source *first = import->sources[0];
    SummarySnapshot *snapshots =
        arena_new(&importing->arena, SummarySnapshot, import->sources_count + first->redshifts_count + 1);
    size_t count = 0;

    for (; count < first->redshifts_count; count++)
        snapshots[count] = (SummarySnapshot){(int32_t)count, first->redshifts[count]};
    for (size_t i = 0; i < import->sources_count; i++) {
        bool known = importing->plan.snaps[i] == SITE_NO_SNAP || isnan(import->sources[i]->redshift);

        for (size_t j = 0; j < count; j++)
            known = known || snapshots[j].snap == importing->plan.snaps[i];
        if (!known)
            snapshots[count++] = (SummarySnapshot){importing->plan.snaps[i], import->sources[i]->redshift};
    }
    return summary_put_snapshots(change, snapshots, count, err);
}

static bool let_be_read(Importing *importing, Err *err)
{
    CHANGE_SCOPE(change);

    return fault_pass(FAULT_dataset_tables_filled, err) &&
           change_begin(&change, importing->import->place, err) && put_tables(importing, &change, err) &&
           put_trees(importing, &change, err) && put_snapshots(importing, &change, err) &&
           change_commit(&change, err);
}

/* ---- all of it ---- */

static bool import_missing(Importing *importing, Err *err)
{
    Import *import = importing->import;

    if (importing->missing_count == 0)
        return true;
    return place_check_open(import->place, err) && add_tables(importing, err) &&
           (find_tables(importing, err) && import_fill(importing, err)) && let_be_read(importing, err);
}

static bool has_rows(const Import *import, Err *err)
{
    for (size_t i = 0; i < import->sources_count; i++)
        if (import->sources[i]->rows > 0)
            return true;
    return import->sources_count == 1
               ? err_set(err, ERR_USAGE, "'%s' has no rows", import->sources[0]->path)
               : err_set(err, ERR_USAGE, "'%s' has no rows, nor has any of the %zu other files",
                         import->sources[0]->path, import->sources_count - 1);
}

/* What a killed import left prepared would be seen on one server and not on another. */
bool import_run(Import *import, Err *err)
{
    Importing importing = {.import = import};
    size_t settled;

    import->rows = import->tables = 0;
    bool ok = has_rows(import, err) &&
              plan_make(&importing.arena, &import->rule, import->sources, import->sources_count, import->stop,
                        &importing.plan, err) &&
              tables_lock(import->place, err) && change_settle(import->place, &settled, err) &&
              find_tables(&importing, err) && import_missing(&importing, err);
    arena_free(&importing.arena);
    return ok;
}
