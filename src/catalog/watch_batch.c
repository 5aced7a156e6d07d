/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/watch_batch.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/pathname.h"

/*
 * To be done: at most one of `deleted` and (`changed` or `rescan`) is of interest: the last one wins. And what was
 * done after the batch before, of this path, or of all below as well.
 */
typedef struct WatchEntry {
    bool changed, rescan, deleted;
    bool seen, seen_below;
} WatchEntry;

static bool is_marked(const WatchEntry *entry)
{
    return entry->changed || entry->rescan || entry->deleted;
}

static WatchEntry *entry_of(WatchPending *pending, Str path)
{
    WatchEntry **slot = (WatchEntry **)map_slot(&pending->entries, &pending->arena, path);

    if (!*slot)
        *slot = arena_new(&pending->arena, WatchEntry, 1);
    return *slot;
}

static void drop_all(WatchPending *pending)
{
    pending->entries = (Map){0};
    pending->renames = NULL;
    pending->rename_count = pending->rename_size = 0;
    pending->marked = 0;
    arena_reset(&pending->arena);
}

void watch_pending_overflow(WatchPending *pending)
{
    drop_all(pending);
    pending->overflown = true;
}

static void set_entry(WatchPending *pending, WatchEntry *entry, WatchEntry to)
{
    pending->marked += is_marked(&to);
    pending->marked -= is_marked(entry);
    *entry = to;
}

static void mark(WatchPending *pending, Str path, WatchEntry how)
{
    if (pending->overflown)
        return;
    WatchEntry *entry = entry_of(pending, path), to = *entry;
    to.changed = !how.deleted && (to.changed || how.changed);
    /* What was deleted before, perhaps a directory with all below, is forgotten by walking what is new. */
    to.rescan = !how.deleted && (to.rescan || how.rescan || to.deleted);
    to.deleted = how.deleted;
    to.seen |= how.seen;
    to.seen_below |= how.seen_below;
    set_entry(pending, entry, to);
    if (pending->marked > WATCH_PATHS_MAX)
        watch_pending_overflow(pending);
}

static bool is_ours(const WatchPending *pending, Str path)
{
    return pathname_is_within(path, pending->root) &&
           !(pending->exclude && walk_match_below(pending->exclude, pending->root, path, true));
}

static void mark_parent(WatchPending *pending, Str path)
{
    if (path.len > pending->root.len)
        mark(pending, pathname_parent(path), (WatchEntry){.changed = true});
}

void watch_pending_changed(WatchPending *pending, Str path)
{
    if (is_ours(pending, path))
        mark(pending, path, (WatchEntry){.changed = true});
}

void watch_pending_rescan(WatchPending *pending, Str path)
{
    if (is_ours(pending, path))
        mark(pending, path, (WatchEntry){.rescan = true});
}

void watch_pending_made(WatchPending *pending, Str path, bool directory)
{
    if (!is_ours(pending, path))
        return;
    mark(pending, path, directory ? (WatchEntry){.rescan = true} : (WatchEntry){.changed = true});
    mark_parent(pending, path);
}

void watch_pending_gone(WatchPending *pending, Str path)
{
    if (!is_ours(pending, path))
        return;
    mark(pending, path, (WatchEntry){.deleted = true});
    mark_parent(pending, path);
}

static void add_rename(WatchPending *pending, Str from, Str path, bool directory)
{
    if (pending->rename_count == pending->rename_size) {
        size_t size = pending->rename_size ? pending->rename_size * 2 : 64;
        WatchEvent *renames = arena_new(&pending->arena, WatchEvent, size);

        if (pending->rename_count)
            memcpy(renames, pending->renames, pending->rename_count * sizeof *renames);
        pending->renames = renames;
        pending->rename_size = size;
    }
    pending->renames[pending->rename_count++] = (WatchEvent){.kind = WATCH_RENAMED,
                                                             .directory = directory,
                                                             .path = str_copy(&pending->arena, path),
                                                             .from = str_copy(&pending->arena, from)};
}

static bool is_below(Str path, Str dir)
{
    return path.len > dir.len && pathname_is_within(path, dir);
}

