/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/stop.h"
#include "cli/datasets.h"
#include "dataset/import.h"
#include "dataset/sources.h"
#include "place/seal.h"

typedef struct Opts {
    Str prefix, by, tree, position, snapshot, schema, from, part, grid, box, primary;
    StrList indexes, facts;
    int64_t rows, tables, workers;
    bool open, show, no_index;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "prefix", 'p', offsetof(Opts, prefix), "TEXT",
     "what the names of tables begin with; a number follows (default: NAME_)"},
    {OPT_COUNT, "rows", 'r', offsetof(Opts, rows), "N", "rows of a table at most (default 1000000)", .min = 1,
     .max = INT64_MAX},
    {OPT_TEXT, "grid", 'g', offsetof(Opts, grid), "SIDE",
     "instead of by rows: a table for each square of that side, seen along z; trees stay whole"},
    {OPT_TEXT, "box", 0, offsetof(Opts, box), "SIDE", "the side of the periodic box, noted as 'boxsize'"},
    {OPT_TEXT, "by", 0, offsetof(Opts, by), "COLUMN",
     "instead of by rows: rows with the same value there are in one of --tables tables"},
    {OPT_COUNT, "tables", 't', offsetof(Opts, tables), "N", "tables for --by (default 16)", .min = 1,
     .max = PLAN_TABLES_MAX},
    {OPT_TEXT, "tree", 0, offsetof(Opts, tree), "COLUMN", "which tree a row is of (default: globaltreeid)"},
    {OPT_TEXT, "position", 0, offsetof(Opts, position), "X,Y,Z",
     "the columns of a row's position (default: posx,posy,posz or x,y,z)"},
    {OPT_TEXT, "snapshot", 0, offsetof(Opts, snapshot), "COLUMN",
     "the column of the snapshot (default: snapnum)"},
    {OPT_TEXT, "schema", 0, offsetof(Opts, schema), "FILE",
     "columns, types, units and descriptions, as --show --json prints them"},
    {OPT_TEXT, "from", 'f', offsetof(Opts, from), "KIND",
     "what the files are; else found from what is in them"},
    {OPT_TEXT, "part", 0, offsetof(Opts, part), "NAME",
     "which table of a FITS or HDF5 file, by name or number (default: the first)"},
    {OPT_TEXT, "primary", 0, offsetof(Opts, primary), "COLUMN",
     "the primary key of the tables (default: globalindex, of SAGE's files)"},
    {OPT_LIST, "index", 'i', offsetof(Opts, indexes), "COLUMN",
     "a column to be indexed (default: those of trees and snapshots)"},
    {OPT_FLAG, "no-index", 0, offsetof(Opts, no_index), NULL, "make no indexes"},
    {OPT_LIST, "set", 0, offsetof(Opts, facts), "KEY=VALUE",
     "note something in the metadata: hubble=73, omega_m=0.25, omega_l=0.75"},
    {OPT_COUNT, "workers", 'w', offsetof(Opts, workers), "N",
     "processes that fill tables (default: one for each processor)", .min = 1, .max = IMPORT_WORKERS_MAX},
    {OPT_FLAG, "show", 0, offsetof(Opts, show), NULL, "tell the columns, and import nothing"},
    {OPT_FLAG, "open", 0, offsetof(Opts, open), NULL,
     "do not seal the dataset at the end: more will be imported, or changed"},
    {.type = OPT_END},
};

/* ---- what was asked for ---- */

static bool read_side(const char *option, Str text, double *out, Err *err)
{
    *out = 0;
    return text.len == 0 || (str_to_double(text, out) && isfinite(*out) && *out > 0) ||
           err_set(err, ERR_USAGE, "--%s takes a number above 0, not '%.*s'", option, STR_ARG(text));
}

static bool read_position(const Opts *o, SourcesRoles *roles, Err *err)
{
    Str rest = o->position;

    if (rest.len == 0)
        return true;
    for (int i = 0; i < 3; i++) {
        rest = str_cut(rest, ',', &roles->position[i]);
        roles->position[i] = str_trim(roles->position[i]);
        if (roles->position[i].len == 0)
            return err_set(err, ERR_USAGE, "--position takes three columns: x,y,z");
    }
    return rest.len == 0 || err_set(err, ERR_USAGE, "--position takes three columns: x,y,z");
}

