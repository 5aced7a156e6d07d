/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawl_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/os.h"
#include "catalog/checksum.h"
#include "catalog/content.h"
#include "catalog/crawlfile_posix.h"
#include "catalog/extract.h"
#include "catalog/magic_look.h"
#include "catalog/pathname.h"

typedef struct Looker {
    Arena arena;
    MagicReader *magic;       /* NULL: not wanted, or not made yet */
    ChecksumReader *checksum; /* likewise */
    Buf lines, json;
    CrawlTotals totals;
} Looker;

typedef struct FileCrawl {
    Arena arena;
    const CrawlFileOptions *options;
    CrawlFile *file;
    CrawlPosix *posix;
    Looker lookers[WALK_THREADS_MAX];
    ChecksumPace pace;
    atomic_int_fast64_t problems;
    pthread_mutex_t mutex; /* of all below */
    Buf paths;             /* of files for gdal: each ended by a NUL */
    Buf gdal_lines;
    int64_t gdal_records;
} FileCrawl;

static void release(FileCrawl *crawl)
{
    for (int i = 0; i < WALK_THREADS_MAX; i++) {
        buf_release(&crawl->lookers[i].lines);
        buf_release(&crawl->lookers[i].json);
        arena_free(&crawl->lookers[i].arena);
    }
    buf_release(&crawl->paths);
    buf_release(&crawl->gdal_lines);
    arena_free(&crawl->arena);
    (void)pthread_mutex_destroy(&crawl->mutex);
}

static bool wants(const FileCrawl *crawl, ContentKind kind)
{
    return crawl->options->kinds & 2U << kind;
}

/* ---- contents, by the walking threads ---- */

static bool make_readers(FileCrawl *crawl, Looker *looker, Err *err)
{
    if (wants(crawl, CONTENT_MAGIC) && !looker->magic &&
        !magic_reader_new(&looker->arena, true, &looker->magic, err))
        return false;
    if (wants(crawl, CONTENT_CHECKSUM) && !looker->checksum)
        looker->checksum = checksum_reader_new(&looker->arena, &crawl->pace);
    return true;
}

static void look_at(FileCrawl *crawl, Looker *looker, const WalkDir *dir, const WalkEntry *entry, Str path)
{
    FD_SCOPE(fd);
    Err why = {0};
    ChecksumFacts sums;
    MagicFacts magic;

    if (!walk_open_file(dir->fd, entry->name, &fd, &why)) {
        if (why.code != ERR_NOT_FOUND)
            (void)atomic_fetch_add(&crawl->problems, 1);
        return;
    }
    if (looker->magic && magic_look(looker->magic, fd, &magic, &why)) {
        buf_reset(&looker->json);
        magic_put_json(&looker->json, &magic);
        crawlfile_put_record(&looker->lines, path, STR("magic"), buf_str(&looker->json));
        looker->totals.records++;
    }
    if (!looker->checksum)
        return;
    if (checksum_file(looker->checksum, fd, &sums, &why)) {
        buf_reset(&looker->json);
        checksum_put_json(&looker->json, &sums);
        crawlfile_put_record(&looker->lines, path, STR("checksum"), buf_str(&looker->json));
        looker->totals.records++;
    } else if (why.code != ERR_INTERRUPTED)
        (void)atomic_fetch_add(&crawl->problems, 1);
}

