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

typedef struct Printing {
    const Call *call;
    const char *sql;
    bool begun;
    Err lost; /* with the server that rows came from */
} Printing;

/* One statement in such a transaction cannot make it another. Another copy is asked only while nothing of the first one's rows was printed. */
static bool print_from(void *printing_v, Str table, Db *db, Err *err)
{
    Printing *printing = printing_v;

    (void)table;
    if (printing->begun) {
        *err = printing->lost;
        return err_wrap(err, "what was printed is not all");
    }
    if (db_script(db, "begin read only", err) &&
        sql_rows_list(printing->call, db, printing->sql, &printing->begun, err))
        return true;
    printing->lost = *err;
    return false;
}

static bool print_rows(const Call *call, Place *place, Err *err)
{
    Printing printing = {.call = call};
    BUF_SCOPE(sql);

    if (!statement_put(&sql, call->args[2], &(StatementMarks){.table = call->args[1]}, err))
        return false;
    printing.sql = str_to_z(call->arena, buf_str(&sql));
    return place_with(place, call->args[1], print_from, &printing, err);
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

static bool open_place(const Call *call, Dataset *dataset, Place **place, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !datasets_find(instance, call->arena, call->args[0], dataset, err))
        return false;
    if (o->rows.deadline > 0)
        dataset->spec.deadline = o->rows.deadline;
    return place_open(call->arena, &dataset->spec, place, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    bool is_file = o->format > 0 || o->rows.output.ptr || o->rows.report.ptr;
    Dataset dataset;
    Place *place;

    /* Without a file there is nothing to be put right when a signal ends it. */
    if ((is_file && !stop_init(err)) || !open_place(call, &dataset, &place, err))
        return false;
    return is_file ? write_rows(call, &dataset, place, o->format > 0 ? o->format - 1 : ROWS_CSV, err)
                   : print_rows(call, place, err);
}

const Cmd cmd_dataset_query = {
    .name = "dataset query",
    .args = "NAME TABLE SQL",
    .summary = "ask one table of a dataset, wherever it is",
    .description =
        "The SQL goes, as it is, to a server that has an active copy of TABLE, with {table} replaced by the table's "
        "name. It may only read. A server that dies or answers nothing for the deadline is given up, and another copy asked unless "
        "rows were printed already. With --format, --output or --report it is run as dataset extract runs it: as CSV where no "
        "format is given.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata dataset query mini tree_1 \\\n"
                "    'select count(*) from {table}'\n",
    .run = run,
};
