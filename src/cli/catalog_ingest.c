/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "base/progress.h"
#include "base/stop.h"
#include "catalog/ingest.h"
#include "cli/catalog.h"

enum { REJECTED_SHOWN = 1000 };

typedef struct Rejected {
    Str file;
    int64_t line;
    Str reason;
} Rejected;

typedef struct Ingesting {
    const Call *call;
    Arena *arena;
    Str file;
    Rejected *rejected;
    size_t count;
    Progress *progress;
    int64_t bytes;
} Ingesting;

static void note_rejected(void *ingesting_v, int64_t line, Str path, const char *reason)
{
    Ingesting *in = ingesting_v;

    (void)path;
    if (in->count < REJECTED_SHOWN)
        in->rejected[in->count++] = (Rejected){in->file, line, str_copy(in->arena, str_from_z(reason))};
}

static void note_progress(void *ingesting_v, int64_t lines, int64_t bytes)
{
    Ingesting *in = ingesting_v;

    (void)lines;
    progress_add(in->progress, bytes - in->bytes);
    in->bytes = bytes;
}

static bool ingest_one(Ingesting *in, const char *dsn, Str file, IngestTotals *out, Err *err)
{
    FD_SCOPE(fd);
    struct stat st = {0};
    IngestTotals totals;

    in->file = file;
    in->bytes = 0;
    fd = str_eq(file, STR("-")) ? dup(STDIN_FILENO) : os_open(file.ptr, O_RDONLY, 0);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", file.ptr);
    (void)fstat(fd, &st);
    in->progress = progress_begin(in->arena, (ProgressTask){.what = "ingesting",
                                                            .total = S_ISREG(st.st_mode) ? st.st_size : 0,
                                                            .fd = STDERR_FILENO,
                                                            .off = in->call->quiet || in->call->json});
    bool ok = ingest_file(&(IngestOptions){.conninfo = dsn,
                                           .shard = in->call->args[0],
                                           .reject = note_rejected,
                                           .reject_ctx = in,
                                           .stop = stop_flag(),
                                           .progress = note_progress,
                                           .progress_ctx = in},
                          fd, &totals, err);
    progress_end(in->progress);
    out->lines += totals.lines;
    out->accepted += totals.accepted;
    out->rejected += totals.rejected;
    out->added += totals.added;
    out->changed += totals.changed;
    out->removed += totals.removed;
    return ok || err_wrap(err, "cannot ingest '%s'", file.ptr);
}

static void put(Out *out, const char *name, int64_t value)
{
    out_field(out, name, OUT_INT);
    out_int(out, value);
}

static void print(const Ingesting *in, const IngestTotals *totals)
{
    static const OutColumn columns[] = {
        {"file", OUT_TEXT, .cut = true}, {"line", OUT_INT}, {"reason", OUT_TEXT}};
    Out *out = in->call->out;

    out_record(out);
    put(out, "lines", totals->lines);
    put(out, "accepted", totals->accepted);
    put(out, "added", totals->added);
    put(out, "changed", totals->changed);
    put(out, "removed", totals->removed);
    out_field_list(out, "rejected", columns, COUNT_OF(columns));
    for (size_t i = 0; i < in->count; i++) {
        out_text(out, in->rejected[i].file);
        out_int(out, in->rejected[i].line);
        out_text(out, in->rejected[i].reason);
    }
    out_end(out);
    out_end(out);
    if (totals->rejected > (int64_t)in->count)
        out_say(out, "and %lld more lines were not taken",
                (long long)totals->rejected - (long long)in->count);
}

static bool run(const Call *call, Err *err)
{
    Ingesting in = {
        .call = call, .arena = call->arena, .rejected = arena_new(call->arena, Rejected, REJECTED_SHOWN)};
    const char *dsn;
    IngestTotals totals = {0};

    if (!stop_init(err) || !catalog_dsn(call, &dsn, err))
        return false;
    for (size_t i = 1; i < call->args_count; i++)
        if (!ingest_one(&in, dsn, call->args[i], &totals, err))
            return false;
    print(&in, &totals);
    if (totals.rejected == 0)
        return true;
    return err_set(err, ERR_PARTIAL, "%lld of %lld lines were not taken", (long long)totals.rejected,
                   (long long)totals.lines);
}

const Cmd cmd_catalog_ingest = {
    .name = "catalog ingest",
    .args = "SHARD FILE...|-",
    .summary = "take crawl files into a shard",
    .description =
        "Each line is a path, a type and a JSON object with tabs between them; plain, gzip or zstd. Bad lines "
        "are reported with their numbers and the others are taken in: then the exit status is 11. Records "
        "that are there already change nothing, so an interrupted ingest is simply started again.",
    .examples = "strata catalog ingest usr usr.tsv.gz\n"
                "# from another program\n"
                "zcat old/*.gz | strata catalog ingest usr -\n",
    .run = run,
};
