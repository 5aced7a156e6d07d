/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "cli/dataset_rows.h"
#include "cli/sql_rows.h"
#include "dataset/statement.h"

typedef struct Opts {
    int format; /* 0: none */
    RowsOpts rows;
} Opts;

static const char *const formats[] = {"", ROWS_FORMATS};

static const Opt opts[] = {
    {OPT_ENUM, "format", 'f', offsetof(Opts, format), "FORMAT",
     "rows as dataset extract gives them, complete or not at all, and from another copy when a server fails",
     .values = formats},
    ROWS_OPTIONS(Opts),
    {.type = OPT_END},
};

static bool print_rows(const Call *call, Place *place, Err *err)
{
    BUF_SCOPE(sql);
    Db *db;

    return place_db(place, call->args[1], &db, err) &&
           statement_put(&sql, call->args[2], &(StatementMarks){.table = call->args[1]}, err) &&
           db_script(db, "set default_transaction_read_only = on", err) &&
           sql_rows_list(call, db, str_to_z(call->arena, buf_str(&sql)), err);
}

static bool write_rows(const Call *call, const Dataset *dataset, const Place *place, int format, Err *err)
{
    const Opts *o = call->opts;
    const MappingTable *table = mapping_find(place_mapping(place), call->args[1]);

    if (!table)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no table '%.*s'", dataset->name,
                       STR_ARG(call->args[1]));
    Mapping one = {.tables = (MappingTable *)(uintptr_t)table, .count = 1};
    return dataset_rows(call, &o->rows, dataset,
                        &(Extract){.mapping = &one, .sql = call->args[2], .format = (RowFormatName)format},
                        err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Dataset dataset;
    Place *place;

    if (!stop_init(err) || !dataset_open(call, &dataset, &place, err))
        return false;
    if (o->format > 0)
        return write_rows(call, &dataset, place, o->format - 1, err);
    if (o->rows.output.ptr || o->rows.report.ptr)
        return write_rows(call, &dataset, place, ROWS_CSV, err);
    return print_rows(call, place, err);
}

const Cmd cmd_dataset_query = {
    .name = "dataset query",
    .args = "NAME TABLE SQL",
    .summary = "ask one table of a dataset, wherever it is",
    .description =
        "The SQL goes, as it is, to a server that has an active copy of TABLE, with {table} replaced by the table's "
        "name. It may only read. With --format, --output or --report it is run as dataset extract runs it: as CSV where no "
        "format is given.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata dataset query mini tree_1 \\\n"
                "    'select count(*) from {table}'\n",
    .run = run,
};
