/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/follow.h"

#include "catalog/follow_core.h"
#include "catalog/rename.h"
#include "catalog_sql.h"
#include "db/array.h"

/* ---- connections ---- */

static void disconnect(Follow *follow)
{
    LoaderTotals ignored;
    Err err;

    if (follow->loader)
        (void)!loader_finish(follow->loader, &ignored, &err);
    batch_free(follow->records);
    arena_free(&follow->arena);
    follow->loader = NULL;
    follow->records = NULL;
    follow->connected = false;
}

static void ignore_record(void *follow_v, const BatchRecord *record, const char *reason)
{
    Follow *follow = follow_v;

    problem_note(follow->problems, record->path, "cannot be kept: %s", reason);
}

static bool open_all(Follow *follow, Err *err)
{
    const FollowOptions *o = &follow->options;

    follow->problems = problem_log_new(&follow->arena, o->conninfo, o->shard, "posix");
    if (!db_open(&follow->arena, o->conninfo, &follow->db, err) ||
        !loader_open(&follow->arena,
                     &(LoaderOptions){.conninfo = o->conninfo,
                                      .shard = o->shard,
                                      .writers = 1,
                                      .merging = true,
                                      .reject = ignore_record,
                                      .reject_ctx = follow},
                     &follow->loader, err) ||
        !rename_prepare(follow->db, o->shard, err))
        return false;
    follow->records = batch_new();
    follow->crawl = (CrawlOptions){.conninfo = o->conninfo,
                                   .shard = o->shard,
                                   .walk = {.include = o->include,
                                            .include_count = o->include_count,
                                            .exclude = o->exclude,
                                            .exclude_count = o->exclude_count,
                                            .threads = 1,
                                            .names = follow->names,
                                            .stop = o->stop},
                                   .progress = o->progress,
                                   .progress_ctx = o->ctx};
    follow->shared = (CrawlShared){.options = &follow->crawl,
                                   .loader = follow->loader,
                                   .option_hash = crawl_options_hash(&follow->crawl.walk),
                                   .anything = true};
    follow->thread = crawl_thread_new(&follow->arena, &follow->shared);
    follow->connected = true;
    return true;
}

static bool connect(Follow *follow, Err *err)
{
    if (follow->connected)
        return true;
    if (open_all(follow, err))
        return true;
    disconnect(follow);
    return false;
}

static void release(void *follow_v)
{
    Follow *follow = follow_v;

    disconnect(follow);
    follow_links_release(&follow->links);
    buf_release(&follow->json);
    buf_release(&follow->unknown);
    arena_free(&follow->batch);
}

bool follow_open(Arena *arena, const FollowOptions *options, Follow **out, Err *err)
{
    Follow *follow = arena_new(arena, Follow, 1);
    Str normal;

    if (!pathname_normalise(arena, options->root, &normal, err))
        return false;
    follow->options = *options;
    follow->options.root = str_copy(arena, normal);
    follow->root = str_copy(arena, pathname_escape(arena, normal));
    follow->names = posix_names_new(arena);
    follow->include = walk_match_new(arena, options->include, options->include_count);
    follow->by_path =
        follow->include.of_path || walk_match_new(arena, options->exclude, options->exclude_count).of_path;
    arena_defer(arena, release, follow);
    if (!connect(follow, err))
        return false;
    Str top = loader_root(follow->loader);
    if (!pathname_is_within(follow->root, top))
        return err_set(err, ERR_USAGE, "'%.*s' is not in '%.*s', the root of shard '%.*s'",
                       STR_ARG(follow->root), STR_ARG(top), STR_ARG(options->shard));
    *out = follow;
    return true;
}

/* ---- a database that goes away and comes back ---- */

enum { WAIT_MS_FIRST = 100, WAIT_MS_MAX = 3200, WAIT_STEP_MS = 100 };

static bool is_stopped(const Follow *follow)
{
    return follow->options.stop && atomic_load(follow->options.stop);
}

/* Whatever the database says may pass, but for a shard that is gone and values it does not take. */
static bool may_pass(const Err *err)
{
    return err->code == ERR_DB || err->code == ERR_CONFLICT || err->code == ERR_BUSY ||
           err->code == ERR_LIMIT;
}

/* False when there is no use in trying again. */
static bool wait_for_database(Follow *follow, int *wait_ms, Err *err)
{
    if (!may_pass(err))
        return false;
    disconnect(follow);
    if (follow->options.trouble)
        follow->options.trouble(follow->options.ctx, err);
    for (int waited = 0; waited < *wait_ms && !is_stopped(follow); waited += WAIT_STEP_MS)
        time_sleep(MILLISECONDS(WAIT_STEP_MS));
    *wait_ms = *wait_ms * 2 < WAIT_MS_MAX ? *wait_ms * 2 : WAIT_MS_MAX;
    if (!is_stopped(follow))
        return true;
    err->code = ERR_INTERRUPTED;
    return err_wrap(err, "stopped while the database is away");
}

/* ---- the whole root ---- */

static bool crawl_root(Follow *follow, CrawlTotals *out, Err *err)
{
    CrawlOptions options = follow->crawl;

    options.walk.threads = 0;
    if (!crawl_posix(&options, follow->options.root, out, err))
        return false;
    follow->crawled = true;
    return true;
}

bool follow_crawl(Follow *follow, CrawlTotals *out, Err *err)
{
    int wait_ms = WAIT_MS_FIRST;

    while (!connect(follow, err) || !crawl_root(follow, out, err))
        if (!wait_for_database(follow, &wait_ms, err))
            return false;
    return true;
}