/* Did anything happen to what is called something below `dir`, in this batch or the one before? */
static bool touches_below(const WatchPending *pending, Str dir)
{
    size_t at = 0;
    Str path;
    void *value;

    while (map_next(&pending->entries, &at, &path, &value)) {
        const WatchEntry *entry = value;

        if ((is_marked(entry) || entry->seen) && is_below(path, dir))
            return true;
    }
    return false;
}

static bool touches_seen_below(const WatchPending *pending, Str dir)
{
    size_t at = 0;
    Str path;
    void *value;

    while (map_next(&pending->entries, &at, &path, &value))
        if (((const WatchEntry *)value)->seen && is_below(path, dir))
            return true;
    return false;
}

/* Was what is below `path` looked at after the last batch, when it was perhaps no longer there? */
static bool was_looked_into(const WatchPending *pending, Str path)
{
    const WatchEntry *entry = map_get(&pending->entries, path);

    if (pending->all_seen || (entry && entry->seen) || touches_seen_below(pending, path))
        return true;
    for (Str at = pathname_parent(path); at.len > 0; at = pathname_parent(at)) {
        entry = map_get(&pending->entries, at);
        if (entry && entry->seen_below)
            return true;
    }
    return false;
}

/* Is `path` to be walked, deleted or called otherwise, or something above it? */
static bool is_in_doubt(const WatchPending *pending, Str path)
{
    for (Str at = path; at.len > 0; at = pathname_parent(at)) {
        const WatchEntry *entry = map_get(&pending->entries, at);

        if (entry && (entry->rescan || entry->deleted))
            return true;
    }
    for (size_t i = 0; i < pending->rename_count; i++)
        if (pathname_is_within(path, pending->renames[i].path))
            return true;
    return false;
}

typedef struct Move {
    Str path;
    WatchEntry entry;
} Move;

/* What was noted of `from` and below is a note of `path` and below now. */
static void move_below(WatchPending *pending, Str from, Str path)
{
    ARENA_SCOPE(scratch);
    Move *moves = arena_new(&scratch, Move, pending->entries.count + 1);
    size_t at = 0, count = 0;
    Str old;
    void *value;

    while (map_next(&pending->entries, &at, &old, &value)) {
        WatchEntry *entry = value;

        if (!(is_marked(entry) || entry->seen) || !is_below(old, from))
            continue;
        Str rest = str_sub(old, from.len, old.len);
        moves[count++] = (Move){str_printf(&scratch, "%.*s%.*s", STR_ARG(path), STR_ARG(rest)), *entry};
        set_entry(pending, entry, (WatchEntry){0});
    }
    for (size_t i = 0; i < count; i++)
        mark(pending, moves[i].path, moves[i].entry);
}

/* Is it sure that what is known of `from` and below is all that is at `path` now? */
static bool is_clear(const WatchPending *pending, Str from, Str path)
{
    return !touches_below(pending, path) && !was_looked_into(pending, from) && !is_in_doubt(pending, from);
}

/*
 * A directory is called `path` now. Where an earlier rename began below that name, its source perhaps meant what
 * this directory brings (it says what a directory is called when the event is read), and not what was there then.
 */
static void doubt_earlier(WatchPending *pending, Str path)
{
    ARENA_SCOPE(scratch);

    for (size_t i = 0; i + 1 < pending->rename_count; i++) {
        const WatchEvent *rename = &pending->renames[i];
        Str now = rename->path;

        if (!rename->directory || !is_below(rename->from, path))
            continue;
        for (const WatchEvent *later = rename + 1; later < pending->renames + pending->rename_count; later++)
            if (pathname_is_within(now, later->from))
                now = str_printf(&scratch, "%.*s%.*s", STR_ARG(later->path), (int)(now.len - later->from.len),
                                 now.ptr + later->from.len);
        mark(pending, now, (WatchEntry){.rescan = true});
    }
}

