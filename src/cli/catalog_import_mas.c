/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"
#include "catalog/import_mas.h"
#include "cli/catalog.h"

enum { REJECTED_SHOWN = 1000 };

typedef struct Opts {
    StrList shards;
} Opts;

static const Opt opts[] = {
    {OPT_LIST, "shard", 's', offsetof(Opts, shards), "CODE", "only this shard; may be given again and again"},
    {.type = OPT_END},
};

typedef struct Rejected {
    Str shard, path, type, reason;
} Rejected;

typedef struct Importing {
    const Call *call;
    Rejected *rejected;
    size_t count;
    Progress *progress;
} Importing;

static void note_rejected(void *importing_v, Str shard, Str path, Str type, const char *reason)
{
    Importing *in = importing_v;
    Arena *arena = in->call->arena;

    if (in->count < REJECTED_SHOWN)
        in->rejected[in->count++] = (Rejected){str_copy(arena, shard), str_copy(arena, path),
                                               str_copy(arena, type), str_copy(arena, str_from_z(reason))};
}

static void note_progress(void *importing_v, int64_t rows)
{
    const Importing *in = importing_v;

    progress_add(in->progress, rows);
}

static void put(Out *out, const char *name, int64_t value)
{
    out_field(out, name, OUT_INT);
    out_int(out, value);
}

static void print(const Importing *in, const ImportTotals *totals)
{
    static const OutColumn columns[] = {
        {"shard", OUT_TEXT}, {"path", OUT_TEXT, .cut = true}, {"type", OUT_TEXT}, {"reason", OUT_TEXT}};
    Out *out = in->call->out;

    out_record(out);
    put(out, "shards", totals->shards);
    put(out, "records", totals->records);
    put(out, "bare_paths", totals->bare);
    put(out, "added", totals->added);
    put(out, "changed", totals->changed);
    put(out, "cached_answers", totals->cached);
    out_field_list(out, "rejected", columns, COUNT_OF(columns));
    for (size_t i = 0; i < in->count; i++) {
        out_text(out, in->rejected[i].shard);
        out_text(out, in->rejected[i].path);
        out_text(out, in->rejected[i].type);
        out_text(out, in->rejected[i].reason);
    }
    out_end(out);
    out_end(out);
    if (totals->rejected > (int64_t)in->count)
        out_say(out, "and %lld more records were not taken",
                (long long)totals->rejected - (long long)in->count);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Importing in = {.call = call, .rejected = arena_new(call->arena, Rejected, REJECTED_SHOWN)};
    const char *dsn;
    ImportTotals totals;

    if (!stop_init(err) || !catalog_dsn(call, &dsn, err))
        return false;
    in.progress = progress_begin(call->arena, (ProgressTask){.what = "importing",
                                                             .unit = "records",
                                                             .fd = STDERR_FILENO,
                                                             .off = call->quiet || call->json});
    bool ok = import_mas(&(ImportOptions){.conninfo = dsn,
                                          .from = call->args[0].ptr,
                                          .shards = o->shards.items,
                                          .shard_count = o->shards.count,
                                          .reject = note_rejected,
                                          .stop = stop_flag(),
                                          .progress = note_progress,
                                          .ctx = &in},
                         &totals, err);
    progress_end(in.progress);
    if (!ok)
        return false;
    print(&in, &totals);
    return totals.rejected == 0 ||
           err_set(err, ERR_PARTIAL, "%lld records were not taken", (long long)totals.rejected);
}

const Cmd cmd_catalog_import_mas = {
    .name = "catalog import-mas",
    .args = "DSN",
    .summary = "take over an existing MAS database",
    .description =
        "Makes each shard of the database that DSN names (as libpq takes it; the original's schema), and takes over its "
        "paths, their records of any type, and cached answers. What the original derives from them is made anew, "
        "and current at once. The old database is only read. Records that are not right are reported and the others "
        "taken in: then the exit status is 11. Done again, or after an interruption, it changes nothing that is the "
        "same.",
    .examples = "strata catalog import-mas \\\n"
                "    'host=old.example dbname=mas user=api'\n"
                "# one shard\n"
                "strata catalog import-mas --shard xx1 \\\n"
                "    'host=/var/run/postgresql dbname=mas'\n",
    .opts = opts,
    CMD_OPTS(Opts, .shards = {0}),
    .run = run,
};