static bool read_rule(const Call *call, PlanRule *rule, SourcesRoles *roles, Err *err)
{
    const Opts *o = call->opts;

    *rule =
        (PlanRule){.by = o->grid.len ? PLAN_GRID
                         : o->by.len ? PLAN_KEY
                                     : PLAN_ROWS,
                   .rows = o->rows,
                   .tables = o->tables,
                   .trees = o->by.len == 0 || str_eq(o->by, o->tree) || str_eq(o->by, STR("globaltreeid"))};
    if (o->grid.len && o->by.len)
        return err_set(err, ERR_USAGE, "--grid and --by exclude each other");
    *roles = (SourcesRoles){.key = o->by.len ? o->by : o->tree, .snapshot = o->snapshot};
    return read_side("grid", o->grid, &rule->cell, err) && read_side("box", o->box, &rule->box, err) &&
           read_position(o, roles, err);
}

static bool read_facts(const Call *call, Import *import, Err *err)
{
    const Opts *o = call->opts;
    ImportFact *facts = arena_new(call->arena, ImportFact, o->facts.count + 1);
    size_t count = 0;

    for (; count < o->facts.count; count++) {
        Str key, value = str_cut(o->facts.items[count], '=', &key);

        if (key.len == 0 || key.len == o->facts.items[count].len)
            return err_set(err, ERR_USAGE, "--set takes KEY=VALUE, not '%.*s'",
                           STR_ARG(o->facts.items[count]));
        facts[count] = (ImportFact){str_to_z(call->arena, str_trim(key)), str_trim(value)};
    }
    if (o->box.len)
        facts[count++] = (ImportFact){"boxsize", o->box};
    import_choose_facts(import, call->arena, facts, count);
    return true;
}

/* ---- columns ---- */

/* Before anything is made: a wrong guess costs a look and not a dataset. */
static void say_types(const Call *call, const Columns *columns)
{
    BUF_SCOPE(text);

    for (size_t i = 0; i < columns->count; i++)
        buf_printf(&text, "%s%.*s %s", i ? ", " : "columns: ", STR_ARG(columns->items[i].name),
                   columns->items[i].type);
    out_say(call->out, "%.*s", STR_ARG(buf_str(&text)));
}

static void show_columns(const Call *call, const Columns *columns)
{
    static const OutColumn shown[] = {{"field", OUT_TEXT},  {"column", OUT_TEXT},
                                      {"type", OUT_TEXT},   {"unit", OUT_TEXT},
                                      {"stored", OUT_TEXT}, {"offset", OUT_INT},
                                      {"bytes", OUT_INT},   {"description", OUT_TEXT, .cut = true}};

    out_list(call->out, shown, COUNT_OF(shown));
    for (size_t i = 0; i < columns->count; i++) {
        const Column *column = &columns->items[i];
        bool told = column->stored && column->stored != STORED_POINTER; /* which no schema may say */

        out_text(call->out, column->field);
        out_text(call->out, column->name);
        out_z(call->out, column->type);
        out_text(call->out, column->unit);
        out_z(call->out, told ? stored_name(column->stored) : NULL);
        told ? out_int(call->out, (int64_t)column->offset) : out_null(call->out);
        told ? out_int(call->out, (int64_t)column->bytes) : out_null(call->out);
        out_text(call->out, column->description);
    }
    out_end(call->out);
}

/* ---- the command ---- */

static bool open_files(const Call *call, Import *import, Err *err)
{
    const Opts *o = call->opts;
    SourceOptions options = {.kind = o->from.len ? str_to_z(call->arena, o->from) : NULL,
                             .part = o->part.len ? str_to_z(call->arena, o->part) : NULL};
    SourcesRoles roles;
    Columns schema;

    if (!read_rule(call, &import->rule, &roles, err) ||
        (o->schema.len && !columns_read(call->arena, str_to_z(call->arena, o->schema), &schema, err)))
        return false;
    options.schema = o->schema.len ? &schema : NULL;
    import->sources_count = call->args_count - 1;
    if (!sources_open(call->arena, call->args + 1, import->sources_count, &options, &roles, &import->sources,
                      err))
        return false;
    return import_choose_indexes(import, call->arena,
                                 &(ImportIndexes){.primary = o->primary,
                                                  .columns = o->indexes.items,
                                                  .count = o->indexes.count,
                                                  .none = o->no_index},
                                 err);
}

