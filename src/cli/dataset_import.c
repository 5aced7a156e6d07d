/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/stop.h"
#include "cli/datasets.h"
#include "dataset/import.h"
#include "place/seal.h"

typedef struct Opts {
    Str prefix;
    int64_t rows;
    bool open;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "prefix", 'p', offsetof(Opts, prefix), "TEXT",
     "what the names of tables begin with; a number follows (default: NAME_)"},
    {OPT_COUNT, "rows", 'r', offsetof(Opts, rows), "N", "rows of a table at most (default 1000000)", .min = 1,
     .max = INT64_MAX},
    {OPT_FLAG, "open", 0, offsetof(Opts, open), NULL,
     "do not seal the dataset at the end: more will be imported, or changed"},
    {.type = OPT_END},
};

static bool open_files(const Call *call, Csv **files, Err *err)
{
    for (size_t i = 1; i < call->args_count; i++) {
        if (!csv_open(call->arena, call->args[i].ptr, &files[i - 1], err))
            return false;
        size_t first_count, count;
        const CsvColumn *first = csv_columns(files[0], &first_count),
                        *columns = csv_columns(files[i - 1], &count);
        for (size_t c = 0; c < count || c < first_count; c++)
            if (c >= count || c >= first_count || !str_eq(first[c].name, columns[c].name))
                return err_set(err, ERR_USAGE, "'%s' and '%s' differ in column %zu", call->args[1].ptr,
                               call->args[i].ptr, c + 1);
    }
    return true;
}

/* Before anything is made: a wrong guess costs a look and not a dataset. */
static void say_types(const Call *call, const Csv *csv)
{
    size_t count;
    const CsvColumn *columns = csv_columns(csv, &count);
    BUF_SCOPE(text);

    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%.*s %s", i ? ", " : "columns: ", STR_ARG(columns[i].name), columns[i].type);
    out_say(call->out, "%.*s", STR_ARG(buf_str(&text)));
}

static bool import_files(const Call *call, Import *import, Csv **files, Err *err)
{
    for (size_t i = 0; i + 1 < call->args_count; i++) {
        char real[PATH_MAX];

        if (!realpath(call->args[i + 1].ptr, real))
            return err_sys(err, ERR_IO, "cannot find '%s'", call->args[i + 1].ptr);
        if (!import_csv(import, files[i], str_from_z(real), err))
            return false;
    }
    return true;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Csv **files = arena_new(call->arena, Csv *, call->args_count);
    Dataset dataset;
    Import import = {.rows_most = o->rows, .stop = stop_flag()};
    Err ignored = {0};

    if (!stop_init(err) || !dataset_open(call, &dataset, &import.place, err) || !open_files(call, files, err))
        return false;
    import.prefix = o->prefix.ptr ? o->prefix.ptr : str_printf(call->arena, "%s_", dataset.name).ptr;
    say_types(call, files[0]);
    (void)!out_flush(call->out, &ignored);
    import.progress = progress_begin(call->arena, (ProgressTask){.what = "importing",
                                                                 .unit = "rows",
                                                                 .fd = STDERR_FILENO,
                                                                 .off = call->quiet || call->json});
    bool ok = import_files(call, &import, files, err);
    progress_end(import.progress);
    if (!ok || (!o->open && !place_seal(import.place, err)))
        return false;
    out_record(call->out);
    out_field(call->out, "tables", OUT_INT);
    out_int(call->out, import.tables);
    out_field(call->out, "rows", OUT_INT);
    out_int(call->out, import.rows);
    out_field(call->out, "tables_before", OUT_INT);
    out_int(call->out, import.were_there);
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_import = {
    .name = "dataset import",
    .args = "NAME FILE...",
    .summary = "make tables of CSV files, on all servers of a dataset",
    .description =
        "The first row of a file has the names of its columns, and all files have the same. Types are found from the first "
        "thousand rows: bigint, double precision or text. So many rows make a table; tables go round the servers, each "
        "with as many copies as the dataset has replicas.\n\n"
        "Cut off at any moment, the same command goes on: nothing is there twice, and nothing is missing. When all is there the "
        "dataset is sealed, which is to say only read from then on; --open leaves that for later.",
    .opts = opts,
    CMD_OPTS(Opts, .rows = 1000000),
    .examples = "strata dataset import mini galaxies.csv\n"
                "strata dataset import mini a.csv b.csv \\\n"
                "    --prefix tree_ --rows 100000\n",
    .run = run,
};
