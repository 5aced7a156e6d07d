/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/watch_batch.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/pathname.h"

/* At most one of `deleted` and (`changed` or `rescan`) is of interest: the last one wins. */
typedef struct WatchEntry {
    bool changed, rescan, deleted;
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
    arena_reset(&pending->arena);
}

void watch_pending_overflow(WatchPending *pending)
{
    drop_all(pending);
    pending->overflown = true;
}

static void mark(WatchPending *pending, Str path, WatchEntry how)
{
    if (pending->overflown)
        return;
    WatchEntry *entry = entry_of(pending, path);
    if (how.deleted)
        *entry = how;
    else /* what was deleted before, perhaps a directory with all below, is forgotten by walking what is new */
        *entry = (WatchEntry){.changed = entry->changed || how.changed,
                              .rescan = entry->rescan || how.rescan || entry->deleted};
    if (pending->entries.count > WATCH_PATHS_MAX)
        watch_pending_overflow(pending);
}

/* The path itself, or a directory above it, by the patterns of a walk. */
static bool is_excluded(const WatchPending *pending, Str path)
{
    ARENA_SCOPE(scratch);
    size_t root = pending->root.len > 1 ? pending->root.len : 0;

    if (!pending->exclude || pending->exclude->count == 0)
        return false;
    char *below = str_to_z(&scratch, str_sub(path, root + 1, path.len)), *name = below;
    for (char *at = below; *below; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (walk_match_any(pending->exclude, below, name))
            return true;
        if (end == '\0')
            break;
        *at = end;
        name = at + 1;
    }
    return false;
}

static bool is_ours(const WatchPending *pending, Str path)
{
    return pathname_is_within(path, pending->root) && !is_excluded(pending, path);
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

/* Did anything happen to what is called something below `dir`? */
static bool touches_below(const WatchPending *pending, Str dir)
{
    size_t at = 0;
    Str path;
    void *entry;

    while (map_next(&pending->entries, &at, &path, &entry))
        if (is_marked(entry) && is_below(path, dir))
            return true;
    for (size_t i = 0; i < pending->rename_count; i++)
        if (is_below(pending->renames[i].path, dir) || is_below(pending->renames[i].from, dir))
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

        if (!is_marked(entry) || !is_below(old, from))
            continue;
        Str rest = str_sub(old, from.len, old.len);
        moves[count++] = (Move){str_printf(&scratch, "%.*s%.*s", STR_ARG(path), STR_ARG(rest)), *entry};
        *entry = (WatchEntry){0};
    }
    for (size_t i = 0; i < count; i++)
        mark(pending, moves[i].path, moves[i].entry);
}

/* Was `path`, or all above it, looked into after the last batch, perhaps when it was no longer there? */
static bool was_looked_into(const WatchPending *before, Str path)
{
    const WatchEntry *entry;

    if (!before)
        return false;
    if (before->overflown || touches_below(before, path))
        return true;
    entry = map_get(&before->entries, path);
    if (entry && is_marked(entry))
        return true;
    for (Str at = pathname_parent(path); at.len > 0; at = pathname_parent(at)) {
        entry = map_get(&before->entries, at);
        if (entry && entry->rescan)
            return true;
    }
    return false;
}

static void rename_directory(WatchPending *pending, Str from, Str path)
{
    /* Notes of the new name's inside: of an earlier directory of that name, or of this one, named late. */
    bool unclear = touches_below(pending, path) || was_looked_into(pending->before, from) ||
                   (pending->before && touches_below(pending->before, path));

    move_below(pending, from, path);
    if (unclear)
        mark(pending, path, (WatchEntry){.rescan = true});
}

static void rename_entry(WatchPending *pending, Str from, Str path, bool directory)
{
    const WatchEvent *last = pending->rename_count ? &pending->renames[pending->rename_count - 1] : NULL;

    if (last && str_eq(last->from, path) && str_eq(last->path, from)) {
        /* There and back again, or two names exchanged: the same events say either. */
        pending->rename_count--;
        mark(pending, from, (WatchEntry){.rescan = true});
        mark(pending, path, (WatchEntry){.rescan = true});
        return;
    }
    WatchEntry *entry = entry_of(pending, from), old = *entry;
    *entry = (WatchEntry){0};
    add_rename(pending, from, path, directory);
    if (directory)
        rename_directory(pending, from, path);
    old.deleted = false; /* of an earlier one of that name */
    old.changed = true;  /* at least its ctime */
    mark(pending, path, old);
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
    rename_entry(pending, from, path, directory);
    mark_parent(pending, from);
    mark_parent(pending, path);
}

bool watch_pending_is_empty(const WatchPending *pending)
{
    return !pending->overflown && pending->entries.count == 0 && pending->rename_count == 0;
}

void watch_pending_reset(WatchPending *pending)
{
    drop_all(pending);
    pending->overflown = false;
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
    WatchEvent *events =
        arena_new(&pending->arena, WatchEvent, pending->rename_count + pending->entries.count + 1);
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
