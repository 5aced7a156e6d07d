/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/follow.h"

#include <string.h>

#include "catalog/crawl_dir.h"
#include "catalog/follow_links.h"
#include "catalog/problem.h"
#include "catalog/rename.h"
#include "catalog/walk_match.h"
#include "catalog_sql.h"
#include "db/array.h"

/* What was done of the batch's renames: to do them twice may do harm. */
typedef enum Renames { RENAMES_TO_DO, RENAMES_DONE, RENAMES_UNSURE } Renames;

struct Follow {
    FollowOptions options;
    Arena arena; /* of what lasts as long as the connections */
    Arena batch; /* of the batch in hand */
    PosixNames *names;
    Str root; /* text */

    /* connections: all or none */
    bool connected;
    Db *db;
    Loader *loader;
    Batch *records;
    CrawlOptions crawl;
    CrawlShared shared;
    CrawlThread *thread; /* the only one of walks below the root */
    ProblemLog *problems;

    WalkMatch include;
    bool by_path; /* what is wanted depends on where it is, so what moved is to be walked */
    bool crawled; /* since the last batch: the next may tell what was seen already */

    /* the batch in hand */
    bool unsure; /* renames may be older than the last crawl */
    Renames renames;
    Buf unknown; /* a byte for each rename: there was nothing to move, or it is not known whether all is wanted */
    FollowLinks links;
    Buf json;
    FollowTotals *totals;
    LoaderTotals loaded; /* when it began */
};

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

static Str text_of(Follow *follow, Str raw)
{
    return pathname_escape(&follow->batch, raw);
}

