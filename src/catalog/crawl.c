/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/json.h"
#include "catalog/crawl_dir.h"
#include "catalog/problem.h"
#include "catalog_sql.h"

typedef struct Crawl {
    Arena arena;
    CrawlShared shared;
    CrawlThread *threads[WALK_THREADS_MAX];
    int thread_count;
    ProblemLog *problems;
    Db *db;
    int64_t id; /* crawls.cr_id */
    Str root;   /* text */
} Crawl;

static void release(Crawl *crawl)
{
    known_release(&crawl->shared.known);
    arena_free(&crawl->arena);
}

/* ---- the walk's callbacks ---- */

static bool take_dir(void *crawl_v, const WalkDir *dir, Err *err)
{
    Crawl *crawl = crawl_v;

    return crawl_take(crawl->threads[dir->thread], dir, err);
}

static bool ask_unchanged(void *crawl_v, const WalkDir *dir, Arena *arena, WalkKnown *out, Err *err)
{
    Crawl *crawl = crawl_v;

    return crawl_unchanged(crawl->threads[dir->thread], dir, arena, out, err);
}

static void take_problem(void *crawl_v, Str path, const char *what, int error)
{
    Crawl *crawl = crawl_v;
    ARENA_SCOPE(scratch);

    problem_note(crawl->problems, pathname_escape(&scratch, path), "cannot %s: %s", what,
                 strerrordesc_np(error));
}

/* ---- the whole ---- */

static int thread_count(const WalkOptions *walk)
{
    enum { THREADS_MIN = 4 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int count = walk->threads > 0 ? walk->threads : (int)(2 * cores > THREADS_MIN ? 2 * cores : THREADS_MIN);

    return count < WALK_THREADS_MAX ? count : WALK_THREADS_MAX;
}

/* Is the root, or a directory between the shard's and it, a link? */
static bool leads_through_link(Arena *arena, Str shard_root, Str root)
{
    char *top = realpath(str_to_z(arena, shard_root), NULL), *real = realpath(str_to_z(arena, root), NULL);
    Str below = str_eq_z(shard_root, "/") ? root : str_sub(root, shard_root.len, root.len);
    const char *above = top && strcmp(top, "/") != 0 ? top : "";
    bool straight = !real || str_eq_z(str_printf(arena, "%s%.*s", above, STR_ARG(below)), real);

    free(top);
    free(real);
    return !straight;
}

static bool check_root(Crawl *crawl, const CrawlOptions *options, Str root, Err *err)
{
    RESULT_SCOPE(rows);
    Str normal;

    if (!pathname_normalise(&crawl->arena, root, &normal, err))
        return false;
    crawl->root = pathname_escape(&crawl->arena, normal);
    if (!db_open(&crawl->arena, options->conninfo, &crawl->db, err) ||
        !db_query(crawl->db, &sql_shard_find, DB_ARGS(DB_TEXT(options->shard)), &rows, err))
        return false;
    if (db_count(rows) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no shard '%.*s'", STR_ARG(options->shard));
        return err_hint(err, "strata catalog shard create %.*s %.*s makes it", STR_ARG(options->shard),
                        STR_ARG(crawl->root));
    }
    if (!pathname_is_within(crawl->root, db_text(rows, 0, 0)))
        return err_set(err, ERR_USAGE, "'%.*s' is not in '%.*s', the root of shard '%.*s'",
                       STR_ARG(crawl->root), STR_ARG(db_text(rows, 0, 0)), STR_ARG(options->shard));
    crawl->shared.through_link =
        leads_through_link(&crawl->arena, pathname_unescape(&crawl->arena, db_text(rows, 0, 0)), normal);
    return walk_check_root(normal, err) &&
           db_run(crawl->db, &sql_shard_use, DB_ARGS(DB_TEXT(options->shard)), NULL, err);
}

static bool knows_anything(Crawl *crawl, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(crawl->db, &sql_crawl_knows, DB_ARGS(DB_TEXT(crawl->root)), &rows, err))
        return false;
    crawl->shared.anything = db_bool(rows, 0, 0);
    return true;
}

/*
 * The server goes on for a moment with what a process had sent before it was killed. What that brings must be there
 * before anything is compared with it. A bulk load has waited already, and holds the lock.
 */
