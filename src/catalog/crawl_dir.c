/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawl_dir.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "catalog_sql.h"

struct CrawlThread {
    CrawlShared *shared;
    Arena *arena;
    Batch *batch;
    Db *db; /* for questions about single directories; opened with the first */
    Buf path;
    CrawlTotals totals;

    /* the directory that is being read */
    PathHash dir;
    BatchScan scan;
    Arena names;     /* of what is held */
    WalkEntry *held; /* entries not sent yet */
    size_t held_count;
    PathHash *seen; /* keys of all entries so far: what is known and not here is gone */
    size_t seen_count, seen_size;
    bool pieces;     /* it comes in pieces: some were sent or are held */
    bool sending;    /* some were sent */
    bool split;      /* these went with more than one batch */
    BatchScan *late; /* numbers of directories that were split: noted when all batches are in */
    size_t late_count, late_size;
};

static void release(void *thread_v)
{
    CrawlThread *thread = thread_v;

    batch_free(thread->batch);
    buf_release(&thread->path);
    arena_free(&thread->names);
    free(thread->held);
    free(thread->seen);
    free(thread->late);
}

CrawlThread *crawl_thread_new(Arena *arena, CrawlShared *shared)
{
    CrawlThread *thread = arena_new(arena, CrawlThread, 1);

    thread->shared = shared;
    thread->arena = arena;
    thread->batch = batch_new();
    thread->held = calloc(CRAWL_HELD_MAX, sizeof *thread->held);
    if (!thread->held)
        abort();
    arena_defer(arena, release, thread);
    return thread;
}

/* ---- the number of a directory ---- */

static uint64_t hash_list(const Str *items, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        seed = XXH3_64bits_withSeed(items[i].ptr, items[i].len, seed + 1);
    return seed;
}

int64_t crawl_options_hash(const WalkOptions *walk)
{
    const int64_t flags[] = {walk->max_depth, walk->cross_file_systems, walk->follow_links, walk->xattrs};
    uint64_t hash = XXH3_64bits(flags, sizeof flags);

    hash = hash_list(walk->include, walk->include_count, hash);
    hash = hash_list(walk->exclude, walk->exclude_count, hash + 1);
    return (int64_t)(hash | 1);
}

static int64_t nanoseconds(PosixTime at)
{
    return (int64_t)((uint64_t)at.sec * 1000000000 + (uint64_t)at.nsec);
}

/* Of one entry; those of a directory are added up, so their order does not matter. */
static int64_t print_of(const WalkEntry *entry)
{
    const PosixFacts *f = &entry->facts;
    const int64_t facts[] = {(int64_t)f->has,
                             f->type,
                             f->mode,
                             f->intact,
                             f->uid,
                             f->gid,
                             f->nlink,
                             (int64_t)f->size,
                             (int64_t)f->inode,
                             (int64_t)f->dev,
                             nanoseconds(f->mtime),
                             nanoseconds(f->ctime)};
    uint64_t hash = XXH3_64bits(entry->name.ptr, entry->name.len);

    hash = XXH3_64bits_withSeed(facts, sizeof facts, hash);
    if (f->target.len)
        hash = XXH3_64bits_withSeed(f->target.ptr, f->target.len, hash);
    if (f->xattrs.len)
        hash = XXH3_64bits_withSeed(f->xattrs.ptr, f->xattrs.len, hash);
    return (int64_t)hash;
}

static void count_entry(BatchScan *scan, PosixType type)
{
    scan->files += type == POSIX_FILE;
    scan->directories += type == POSIX_DIRECTORY;
    scan->links += type == POSIX_LINK;
}

static void count_scan(CrawlThread *thread, const BatchScan *scan)
{
    thread->totals.files += scan->files;
    thread->totals.directories += scan->directories;
    thread->totals.links += scan->links;
}

/* A time so close to now that another change could come in the same tick may not be trusted next time. */
static int64_t trusted(const CrawlShared *shared, PosixTime at)
{
    return at.sec * 1000000 + at.nsec / 1000 < shared->started - SECONDS(2) ? nanoseconds(at) : 0;
}

static void begin_dir(CrawlThread *thread, const WalkDir *dir)
{
    thread->dir = pathname_hash(dir->text);
    thread->scan = (BatchScan){.dir = thread->dir,
                               .print = thread->shared->option_hash,
                               .mtime_ns = trusted(thread->shared, dir->facts.mtime),
                               .ctime_ns = trusted(thread->shared, dir->facts.ctime),
                               .options = thread->shared->option_hash};
    thread->held_count = thread->seen_count = 0;
    thread->sending = thread->split = false;
    thread->pieces = !dir->last;
    arena_reset(&thread->names);
}

/* ---- sending ---- */