static bool keep_path(FileCrawl *crawl, Str path, Err *err)
{
    LOCK_SCOPE(held, &crawl->mutex);

    if (crawl->paths.len + path.len + 1 > CRAWL_FILE_PATHS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d bytes of paths for gdal", CRAWL_FILE_PATHS_MAX);
    buf_put(&crawl->paths, path);
    buf_put_byte(&crawl->paths, '\0');
    return true;
}

static bool look_at_all(FileCrawl *crawl, const WalkDir *dir, Err *err)
{
    Looker *looker = &crawl->lookers[dir->thread];

    if (!make_readers(crawl, looker, err))
        return false;
    for (size_t i = 0; i < dir->count; i++) {
        ARENA_SCOPE(scratch);

        if (dir->entries[i].facts.type != POSIX_FILE)
            continue;
        Str path = pathname_join(&scratch, dir->text, dir->entries[i].text);
        if (looker->magic || looker->checksum)
            look_at(crawl, looker, dir, &dir->entries[i], path);
        if (wants(crawl, CONTENT_GDAL) && !keep_path(crawl, path, err))
            return false;
    }
    if (looker->lines.len < CRAWLFILE_BATCH_BYTES)
        return true;
    bool ok = crawlfile_add(crawl->file, buf_str(&looker->lines), err);
    buf_reset(&looker->lines);
    return ok;
}

static void count_entries(CrawlTotals *totals, const WalkDir *dir)
{
    totals->directories += dir->unlisted && dir->first;
    for (size_t i = 0; i < dir->count; i++) {
        PosixType type = dir->entries[i].facts.type;

        totals->files += type == POSIX_FILE;
        totals->directories += type == POSIX_DIRECTORY;
        totals->links += type == POSIX_LINK;
        totals->others += type > POSIX_LINK;
    }
}

static bool take_dir(void *crawl_v, const WalkDir *dir, Err *err)
{
    FileCrawl *crawl = crawl_v;

    count_entries(&crawl->lookers[dir->thread].totals, dir);
    if (crawl->options->progress)
        crawl->options->progress(crawl->options->progress_ctx, (int64_t)dir->count);
    if ((crawl->options->kinds & 1) && !crawlfile_posix_dir(crawl->posix, dir, err))
        return false;
    return crawl->options->kinds == 1 || look_at_all(crawl, dir, err);
}

static void take_problem(void *crawl_v, Str path, const char *what, int error)
{
    FileCrawl *crawl = crawl_v;

    (void)path;
    (void)what;
    (void)error;
    (void)atomic_fetch_add(&crawl->problems, 1);
}

/* ---- gdal, after the walk ---- */

static bool put_gdal(void *crawl_v, const ExtractAnswer *answer, Err *err)
{
    FileCrawl *crawl = crawl_v;
    ARENA_SCOPE(scratch);

    if (answer->outcome == EXTRACT_FAILED || answer->outcome == EXTRACT_KILLED)
        (void)atomic_fetch_add(&crawl->problems, 1);
    if (answer->outcome != EXTRACT_FOUND)
        return true;
    crawlfile_put_record(&crawl->gdal_lines, pathname_escape(&scratch, answer->path), STR("gdal"),
                         answer->record);
    crawl->gdal_records++;
    if (crawl->gdal_lines.len < CRAWLFILE_BATCH_BYTES)
        return true;
    bool ok = crawlfile_add(crawl->file, buf_str(&crawl->gdal_lines), err);
    buf_reset(&crawl->gdal_lines);
    return ok;
}

static bool submit_all(FileCrawl *crawl, ExtractPool *pool, Err *err)
{
    for (Str left = buf_str(&crawl->paths); left.len;) {
        ARENA_SCOPE(scratch);
        Str path;

        left = str_cut(left, '\0', &path);
        if (crawl->options->walk.stop && atomic_load(crawl->options->walk.stop))
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (!extract_submit(pool, pathname_unescape(&scratch, path), NULL, err) && err->code != ERR_LIMIT)
            return false;
    }
    return extract_drain(pool, err);
}

static bool run_gdal(FileCrawl *crawl, Err *err)
{
    ExtractPool *pool;

    if (!wants(crawl, CONTENT_GDAL))
        return true;
    if (!extract_open(&crawl->arena,
                      &(ExtractOptions){.done = put_gdal,
                                        .ctx = crawl,
                                        .rules = crawl->options->rules,
                                        .stats = crawl->options->stats},
                      &pool, err))
        return false;
    bool ok = submit_all(crawl, pool, err);
    extract_close(pool);
    return ok && crawlfile_add(crawl->file, buf_str(&crawl->gdal_lines), err);
}

/* ---- the whole ---- */

static bool walk_all(FileCrawl *crawl, const Str *roots, size_t count, Err *err)
{
    const WalkSink sink = {.ctx = crawl, .dir = take_dir, .problem = take_problem};
    WalkTotals totals;

    for (size_t i = 0; i < count; i++)
        if (!walk_run(roots[i], &crawl->options->walk, &sink, &totals, err))
            return false;
    for (int i = 0; i < WALK_THREADS_MAX; i++)
        if (crawl->lookers[i].lines.len &&
            !crawlfile_add(crawl->file, buf_str(&crawl->lookers[i].lines), err))
            return false;
    return crawlfile_posix_flush(crawl->posix, err);
}

static void add_totals(const FileCrawl *crawl, CrawlTotals *out)
{
    *out = (CrawlTotals){.problems = atomic_load(&crawl->problems), .records = crawl->gdal_records};
    for (int i = 0; i < WALK_THREADS_MAX; i++) {
        out->files += crawl->lookers[i].totals.files;
        out->directories += crawl->lookers[i].totals.directories;
        out->links += crawl->lookers[i].totals.links;
        out->others += crawl->lookers[i].totals.others;
        out->records += crawl->lookers[i].totals.records;
    }
}

bool crawl_to_file(const CrawlFileOptions *options, const Str *roots, size_t count, const char *path,
                   CrawlTotals *out, Err *err)
{
    FileCrawl *crawl = calloc(1, sizeof *crawl);

    if (!crawl)
        abort();
    crawl->options = options;
    crawl->pace = (ChecksumPace){.stop = options->walk.stop, .started = time_monotonic()};
    (void)pthread_mutex_init(&crawl->mutex, NULL);
    bool ok = crawlfile_open(&crawl->arena, path, &crawl->file, err);
    if (ok) {
        crawl->posix = crawlfile_posix_new(&crawl->arena, crawl->file);
        ok = walk_all(crawl, roots, count, err) && run_gdal(crawl, err) && crawlfile_close(crawl->file, err);
    }
    add_totals(crawl, out);
    release(crawl);
    free(crawl);
    return ok;
}