/* ---- renames ---- */

Str follow_text(Follow *follow, Str raw)
{
    return pathname_escape(&follow->batch, raw);
}

static void put_parent(Follow *follow, Buf *hashes, Str path)
{
    Str parent = pathname_parent(path);

    if (parent.len == 0)
        return;
    PathHash hash = pathname_hash(follow_text(follow, parent));
    array_put_uuid(hashes, hash.bytes);
}

/*
 * What the last crawl noted of the directories in which some events are. To forget too many only makes the next crawl
 * compare. Renames have done so with the names of their moment; here all have those of after the last.
 */
static bool forget_scans(Follow *follow, const WatchEvent *events, size_t count, Err *err)
{
    BUF_SCOPE(hashes);

    for (size_t i = 0; i < count; i++) {
        put_parent(follow, &hashes, events[i].path);
        if (events[i].kind == WATCH_RENAMED)
            put_parent(follow, &hashes, events[i].from);
    }
    if (hashes.len == 0)
        return true;
    return db_run(follow->db, &sql_scans_forget, DB_ARGS(DB_TEXT(array_end(&hashes))), NULL, err);
}

static Rename *renames_of(Follow *follow, const WatchBatch *batch, size_t count)
{
    Rename *renames = arena_new(&follow->batch, Rename, count);

    for (size_t i = 0; i < count; i++) {
        const WatchEvent *event = &batch->events[i];

        renames[i] =
            (Rename){.from = follow_text(follow, event->from), .to = follow_text(follow, event->path)};
        if (event->directory)
            follow_links_moved(&follow->links, renames[i].to);
    }
    return renames;
}

/* All in one transaction, so that only a commit without an answer leaves it open whether they are done. */
static bool rename_all(Follow *follow, const WatchBatch *batch, size_t count, Err *err)
{
    Rename *renames = renames_of(follow, batch, count);

    if (!db_begin(follow->db, err))
        return false;
    TX_SCOPE(follow->db);
    if (!db_run(follow->db, &sql_merge_lock, DB_ARGS(DB_TEXT(follow->options.shard)), NULL, err) ||
        !rename_paths(follow->db, renames, count, loader_root(follow->loader), err))
        return false;
    follow->renames = RENAMES_UNSURE;
    if (!db_commit(follow->db, err))
        return false;
    follow->renames = RENAMES_DONE;
    buf_reset(&follow->unknown);
    for (size_t i = 0; i < count; i++)
        buf_put_byte(&follow->unknown, !renames[i].known || (batch->events[i].directory && follow->by_path));
    return true;
}

/* ---- a batch ---- */

static bool is_whole(const Follow *follow, const WatchBatch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->events[i].kind == WATCH_RESCAN && str_eq(batch->events[i].path, follow->options.root))
            return true;
    return false;
}

static void count_events(FollowTotals *totals, const WatchBatch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        totals->renamed += batch->events[i].kind == WATCH_RENAMED;
        totals->deleted += batch->events[i].kind == WATCH_DELETED;
        totals->looked += batch->events[i].kind == WATCH_CHANGED;
        totals->walked += batch->events[i].kind == WATCH_RESCAN;
    }
}

/* Everything may have changed, links outside of what was told among it. */
static bool do_whole(Follow *follow, Err *err)
{
    CrawlTotals crawled;

    if (!crawl_root(follow, &crawled, err))
        return false;
    follow->totals->added = crawled.added;
    follow->totals->changed = crawled.changed;
    follow->totals->removed = crawled.removed;
    follow->totals->problems = crawled.problems;
    return true;
}

static bool do_parts(Follow *follow, const WatchBatch *batch, Err *err)
{
    size_t renames = 0;

    while (renames < batch->count && batch->events[renames].kind == WATCH_RENAMED)
        renames++;
    if (renames > 0 && !follow->unsure && follow->renames == RENAMES_TO_DO &&
        !rename_all(follow, batch, renames, err))
        return false;
    /* Before anything that changes what is in them. */
    if (!forget_scans(follow, batch->events, batch->count, err))
        return false;
    if (!follow_look(follow, batch, renames, err))
        return false;
    LoaderTotals now = loader_totals(follow->loader);
    follow->totals->added = now.added - follow->loaded.added;
    follow->totals->changed = now.changed - follow->loaded.changed;
    follow->totals->removed = now.removed - follow->loaded.removed;
    return true;
}

static bool try_batch(Follow *follow, const WatchBatch *batch, Err *err)
{
    if (!connect(follow, err))
        return false;
    arena_reset(&follow->batch);
    follow_links_release(&follow->links);
    follow_links_init(&follow->links, &follow->batch, follow->root);
    *follow->totals = (FollowTotals){0};
    count_events(follow->totals, batch);
    follow->loaded = loader_totals(follow->loader);
    return (is_whole(follow, batch) ? do_whole(follow, err) : do_parts(follow, batch, err)) &&
           problem_log_finish(follow->problems, NULL, err);
}

bool follow_batch(Follow *follow, const WatchBatch *batch, FollowTotals *out, Err *err)
{
    Duration began = time_monotonic();
    int wait_ms = WAIT_MS_FIRST;

    *out = (FollowTotals){0};
    follow->totals = out;
    follow->unsure = follow->crawled;
    follow->crawled = false;
    if (batch->count == 0)
        return true;
    follow->renames = RENAMES_TO_DO;
    while (!try_batch(follow, batch, err))
        if (!wait_for_database(follow, &wait_ms, err))
            return false;
    out->took = time_monotonic() - began;
    return true;
}