static void put_parent(Follow *follow, Buf *hashes, Str path)
{
    Str parent = pathname_parent(path);

    if (parent.len == 0)
        return;
    PathHash hash = pathname_hash(text_of(follow, parent));
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

        renames[i] = (Rename){.from = text_of(follow, event->from), .to = text_of(follow, event->path)};
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

/* ---- looking at paths ---- */

static bool give(Follow *follow, Err *err)
{
    return loader_give(follow->loader, &follow->records, err);
}

static bool give_all(Follow *follow, Err *err)
{
    return give(follow, err) && loader_drain(follow->loader, err);
}

static void note_problem(Follow *follow, Str text, const char *reason)
{
    follow->totals->problems++;
    problem_note(follow->problems, text, "%s", reason);
}

/* Removals are sent before all else: what is at a path now must not go with what was there. */
typedef struct Look {
    Str raw, text;
    PosixFacts facts;
    bool gone, walk;
} Look;

/* As a walk would deliver it. What is excluded is not told of. */
static bool is_wanted(const Follow *follow, Str raw, PosixType type)
{
    return follow->include.count == 0 || type == POSIX_DIRECTORY ||
           walk_match_below(&follow->include, follow->options.root, raw, false);
}

static void look_at(Follow *follow, Look *look, Str raw, bool walk)
{
    Err err = {0};

    *look = (Look){.raw = raw, .text = text_of(follow, raw), .walk = walk};
    if (walk_stat(&follow->batch, follow->names, follow->options.root, raw, &look->facts, &err)) {
        if (is_wanted(follow, raw, look->facts.type))
            return;
        err.code = ERR_NOT_FOUND;
    }
    look->walk = false;
    look->gone = err.code == ERR_NOT_FOUND;
    look->facts.has = 0;
    if (!look->gone)
        note_problem(follow, look->text, err.text);
}

static bool send_look(Follow *follow, const Look *look, Err *err)
{
    if (look->facts.has == 0)
        return true;
    buf_reset(&follow->json);
    posix_put_json(&follow->json, &look->facts);
    batch_add(follow->records, &(BatchRecord){.path = look->text,
                                              .type = STR("posix"),
                                              .json = buf_str(&follow->json),
                                              .facts = &look->facts});
    return !batch_is_full(follow->records) || give(follow, err);
}

/* ---- walking below a path ---- */

static bool take_dir(void *follow_v, const WalkDir *dir, Err *err)
{
    Follow *follow = follow_v;

    for (size_t i = 0; i < dir->count; i++)
        follow_links_name(&follow->links, dir->entries[i].text);
    return crawl_take(follow->thread, dir, err);
}

static void take_problem(void *follow_v, Str path, const char *what, int error)
{
    Follow *follow = follow_v;

    follow->totals->problems++;
    problem_note(follow->problems, text_of(follow, path), "cannot %s: %s", what, strerrordesc_np(error));
}

/* What is known below may vanish with the walk: links through it are looked at then. */
static bool note_names_below(Follow *follow, const Look *look, Err *err)
{
    RESULT_SCOPE(rows);
    PathHash hash = pathname_hash(look->text);

    if (!db_query(follow->db, &sql_names_below,
                  DB_ARGS(DB_BINARY(((Str){(char *)hash.bytes, sizeof hash.bytes}))), &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++)
        follow_links_name(&follow->links, db_text(rows, i, 0));
    return true;
}

static bool walk_below(Follow *follow, const Look *look, Err *err)
{
    const WalkSink sink = {.ctx = follow, .dir = take_dir, .problem = take_problem};
    WalkTotals walked;

    if (!note_names_below(follow, look, err))
        return false;
    follow->shared.started = time_now();
    WalkOptions options = follow->crawl.walk;
    options.start = look->raw;
    if (!walk_run(follow->options.root, &options, &sink, &walked, err))
        return false;
    return crawl_flush(follow->thread, err) && loader_drain(follow->loader, err) &&
           (!crawl_has_late(follow->thread) ||
            (crawl_flush_late(follow->thread, err) && loader_drain(follow->loader, err)));
}

/* ---- a batch ---- */

/* Where an entry comes or goes the directory changes as well, so a file that was only written to stands alone. */
static void note_names(Follow *follow, const WatchBatch *batch)
{
    Map changed = {0};

    for (size_t i = 0; i < batch->count; i++)
        if (batch->events[i].kind == WATCH_CHANGED)
            *map_slot(&changed, &follow->batch, batch->events[i].path) = follow;
    for (size_t i = 0; i < batch->count; i++) {
        const WatchEvent *event = &batch->events[i];

        if (event->kind != WATCH_CHANGED || map_get(&changed, pathname_parent(event->path)))
            follow_links_name(&follow->links, text_of(follow, event->path));
        if (event->kind == WATCH_RENAMED)
            follow_links_name(&follow->links, text_of(follow, event->from));
    }
}

/*
 * The number of paths to look at; of the renames, both ends when they cannot be done, and the end of what was not
 * known. What is deleted may be there again.
 */
static size_t look_at_all(Follow *follow, const WatchBatch *batch, size_t renames, Look *looks)
{
    size_t count = 0;
    bool instead = follow->renames != RENAMES_DONE;

    for (size_t i = 0; i < batch->count; i++) {
        const WatchEvent *event = &batch->events[i];

        if (i < renames && !instead && !follow->unknown.ptr[i])
            continue;
        if (i < renames && instead)
            look_at(follow, &looks[count++], event->from, true);
        look_at(follow, &looks[count++], event->path, event->kind != WATCH_CHANGED);
    }
    return count;
}

static bool send_gone(Follow *follow, const Look *looks, size_t count, Err *err)
{
    Map gone = {0}; /* each once: what goes is subtracted from counts */

    for (size_t i = 0; i < count; i++) {
        void **slot = looks[i].gone ? map_slot(&gone, &follow->batch, looks[i].text) : NULL;

        if (slot && !*slot) {
            *slot = follow;
            batch_add_gone(follow->records, pathname_hash(looks[i].text));
        }
    }
    return gone.count == 0 || give_all(follow, err);
}

static bool send_looks(Follow *follow, const Look *looks, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!looks[i].gone && !send_look(follow, &looks[i], err))
            return false;
    if (!give_all(follow, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (looks[i].walk && looks[i].facts.type == POSIX_DIRECTORY && !walk_below(follow, &looks[i], err))
            return false;
    return true;
}

/* Links are looked at until none of them leads elsewhere than the catalogue says. */
static bool look_at_links(Follow *follow, Err *err)
{
    for (;;) {
        RESULT_SCOPE(rows);

        if (!follow_links_ask(&follow->links, follow->db, &rows, err))
            return false;
        if (!rows)
            return true;
        for (int i = 0; i < db_count(rows); i++) {
            Look look;
            Str text = str_copy(&follow->batch, db_text(rows, i, 0));

            look_at(follow, &look, pathname_unescape(&follow->batch, text), false);
            if (look.gone || !(look.facts.has & POSIX_HAS_INTACT) || look.facts.intact == db_bool(rows, i, 1))
                continue;
            follow->totals->looked++;
            follow_links_name(&follow->links, text);
            if (!send_look(follow, &look, err))
                return false;
        }
        if (!give_all(follow, err))
            return false;
    }
}

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
    Look *looks = arena_new(&follow->batch, Look, batch->count + renames);
    size_t count = look_at_all(follow, batch, renames, looks);
    note_names(follow, batch);
    if (!send_gone(follow, looks, count, err) || !send_looks(follow, looks, count, err) ||
        !look_at_links(follow, err))
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
