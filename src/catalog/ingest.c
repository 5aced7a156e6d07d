/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/ingest.h"

#include "base/jsonread.h"
#include "base/lock.h"
#include "catalog/crawlfile_line.h"
#include "catalog/lines.h"
#include "catalog/loader.h"
#include "catalog/record.h"
#include "catalog/rename.h"

typedef struct Ingest {
    const IngestOptions *options;
    Arena arena;
    Arena line; /* of the line in hand */
    Loader *loader;
    Batch *batch;
    RecordReader *records;
    Db *db;        /* for renames; opened with the first */
    bool removing; /* the batch holds removals, and nothing else */
    pthread_mutex_t reject_mutex;
    IngestTotals totals;
} Ingest;

static void release(Ingest *ingest)
{
    batch_free(ingest->batch);
    arena_free(&ingest->line);
    arena_free(&ingest->arena);
    (void)pthread_mutex_destroy(&ingest->reject_mutex);
}

static void reject(Ingest *ingest, int64_t line, Str path, const char *reason)
{
    LOCK_SCOPE(held, &ingest->reject_mutex);
    ingest->totals.rejected++;
    if (ingest->options->reject)
        ingest->options->reject(ingest->options->reject_ctx, line, path, reason);
}

static void reject_record(void *ingest_v, const BatchRecord *record, const char *reason)
{
    reject(ingest_v, record->origin, record->path, reason);
}

/* ---- order: removals and records do not share a batch ---- */

static bool give(Ingest *ingest, Err *err)
{
    return loader_give(ingest->loader, &ingest->batch, err);
}

static bool turn_to(Ingest *ingest, bool removing, Err *err)
{
    if (ingest->removing == removing)
        return true;
    ingest->removing = removing;
    return give(ingest, err) && loader_drain(ingest->loader, err);
}

/* ---- one line ---- */

static bool take_record(Ingest *ingest, const CrawlfileLine *line, Err *err)
{
    const BatchRecord record = {
        .origin = line->number, .path = line->path, .type = line->type, .json = line->json};

    return record_add(ingest->records, &ingest->line, &record, ingest->batch, err);
}

static bool take_deleted(Ingest *ingest, const CrawlfileLine *line, Err *err)
{
    if (!turn_to(ingest, true, err))
        return false;
    batch_add_gone(ingest->batch, pathname_hash(line->path));
    batch_forget(ingest->batch, pathname_hash(pathname_parent(line->path)));
    return true;
}

static bool read_from(Ingest *ingest, const CrawlfileLine *line, Str *out, Err *err)
{
    JsonIn in = json_in(line->json);
    JsonValue value = {0};
    Str key;
    bool found = false;

    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);) {
        if (!json_value(&in, &value) || !str_eq(key, STR("from")) || value.kind != JSON_STRING)
            continue;
        if (!pathname_normalise(&ingest->line, json_text(&ingest->line, &value), out, err))
            return false;
        found = true;
    }
    return (json_done(&in) && found) || err_set(err, ERR_USAGE, "a rename without {\"from\": path}");
}

static bool rename_now(Ingest *ingest, Rename *rename, Err *err)
{
    if (str_eq(rename->from, rename->to))
        return true;
    if (!db_begin(ingest->db, err))
        return false;
    TX_SCOPE(ingest->db);
    return rename_paths(ingest->db, rename, 1, loader_root(ingest->loader), err) &&
           db_commit(ingest->db, err);
}

/* Everything before must be in, and nothing of what comes after. */
static bool take_renamed(Ingest *ingest, const CrawlfileLine *line, Err *err)
{
    Rename rename = {.to = line->path};

    if (!read_from(ingest, line, &rename.from, err))
        return false;
    if (!ingest->db && (!db_open(&ingest->arena, ingest->options->conninfo, &ingest->db, err) ||
                        !rename_prepare(ingest->db, ingest->options->shard, err)))
        return false;
    return give(ingest, err) && loader_settle(ingest->loader, err) && rename_now(ingest, &rename, err);
}

static const struct {
    Str type;
    bool (*take)(Ingest *ingest, const CrawlfileLine *line, Err *err);
} special_lines[] = {{{"-deleted", 8}, take_deleted}, {{"-renamed", 8}, take_renamed}};

static bool take_line(Ingest *ingest, const CrawlfileLine *line, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(special_lines); i++)
        if (str_eq(line->type, special_lines[i].type))
            return special_lines[i].take(ingest, line, err);
    return turn_to(ingest, false, err) && take_record(ingest, line, err);
}

static bool take_text(Ingest *ingest, int64_t number, Str text, Err *err)
{
    CrawlfileLine line = {.number = number};

    if (text.len && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (text.len == 0) /* as editors leave at the end */
        return true;
    arena_reset(&ingest->line);
    ingest->totals.lines++;
    if (!crawlfile_line_read(&ingest->line, text, loader_root(ingest->loader), &line, err) ||
        !take_line(ingest, &line, err)) {
        if (!record_is_bad(err))
            return false;
        reject(ingest, number, line.path, err->text);
        return true;
    }
    return !batch_is_full(ingest->batch) || give(ingest, err);
}

/* ---- the file ---- */

static bool read_lines(Ingest *ingest, int fd, Err *err)
{
    enum { REPORT_LINES = 256 };
    Lines *lines = lines_new(&ingest->arena, fd, ingest->options->stop);
    const IngestOptions *options = ingest->options;
    bool end;
    Str text;

    for (;;) {
        if (!lines_next(lines, &text, &end, err))
            return false;
        if (end)
            return true;
        if (!take_text(ingest, lines_number(lines), text, err))
            return err_wrap(err, "line %lld", (long long)lines_number(lines));
        if (lines_number(lines) % REPORT_LINES != 0)
            continue;
        if (options->progress)
            options->progress(options->progress_ctx, lines_number(lines), lines_bytes(lines));
        if (options->stop && atomic_load(options->stop))
            return err_set(err, ERR_INTERRUPTED, "interrupted after line %lld",
                           (long long)lines_number(lines));
    }
}

bool ingest_file(const IngestOptions *options, int fd, IngestTotals *out, Err *err)
{
    ATTR_CLEANUP(release) Ingest ingest = {.options = options};
    LoaderTotals loaded = {0};
    Err later = {0};
    const LoaderOptions load = {.conninfo = options->conninfo,
                                .shard = options->shard,
                                .writers = options->writers,
                                .reject = reject_record,
                                .reject_ctx = &ingest};

    *out = (IngestTotals){0};
    (void)pthread_mutex_init(&ingest.reject_mutex, NULL);
    ingest.batch = batch_new();
    if (!loader_open(&ingest.arena, &load, &ingest.loader, err))
        return false;
    ingest.records =
        record_reader_new(&ingest.arena, options->conninfo, options->shard, loader_root(ingest.loader));
    bool ok = read_lines(&ingest, fd, err);
    if (!give(&ingest, ok ? err : &later))
        ok = false;
    if (!loader_finish(ingest.loader, &loaded, ok ? err : &later))
        ok = false;
    ingest.totals.accepted = ingest.totals.lines - ingest.totals.rejected;
    ingest.totals.added = loaded.added;
    ingest.totals.changed = loaded.changed;
    ingest.totals.removed = loaded.removed;
    *out = ingest.totals;
    return ok;
}
