/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <stdio.h>

#include "base/stop.h"
#include "cli/dataset_rows.h"
#include "dataset/statement.h"
#include "place/metadata.h"

typedef struct Opts {
    int format;
    StrList tables;
    Str box, where_summary, key;
    int64_t range_rows;
    bool order;
    RowsOpts rows;
} Opts;

static const char *const formats[] = {ROWS_FORMATS};

static const Opt opts[] = {
    {OPT_ENUM, "format", 'f', offsetof(Opts, format), "FORMAT", "what rows look like (default csv)",
     .values = formats},
    {OPT_LIST, "tables", 't', offsetof(Opts, tables), "GLOB", "only tables whose names match one of these"},
    {OPT_TEXT, "box", 0, offsetof(Opts, box), "X,Y,Z:X,Y,Z",
     "only tables that the summary says to reach into this box; {box} in the SQL is the condition for rows in it"},
    {OPT_TEXT, "where-summary", 0, offsetof(Opts, where_summary), "CONDITION",
     "only tables whose row in the table summary fits this SQL"},
    {OPT_TEXT, "key", 0, offsetof(Opts, key), "COLUMN",
     "the integer column that {range} is about (default: the first one of the primary key, or of a unique index)"},
    {OPT_COUNT, "range-rows", 0, offsetof(Opts, range_rows), "N",
     "where the SQL has {range}, so many rows of a table are one part (default 100000)", .min = 1,
     .max = INT64_MAX},
    {OPT_FLAG, "order", 0, offsetof(Opts, order), NULL,
     "in the order of the tables' names, and ranges; else as they come"},
    ROWS_OPTIONS(Opts),
    {.type = OPT_END},
};

/* ---- which tables ---- */

static bool is_chosen(const Opts *o, const char *name)
{
    for (size_t i = 0; i < o->tables.count; i++)
        if (fnmatch(o->tables.items[i].ptr, name, 0) == 0)
            return true;
    return o->tables.count == 0;
}

static void choose_by_name(const Call *call, const Mapping *all, Mapping *out)
{
    out->tables = arena_new(call->arena, MappingTable, all->count + 1);
    out->count = 0;
    for (size_t i = 0; i < all->count; i++)
        if (is_chosen(call->opts, str_to_z(call->arena, all->tables[i].name)))
            out->tables[out->count++] = all->tables[i];
}

static bool read_corner(Str text, double *out)
{
    Str number;
    int count = 0;

    while (text.len > 0 && count < 3) {
        text = str_cut(text, ',', &number);
        if (!str_to_double(str_trim(number), &out[count++]))
            return false;
    }
    return count == 3 && text.len == 0;
}

static bool read_box(Str text, ChoiceBox *out, Err *err)
{
    Str low, high = str_cut(text, ':', &low);

    if (!read_corner(low, out->low) || !read_corner(high, out->high))
        return err_set(err, ERR_USAGE, "'%.*s' is not a box: X,Y,Z:X,Y,Z", STR_ARG(text));
    for (int i = 0; i < 3; i++)
        if (!(out->low[i] <= out->high[i]))
            return err_set(err, ERR_USAGE, "the box '%.*s' ends before it begins", STR_ARG(text));
    return true;
}

static bool choose_by_box(const Call *call, Db *db, Mapping *mapping, const char **condition, Err *err)
{
    const Opts *o = call->opts;
    ChoiceBox box;
    Str columns;

    if (!read_box(o->box, &box, err) || !metadata_get(db, call->arena, "position_columns", &columns, err) ||
        !extract_box(call->arena, &box, columns, condition, err) ||
        !choice_in_box(db, call->arena, &box, mapping, mapping, err))
        return false;
    if (!statement_has(call->args[1], "{box}") && !call->quiet && !call->json)
        (void)fputs(
            "strata: --box chooses tables; rows outside of it come too, as the SQL does not have {box} in it\n",
            stderr);
    return true;
}

static bool choose_tables(const Call *call, Place *place, Mapping *out, const char **box, Err *err)
{
    const Opts *o = call->opts;
    Db *db;

    choose_by_name(call, place_mapping(place), out);
    if (o->tables.count > 0 && out->count == 0)
        return err_set(err, ERR_NOT_FOUND, "no table of the dataset '%.*s' has such a name",
                       STR_ARG(call->args[0]));
    if (!o->box.ptr && !o->where_summary.ptr)
        return true;
    if (!place_any(place, &db, err) || (o->box.ptr && !choose_by_box(call, db, out, box, err)) ||
        (o->where_summary.ptr && !choice_where(db, call->arena, o->where_summary, out, out, err)))
        return false;
    return out->count > 0 ||
           err_set(err, ERR_NOT_FOUND, "the summary of the dataset '%.*s' has no such table",
                   STR_ARG(call->args[0]));
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Extract extract = {.sql = call->args[1],
                       .key = o->key,
                       .range_rows = o->range_rows,
                       .format = (RowFormatName)o->format,
                       .ordered = o->order};
    Dataset dataset;
    Mapping mapping;
    Place *place;

    if (!stop_init(err) || !dataset_open(call, &dataset, &place, err) ||
        !choose_tables(call, place, &mapping, &extract.box, err))
        return false;
    extract.mapping = &mapping;
    return dataset_rows(call, &o->rows, &dataset, &extract, err);
}

const Cmd cmd_dataset_extract = {
    .name = "dataset extract",
    .args = "NAME SQL",
    .summary = "get the rows that one SQL gives of all tables, from all servers at once",
    .description =
        "The SQL is run for every table, with {table} replaced by its name, on a server that has an active copy. The rows of a "
        "table are passed on when they are all there, once: when a server dies, hangs or is cut off meanwhile, another copy "
        "is asked. A file gets its name when it is complete.\n\n"
        "Where the SQL has {range}, as in `select * from {table} where {range}`, large tables are cut into parts by an integer "
        "column, so that less has to be kept and asked for again. --box and --where-summary choose tables by the dataset's "
        "table summary, and leave rows as they are; {box}, as in `where {box}`, is the condition for rows in the box: from "
        "its first corner, and below the second.\n\n"
        "A statement may compute for as long as it likes while its server answers to a new connection; when it gives nothing "
        "for four deadlines, another copy is asked beside it, and the first that is complete counts.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata dataset extract mini -o near.csv \\\n"
                "    'select id, x from {table} where x < 5'\n"
                "strata dataset extract mini --format fits \\\n"
                "    --box 0,0,0:10,10,10 -o box.fits \\\n"
                "    'select * from {table} where {box}'\n",
    .run = run,
};