static void rename_entry(WatchPending *pending, Str from, Str path, bool directory)
{
    bool clear = !directory || is_clear(pending, from, path);
    WatchEntry *entry = entry_of(pending, from), old = *entry;

    set_entry(pending, entry, (WatchEntry){0});
    add_rename(pending, from, path, directory);
    if (directory) {
        move_below(pending, from, path);
        doubt_earlier(pending, path);
    }
    old.deleted = false; /* of an earlier one of that name */
    old.changed = true;  /* at least its ctime */
    old.rescan |= !clear;
    mark(pending, path, old);
    mark(pending, from, (WatchEntry){.rescan = true});
}

/* There and back again, or two names exchanged: the same events say either. */
static bool is_back(const WatchPending *pending, Str from, Str path)
{
    const WatchEvent *last = pending->rename_count ? &pending->renames[pending->rename_count - 1] : NULL;

    return last && str_eq(last->from, path) && str_eq(last->path, from);
}

static bool are_nested(Str one, Str other)
{
    return pathname_is_within(one, other) || pathname_is_within(other, one);
}

void watch_pending_moved(WatchPending *pending, Str from, Str path, bool directory)
{
    bool from_ours = is_ours(pending, from);

    if (pending->overflown)
        return;
    if (!is_ours(pending, path)) {
        watch_pending_gone(pending, from);
        return;
    }
    if (!from_ours) {
        watch_pending_made(pending, path, directory);
        return;
    }
    bool back = is_back(pending, from, path);
    if (back || are_nested(from, path)) {
        /* The latter cannot be, so one name is wrong. */
        pending->rename_count -= back;
        mark(pending, from, (WatchEntry){.rescan = true});
        mark(pending, path, (WatchEntry){.rescan = true});
    } else {
        rename_entry(pending, from, path, directory);
    }
    mark_parent(pending, from);
    mark_parent(pending, path);
}

bool watch_pending_is_empty(const WatchPending *pending)
{
    return !pending->overflown && pending->marked == 0 && pending->rename_count == 0;
}

void watch_pending_reset(WatchPending *pending, const WatchPending *before)
{
    size_t at = 0;
    Str path;
    void *value;

    drop_all(pending);
    pending->overflown = false;
    pending->all_seen = before->overflown;
    while (map_next(&before->entries, &at, &path, &value)) {
        const WatchEntry *entry = value;

        if (is_marked(entry))
            *entry_of(pending, path) = (WatchEntry){.seen = true, .seen_below = entry->rescan};
    }
}

void watch_pending_release(WatchPending *pending)
{
    arena_free(&pending->arena);
}

/* Does what has to be done above `path` include it? */
static bool is_covered(const WatchPending *pending, Str path, const WatchEntry *self)
{
    for (Str at = pathname_parent(path); at.len > 0; at = pathname_parent(at)) {
        const WatchEntry *entry = map_get(&pending->entries, at);

        if (entry && (entry->rescan || (entry->deleted && self->deleted)))
            return true;
    }
    return false;
}

static int by_kind_and_path(const void *a, const void *b)
{
    const WatchEvent *x = a, *y = b;

    return x->kind == y->kind ? str_cmp(x->path, y->path) : (x->kind > y->kind) - (x->kind < y->kind);
}

static WatchKind kind_of(const WatchEntry *entry)
{
    return entry->deleted ? WATCH_DELETED : entry->rescan ? WATCH_RESCAN : WATCH_CHANGED;
}

WatchBatch watch_pending_batch(WatchPending *pending)
{
    if (pending->overflown) {
        WatchEvent *all = arena_new(&pending->arena, WatchEvent, 1);

        *all = (WatchEvent){.kind = WATCH_RESCAN, .path = pending->root};
        return (WatchBatch){all, 1};
    }
    WatchEvent *events = arena_new(&pending->arena, WatchEvent, pending->rename_count + pending->marked + 1);
    size_t count = pending->rename_count, at = 0;
    Str path;
    void *entry;

    if (count)
        memcpy(events, pending->renames, count * sizeof *events);
    while (map_next(&pending->entries, &at, &path, &entry))
        if (is_marked(entry) && !is_covered(pending, path, entry))
            events[count++] = (WatchEvent){.kind = kind_of(entry), .path = path};
    qsort(events + pending->rename_count, count - pending->rename_count, sizeof *events, by_kind_and_path);
    return (WatchBatch){events, count};
}