static bool send_record(CrawlThread *thread, Str path, const PosixFacts *facts, bool told, Err *err)
{
    batch_add(thread->batch,
              &(BatchRecord){.path = path, .type = STR("posix"), .facts = facts, .told = told});
    if (!batch_is_full(thread->batch))
        return true;
    thread->split = true;
    return loader_give(thread->shared->loader, &thread->batch, err);
}

static void note_seen(CrawlThread *thread, Str path)
{
    if (thread->seen_count == thread->seen_size) {
        thread->seen_size = thread->seen_size ? thread->seen_size * 2 : 1024;
        thread->seen = realloc(thread->seen, thread->seen_size * sizeof *thread->seen);
        if (!thread->seen)
            abort();
    }
    thread->seen[thread->seen_count++] = pathname_hash(path);
}

static Str path_of(CrawlThread *thread, Str dir, Str name)
{
    buf_reset(&thread->path);
    buf_put(&thread->path, dir);
    if (dir.len > 1)
        buf_put_byte(&thread->path, '/');
    buf_put(&thread->path, name);
    return buf_str(&thread->path);
}

static bool send_entries(CrawlThread *thread, const WalkDir *dir, const WalkEntry *entries, size_t count,
                         Err *err)
{
    for (size_t i = 0; i < count; i++) {
        Str path = path_of(thread, dir->text, entries[i].text);

        if (thread->shared->anything)
            note_seen(thread, path);
        if (!send_record(thread, path, &entries[i].facts, false, err))
            return false;
    }
    return true;
}

/* ---- what is gone ---- */

static bool connect(CrawlThread *thread, Err *err)
{
    return thread->db ||
           (db_open(thread->arena, thread->shared->options->conninfo, &thread->db, err) &&
            db_run(thread->db, &sql_shard_use, DB_ARGS(DB_TEXT(thread->shared->options->shard)), NULL, err));
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(PathHash));
}

static bool remove_gone(CrawlThread *thread, Err *err)
{
    RESULT_SCOPE(children);

    if (!connect(thread, err) ||
        !db_query_binary(thread->db, &sql_children,
                         DB_ARGS(DB_BINARY(((Str){(char *)thread->dir.bytes, 16}))), &children, err))
        return false;
    if (thread->seen_count)
        qsort(thread->seen, thread->seen_count, sizeof *thread->seen, by_bytes);
    for (int i = 0; i < db_count(children); i++) {
        PathHash child;

        memcpy(child.bytes, PQgetvalue(children, i, 0), sizeof child.bytes);
        if (thread->seen_count == 0 ||
            !bsearch(&child, thread->seen, thread->seen_count, sizeof child, by_bytes))
            batch_add_gone(thread->batch, child);
    }
    return true;
}

/* ---- directories ---- */

static WalkEntry copy_entry(Arena *arena, const WalkEntry *entry)
{
    WalkEntry copy = *entry;

    copy.name = str_copy(arena, entry->name);
    copy.text = str_eq(entry->name, entry->text) ? copy.name : str_copy(arena, entry->text);
    copy.facts.target = str_copy(arena, entry->facts.target);
    copy.facts.xattrs = str_copy(arena, entry->facts.xattrs);
    return copy;
}

/* Keeps a piece for later; sends all that is kept when it becomes too much. */
static bool hold(CrawlThread *thread, const WalkDir *dir, Err *err)
{
    if (!thread->sending && thread->held_count + dir->count <= CRAWL_HELD_MAX) {
        for (size_t i = 0; i < dir->count; i++)
            thread->held[thread->held_count++] = copy_entry(&thread->names, &dir->entries[i]);
        return true;
    }
    thread->sending = true;
    if (!send_entries(thread, dir, thread->held, thread->held_count, err))
        return false;
    thread->held_count = 0;
    return send_entries(thread, dir, dir->entries, dir->count, err);
}

static bool is_known(const CrawlThread *thread)
{
    const BatchScan *known = known_find(&thread->shared->known, &thread->dir);

    return known && known->print == thread->scan.print && known->options == thread->scan.options;
}

static void note_late(CrawlThread *thread)
{
    if (thread->late_count == thread->late_size) {
        thread->late_size = thread->late_size ? thread->late_size * 2 : 64;
        thread->late = realloc(thread->late, thread->late_size * sizeof *thread->late);
        if (!thread->late)
            abort();
    }
    thread->late[thread->late_count++] = thread->scan;
}

/*
 * The directory's number must not be there before all its entries: it goes in one batch with them, or last. Nor before
 * the directory itself, which its entries bring along; where there are none, the batch of the one above may be later.
 * A number that is left without its directory would be taken for that of another one of the name.
 */
static bool end_changed(CrawlThread *thread, size_t count, Err *err)
{
    if (thread->shared->anything && !remove_gone(thread, err))
        return false;
    if (thread->split || count == 0)
        note_late(thread);
    else
        batch_add_scan(thread->batch, &thread->scan);
    return true;
}

