/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/content.h"

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "catalog/content_work.h"
#include "catalog/shard.h"
#include "catalog_sql.h"

typedef struct ContentCrawl {
    Arena arena;
    const ContentOptions *options;
    ContentWork work;
    Db *db;   /* that lists the files */
    Str root; /* text */
    Instant since;
    int64_t id; /* of the row in crawls */
} ContentCrawl;

static const struct {
    const char *name;
    const ContentReader *reader;
} kinds[CONTENT_KIND_COUNT] = {
    [CONTENT_MAGIC] = {"magic", &content_reader_magic},
    [CONTENT_CHECKSUM] = {"checksum", &content_reader_checksum},
    [CONTENT_GDAL] = {"gdal", &content_reader_gdal},
};

const char *content_kind_name(ContentKind kind)
{
    return kinds[kind].name;
}

static void release(ContentCrawl *crawl)
{
    arena_free(&crawl->arena);
}

/* ---- which files ---- */

static bool matches_any(const Str *patterns, size_t count, const char *below, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i].ptr, memchr(patterns[i].ptr, '/', patterns[i].len) ? below : name, 0) == 0)
            return true;
    return false;
}

static bool is_wanted(const ContentOptions *options, Str root, Str path)
{
    if (options->include_count + options->exclude_count == 0)
        return true;
    ARENA_SCOPE(scratch);
    const char *whole = str_to_z(&scratch, path),
               *below = whole + root.len + (root.len > 1 && path.len > root.len);
    const char *name = strrchr(whole, '/') + 1;

    return (options->include_count == 0 ||
            matches_any(options->include, options->include_count, below, name)) &&
           !matches_any(options->exclude, options->exclude_count, below, name);
}

static bool take_row(void *crawl_v, const PGresult *one, Err *err)
{
    ContentCrawl *crawl = crawl_v;
    ContentFile file = {.size = db_int(one, 0, 1), .has_record = db_bool(one, 0, 3)};

    if (crawl->options->stop && atomic_load(crawl->options->stop))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (!is_wanted(crawl->options, crawl->root, db_text(one, 0, 0)))
        return true;
    if (!time_parse(db_text(one, 0, 2), &file.mtime))
        return err_set(err, ERR_CORRUPT, "the time '%.*s' of a file cannot be read",
                       STR_ARG(db_text(one, 0, 2)));
    file.path = db_text(one, 0, 0);
    return crawl->work.reader->submit(&crawl->work, &file, err);
}

/* ---- the whole ---- */

static bool end(ContentCrawl *crawl, const ContentTotals *totals, Err *err)
{
    char since[TIME_TEXT_MAX];
    BUF_SCOPE(result);

    buf_printf(&result, "{\"looked\":%lld,\"records\":%lld,\"problems\":%lld}", (long long)totals->looked,
               (long long)totals->records, (long long)totals->problems);
    return problem_log_finish(crawl->work.problems, NULL, err) &&
           db_run(crawl->db, &sql_look_end,
                  DB_ARGS(DB_TEXT(crawl->work.type), DB_TEXT(crawl->root),
                          DB_TEXT(time_format(crawl->since, since))),
                  NULL, err) &&
           db_run(crawl->db, &sql_crawl_end, DB_ARGS(DB_INT(crawl->id), DB_TEXT(buf_str(&result))), NULL,
                  err);
}

static bool begin(ContentCrawl *crawl, ContentKind kind, Str root, Err *err)
{
    const ContentOptions *options = crawl->options;
    const LoaderOptions load = {.conninfo = options->conninfo, .shard = options->shard, .writers = 1};
    Str normal;

    if (!pathname_normalise(&crawl->arena, root, &normal, err))
        return false;
    crawl->root = pathname_escape(&crawl->arena, normal);
    crawl->since = time_now();
    crawl->work = (ContentWork){.options = options,
                                .reader = kinds[kind].reader,
                                .type = str_from_z(kinds[kind].name),
                                .arena = &crawl->arena};
    crawl->work.problems =
        problem_log_new(&crawl->arena, options->conninfo, options->shard, kinds[kind].name);
    return db_open(&crawl->arena, options->conninfo, &crawl->db, err) &&
           shard_use(crawl->db, options->shard, err) && db_script(crawl->db, "set timezone = 'UTC'", err) &&
           loader_open(&crawl->arena, &load, &crawl->work.loader, err) &&
           db_query_int(crawl->db, &sql_crawl_begin,
                        DB_ARGS(DB_TEXT(crawl->root), DB_TEXT(crawl->work.type), DB_TEXT(STR("{}"))),
                        &crawl->id, err);
}

static bool look(ContentCrawl *crawl, Err *err)
{
    const ContentReader *reader = crawl->work.reader;

    if (!reader->open(&crawl->work, err))
        return false;
    bool ok = db_stream(crawl->db, &sql_look_list, DB_ARGS(DB_TEXT(crawl->work.type), DB_TEXT(crawl->root)),
                        false, take_row, crawl, err);
    Err later = {0};
    /* Also after an interruption: what is under way is finished and kept. */
    if (!reader->close(&crawl->work, ok ? err : &later))
        ok = false;
    return ok;
}

bool content_crawl(const ContentOptions *options, ContentKind kind, Str root, ContentTotals *out, Err *err)
{
    ATTR_CLEANUP(release) ContentCrawl crawl = {.options = options};
    LoaderTotals loaded;
    Err later = {0};

    *out = (ContentTotals){0};
    if (!begin(&crawl, kind, root, err))
        return false;
    bool ok = look(&crawl, err);
    if (!loader_finish(crawl.work.loader, &loaded, ok ? err : &later))
        ok = false;
    out->looked = atomic_load(&crawl.work.looked);
    out->records = atomic_load(&crawl.work.records);
    out->problems = problem_count(crawl.work.problems);
    return ok && end(&crawl, out, err);
}