static void print(const Call *call, const Import *import)
{
    out_record(call->out);
    out_field(call->out, "tables", OUT_INT);
    out_int(call->out, import->tables);
    out_field(call->out, "rows", OUT_INT);
    out_int(call->out, import->rows);
    out_field(call->out, "tables_before", OUT_INT);
    out_int(call->out, import->were_there);
    out_end(call->out);
}

static int64_t count_rows(const Import *import)
{
    int64_t rows = 0;

    for (size_t i = 0; i < import->sources_count; i++)
        rows += import->sources[i]->rows;
    return rows;
}

/* Files of a simulation may well have none; of others it is more likely a slip. */
static void warn_of_empty_files(const Call *call, const Import *import)
{
    const char *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < import->sources_count; i++)
        if (import->sources[i]->rows == 0 && count++ == 0)
            first = import->sources[i]->path;
    if (count == 1)
        out_warn(call->out, "'%s' has no rows", first);
    else if (count > 1)
        out_warn(call->out, "'%s' and %zu more files have no rows", first, count - 1);
}

static size_t count_workers(const Opts *o)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return o->workers                        ? (size_t)o->workers
           : processors < 1                  ? 1
           : processors > IMPORT_WORKERS_MAX ? IMPORT_WORKERS_MAX
                                             : (size_t)processors;
}

static bool import_all(const Call *call, const Dataset *dataset, Import *import, Err *err)
{
    const Opts *o = call->opts;

    import->rule.prefix = o->prefix.ptr ? o->prefix.ptr : str_printf(call->arena, "%s_", dataset->name).ptr;
    import->rule.servers = dataset->spec.count;
    import->workers = count_workers(o);
    if (!read_facts(call, import, err))
        return false;
    import->progress = progress_begin(call->arena, (ProgressTask){.what = "importing",
                                                                  .unit = "rows",
                                                                  .total = count_rows(import),
                                                                  .fd = STDERR_FILENO,
                                                                  .off = call->quiet || call->json});
    bool ok = import_run(import, err);
    progress_end(import->progress);
    if (ok)
        warn_of_empty_files(call, import);
    return ok && (o->open || place_seal(import->place, err));
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Import import = {.stop = stop_flag()};
    Dataset dataset;
    Err ignored = {0};

    if (!stop_init(err) || (!o->show && !dataset_open(call, &dataset, &import.place, err)) ||
        !open_files(call, &import, err))
        return false;
    if (o->show) {
        show_columns(call, &import.sources[0]->columns);
        return true;
    }
    say_types(call, &import.sources[0]->columns);
    (void)!out_flush(call->out, &ignored);
    if (!import_all(call, &dataset, &import, err))
        return false;
    print(call, &import);
    return true;
}

const Cmd cmd_dataset_import = {
    .name = "dataset import",
    .args = "NAME FILE...",
    .summary = "make tables of files, on all servers of a dataset",
    .description =
        "Files are CSV (the first row has the names of the columns), SAGE's binary trees, binary tables of FITS, or datasets of HDF5 whose "
        "elements are compounds (with 'tree_counts' beside them rows have trees). Columns go by their names, in whatever order a file has them. Types of CSV are found from the first thousand rows: bigint, double precision or text; --show "
        "tells them and ends, and what it prints with --json, changed as one likes, is a --schema.\n\n"
        "So many rows make a table; or --grid makes one for each square of a box, with whole trees in one table and big trees apart; or "
        "--by keeps rows together that have the same value. Tables go round the servers, each with as many copies as the dataset has "
        "replicas. Where tables and trees lie is noted in 'summary' and 'treesummary', redshifts in the names of SAGE's files in "
        "'snap_redshift'.\n\n"
        "Cut off at any moment, the same command goes on: nothing is there twice, and nothing is missing. When all is there the "
        "dataset is sealed, which is to say only read from then on; --open leaves that for later.",
    .opts = opts,
    CMD_OPTS(Opts, .rows = 1000000, .tables = 16),
    .examples = "strata dataset import mini galaxies.csv\n"
                "strata dataset import mini galaxies.csv --show\n"
                "strata dataset import mini model_z* \\\n"
                "    --prefix tree_ --grid 10 --box 62.5 \\\n"
                "    --set omega_m=0.25 --set omega_l=0.75\n",
    .run = run,
};
