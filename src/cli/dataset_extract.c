/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/os.h"
#include "base/stop.h"
#include "cli/datasets.h"
#include "dataset/extract.h"

typedef struct Opts {
    int format;
    Str output, report;
    StrList tables;
    int64_t connections;
    Duration deadline;
    bool order;
} Opts;

static const char *const formats[] = {"csv", "jsonl", NULL}; /* as ExtractFormat */

static const Opt opts[] = {
    {OPT_ENUM, "format", 'f', offsetof(Opts, format), "FORMAT", "what rows look like (default csv)",
     .values = formats},
    {OPT_TEXT, "output", 'o', offsetof(Opts, output), "FILE", "where they go; else to standard output"},
    {OPT_TEXT, "report", 0, offsetof(Opts, report), "FILE",
     "write there, as JSON, what was asked for again and why"},
    {OPT_LIST, "tables", 't', offsetof(Opts, tables), "GLOB", "only tables whose names match one of these"},
    {OPT_FLAG, "order", 0, offsetof(Opts, order), NULL,
     "in the order of the tables' names; else as they come"},
    {OPT_COUNT, "connections", 'c', offsetof(Opts, connections), "N",
     "connections to a server at most (default 2)", .min = 1, .max = 64},
    {OPT_DURATION, "deadline", 0, offsetof(Opts, deadline), "TIME",
     "how long a server may send nothing, also while it computes, before another one is asked (default 30s)"},
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

static bool choose_tables(const Call *call, const Mapping *all, Mapping *out, Err *err)
{
    const Opts *o = call->opts;

    out->tables = arena_new(call->arena, MappingTable, all->count + 1);
    out->count = 0;
    for (size_t i = 0; i < all->count; i++)
        if (is_chosen(o, str_to_z(call->arena, all->tables[i].name)))
            out->tables[out->count++] = all->tables[i];
    return out->count > 0 || o->tables.count == 0 ||
           err_set(err, ERR_NOT_FOUND, "no table of the dataset '%.*s' has such a name",
                   STR_ARG(call->args[0]));
}

/* ---- where it goes ---- */

/* A file gets its name when it is whole. */
typedef struct Target {
    const char *path, *part; /* NULL: standard output */
    int fd;
} Target;

static void target_end(Target *target)
{
    if (target->part && target->fd >= 0)
        (void)os_unlink(target->part);
    if (target->part)
        os_close(&target->fd);
}

#define TARGET_SCOPE(name) ATTR_CLEANUP(target_end) Target name = {.fd = -1}

static bool target_open(const Call *call, Str path, Target *out, Err *err)
{
    *out = (Target){.fd = STDOUT_FILENO};
    if (!path.ptr || str_eq(path, STR("-")))
        return true;
    out->path = path.ptr;
    out->part = str_printf(call->arena, "%s.%d.part", path.ptr, (int)getpid()).ptr;
    out->fd = os_open(out->part, O_WRONLY | O_CREAT | O_EXCL, 0666);
    return out->fd >= 0 || err_sys(err, ERR_IO, "cannot write '%s'", path.ptr);
}

static bool target_keep(Target *target, Err *err)
{
    if (!target->part)
        return true;
    if (os_fsync(target->fd) < 0 || os_rename(target->part, target->path) < 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", target->path);
    os_close(&target->fd);
    return true;
}

static const char *spool_dir(const Call *call, const Target *target)
{
    if (target->path)
        return str_to_z(call->arena, str_dir_name(str_from_z(target->path)));
    return getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
}

/* ---- what was retried ---- */

static void put_report(const Extracted *done, Buf *text)
{
    JsonOut out = json_out(text);

    json_begin(&out, '{');
    json_key(&out, "rows");
    json_int(&out, done->rows);
    json_key(&out, "tables");
    json_int(&out, done->tables);
    json_key(&out, "retries");
    json_begin(&out, '[');
    for (size_t i = 0; i < done->retries_count; i++) {
        const ExtractRetry *retry = &done->retries[i];

        json_begin(&out, '{');
        json_key(&out, "table");
        json_str(&out, retry->table);
        json_key(&out, "from");
        json_z(&out, retry->from);
        json_key(&out, "to");
        json_z(&out, retry->to);
        json_key(&out, "reason");
        json_z(&out, retry->reason);
        json_end(&out, '}');
    }
    json_end(&out, ']');
    json_end(&out, '}');
    json_line(&out);
}

static bool report(const Opts *o, const Extracted *done, Err *err)
{
    BUF_SCOPE(text);

    if (!o->report.ptr)
        return true;
    put_report(done, &text);
    return os_write_file(o->report.ptr, buf_str(&text), 0644, err);
}

/* ---- the whole ---- */

static bool extract(const Call *call, const Dataset *dataset, const Mapping *mapping, Target *target,
                    Extracted *done, Err *err)
{
    const Opts *o = call->opts;
    Progress *progress = progress_begin(call->arena, (ProgressTask){.what = "extracting",
                                                                    .unit = "tables",
                                                                    .fd = STDERR_FILENO,
                                                                    .off = call->quiet || call->json});
    bool ok = extract_run(&(Extract){.spec = &dataset->spec,
                                     .mapping = mapping,
                                     .sql = call->args[1],
                                     .format = (ExtractFormat)o->format,
                                     .connections = (size_t)o->connections,
                                     .spool = spool_dir(call, target),
                                     .deadline = o->deadline,
                                     .ordered = o->order,
                                     .stop = stop_flag(),
                                     .progress = progress,
                                     .fd = target->fd},
                          call->arena, done, err);

    progress_end(progress);
    return ok;
}

static void print(const Call *call, const Extracted *done)
{
    out_record(call->out);
    out_field(call->out, "rows", OUT_INT);
    out_int(call->out, done->rows);
    out_field(call->out, "tables", OUT_INT);
    out_int(call->out, done->tables);
    out_field(call->out, "retries", OUT_INT);
    out_int(call->out, (int64_t)done->retries_count);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    TARGET_SCOPE(target);
    Dataset dataset;
    Mapping mapping;
    Extracted done;
    Place *place;
    Err why = {0};

    if (!stop_init(err) || !dataset_open(call, &dataset, &place, err) ||
        !choose_tables(call, place_mapping(place), &mapping, err) ||
        !target_open(call, o->output, &target, err))
        return false;
    bool ok = extract(call, &dataset, &mapping, &target, &done, err) && target_keep(&target, err);
    if (!report(o, &done, ok ? err : &why))
        return false;
    if (ok && target.part)
        print(call, &done);
    return ok;
}

const Cmd cmd_dataset_extract = {
    .name = "dataset extract",
    .args = "NAME SQL",
    .summary = "get the rows that one SQL gives of all tables, from all servers at once",
    .description =
        "The SQL is run for every table, with {table} replaced by its name, on a server that has an active copy. The rows of a "
        "table are passed on when they are all there, once: when a server dies, hangs or is cut off meanwhile, another copy "
        "is asked. A file gets its name when it is complete.\n\n"
        "A server that computes for long before its first rows looks like one that hangs: --deadline has to be longer than that.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata dataset extract mini -o near.csv \\\n"
                "    'select id, x from {table} where x < 5'\n",
    .run = run,
};