static bool end_dir(CrawlThread *thread, const WalkDir *dir, Err *err)
{
    const WalkEntry *entries = thread->pieces ? thread->held : dir->entries;
    size_t count = thread->pieces ? thread->held_count : dir->count;

    count_scan(thread, &thread->scan);
    if (!thread->sending && is_known(thread)) {
        thread->totals.unchanged++;
        const BatchScan *known = known_find(&thread->shared->known, &thread->dir);
        if (known->mtime_ns != thread->scan.mtime_ns || known->ctime_ns != thread->scan.ctime_ns)
            batch_add_scan(thread->batch, &thread->scan);
        return true;
    }
    /* A directory that fits in a batch goes in one, so that its number can go with it. */
    if (!thread->sending && count < BATCH_RECORDS && batch_records(thread->batch) + count >= BATCH_RECORDS &&
        !loader_give(thread->shared->loader, &thread->batch, err))
        return false;
    thread->split &= thread->sending;
    if (!thread->sending && !send_entries(thread, dir, entries, count, err))
        return false;
    return end_changed(thread, thread->seen_count + count, err);
}

/* Is a directory's own record as it was? Its ctime tells of all changes but those of atime. */
static bool is_as_known(const CrawlThread *thread, const WalkDir *dir)
{
    PathHash hash = pathname_hash(dir->text);
    const BatchScan *known = known_find(&thread->shared->known, &hash);

    return known && known->mtime_ns && known->mtime_ns == nanoseconds(dir->facts.mtime) &&
           known->ctime_ns == nanoseconds(dir->facts.ctime);
}

static void report(CrawlThread *thread, size_t entries)
{
    const CrawlOptions *options = thread->shared->options;

    if (options->progress)
        options->progress(options->progress_ctx, (int64_t)entries);
}

bool crawl_take(CrawlThread *thread, const WalkDir *dir, Err *err)
{
    if (dir->unlisted && dir->first) {
        bool told = dir->depth == 0 && thread->shared->through_link;

        thread->totals.directories++;
        if (!is_as_known(thread, dir) && !send_record(thread, dir->text, &dir->facts, told, err))
            return false;
    }
    if (dir->unchanged) {
        PathHash hash = pathname_hash(dir->text);
        const BatchScan *known = known_find(&thread->shared->known, &hash);

        count_scan(thread, known);
        /* Directories below come as unlisted ones, and are counted then. */
        thread->totals.directories -= known->directories;
        thread->totals.unchanged++;
        report(thread, (size_t)known->files + (size_t)known->links + 1);
        return true;
    }
    if (dir->first)
        begin_dir(thread, dir);
    for (size_t i = 0; i < dir->count; i++) {
        /* As unsigned: sums of hashes go over the end. */
        thread->scan.print = (int64_t)((uint64_t)thread->scan.print + (uint64_t)print_of(&dir->entries[i]));
        count_entry(&thread->scan, dir->entries[i].facts.type);
        thread->totals.others += dir->entries[i].facts.type > POSIX_LINK;
    }
    report(thread, dir->count);
    if (thread->pieces && !hold(thread, dir, err))
        return false;
    return !dir->last || end_dir(thread, dir, err);
}

bool crawl_unchanged(CrawlThread *thread, const WalkDir *dir, Arena *arena, WalkKnown *out, Err *err)
{
    PathHash hash = pathname_hash(dir->text);
    const BatchScan *known = known_find(&thread->shared->known, &hash);

    *out = (WalkKnown){0};
    (void)err;
    if (!known || known->mtime_ns == 0 || known->ctime_ns == 0 ||
        known->options != thread->shared->option_hash || known->mtime_ns != nanoseconds(dir->facts.mtime) ||
        known->ctime_ns != nanoseconds(dir->facts.ctime))
        return true;
    if (known->directories > 0) {
        Str *subdirs;

        out->count = known_subdirs(&thread->shared->known, &hash, arena, &subdirs);
        for (size_t i = 0; i < out->count; i++)
            subdirs[i] = pathname_unescape(arena, subdirs[i]);
        out->subdirs = subdirs;
    }
    out->unchanged = true;
    return true;
}

bool crawl_flush(CrawlThread *thread, Err *err)
{
    return loader_give(thread->shared->loader, &thread->batch, err);
}

bool crawl_has_late(const CrawlThread *thread)
{
    return thread->late_count > 0;
}

bool crawl_flush_late(CrawlThread *thread, Err *err)
{
    for (size_t i = 0; i < thread->late_count; i++)
        batch_add_scan(thread->batch, &thread->late[i]);
    thread->late_count = 0;
    return crawl_flush(thread, err);
}

void crawl_add_totals(const CrawlThread *thread, CrawlTotals *out)
{
    out->files += thread->totals.files;
    out->directories += thread->totals.directories;
    out->links += thread->totals.links;
    out->others += thread->totals.others;
    out->unchanged += thread->totals.unchanged;
}