static bool wait_for_others(Crawl *crawl, Err *err)
{
    return loader_totals(crawl->shared.loader).bulk ||
           db_run(crawl->db, &sql_merge_wait, DB_ARGS(DB_TEXT(crawl->shared.options->shard)), NULL, err);
}

static bool begin(Crawl *crawl, const CrawlOptions *options, Err *err)
{
    const LoaderOptions load = {.conninfo = options->conninfo,
                                .shard = options->shard,
                                .writers = options->writers,
                                .distinct = true};

    crawl->shared.options = options;
    crawl->shared.started = time_now();
    crawl->shared.option_hash = crawl_options_hash(&options->walk);
    crawl->problems = problem_log_new(&crawl->arena, options->conninfo, options->shard, "posix");
    if (!loader_open(&crawl->arena, &load, &crawl->shared.loader, err))
        return false;
    crawl->thread_count = thread_count(&options->walk);
    for (int i = 0; i < crawl->thread_count; i++)
        crawl->threads[i] = crawl_thread_new(&crawl->arena, &crawl->shared);
    return db_query_int(crawl->db, &sql_crawl_begin,
                        DB_ARGS(DB_TEXT(crawl->root), DB_TEXT(STR("posix")), DB_TEXT(STR("{}"))), &crawl->id,
                        err) &&
           fault_pass(FAULT_crawl_begun, err) && wait_for_others(crawl, err) && knows_anything(crawl, err) &&
           known_load(&crawl->shared.known, crawl->db, err) &&
           (!options->incremental || known_load_subdirs(&crawl->shared.known, crawl->db, err));
}

static bool walk_tree(Crawl *crawl, const CrawlOptions *options, Str root, Err *err)
{
    WalkOptions walk = options->walk;
    WalkTotals totals;
    const WalkSink sink = {.ctx = crawl,
                           .dir = take_dir,
                           .unchanged = options->incremental ? ask_unchanged : NULL,
                           .problem = take_problem};

    walk.threads = crawl->thread_count;
    if (!walk_run(root, &walk, &sink, &totals, err))
        return false;
    bool late = false;
    for (int i = 0; i < crawl->thread_count; i++) {
        if (!crawl_flush(crawl->threads[i], err))
            return false;
        late |= crawl_has_late(crawl->threads[i]);
    }
    if (late && !loader_drain(crawl->shared.loader, err))
        return false;
    for (int i = 0; late && i < crawl->thread_count; i++)
        if (!crawl_flush_late(crawl->threads[i], err))
            return false;
    return true;
}

static void put_result(Buf *out, const CrawlTotals *totals)
{
    buf_printf(
        out,
        "{\"files\":%lld,\"directories\":%lld,\"links\":%lld,\"added\":%lld,\"changed\":%lld,\"removed\":%lld,"
        "\"problems\":%lld}",
        (long long)totals->files, (long long)totals->directories, (long long)totals->links,
        (long long)totals->added, (long long)totals->changed, (long long)totals->removed,
        (long long)totals->problems);
}

static bool end(Crawl *crawl, const CrawlTotals *totals, Err *err)
{
    BUF_SCOPE(result);

    put_result(&result, totals);
    return fault_pass(FAULT_crawl_removed, err) && problem_log_finish(crawl->problems, &crawl->root, err) &&
           db_run(crawl->db, &sql_crawl_end, DB_ARGS(DB_INT(crawl->id), DB_TEXT(buf_str(&result))), NULL,
                  err);
}

bool crawl_posix(const CrawlOptions *options, Str root, CrawlTotals *out, Err *err)
{
    ATTR_CLEANUP(release) Crawl crawl = {0};
    LoaderTotals loaded = {0};
    Err later = {0};

    *out = (CrawlTotals){0};
    if (!check_root(&crawl, options, root, err) || !begin(&crawl, options, err))
        return false;
    bool ok = walk_tree(&crawl, options, root, err);
    /* Also after a failure: what was handed over is sent, so that the next crawl need not do it again. */
    if (!loader_finish(crawl.shared.loader, &loaded, ok ? err : &later))
        ok = false;
    for (int i = 0; i < crawl.thread_count; i++)
        crawl_add_totals(crawl.threads[i], out);
    out->added = loaded.added;
    out->changed = loaded.changed;
    out->removed = loaded.removed;
    out->problems = problem_count(crawl.problems);
    return ok && end(&crawl, out, err);
}
