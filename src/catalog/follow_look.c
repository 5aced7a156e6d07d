/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of a batch: each is looked at, directories that came are walked, and links through what came or went. */
#include <string.h>

#include "catalog/follow_core.h"
#include "catalog_sql.h"

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

    *look = (Look){.raw = raw, .text = follow_text(follow, raw), .walk = walk};
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
    problem_note(follow->problems, follow_text(follow, path), "cannot %s: %s", what, strerrordesc_np(error));
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
    WalkOptions options = follow->crawl.walk;
    options.start = look->raw;
    return walk_run(follow->options.root, &options, &sink, &walked, err);
}

static bool is_to_walk(const Look *look)
{
    return look->walk && look->facts.type == POSIX_DIRECTORY;
}

static bool is_walked_above(const Map *walks, Str path)
{
    for (Str at = pathname_parent(path); at.len > 0; at = pathname_parent(at))
        if (map_get(walks, at))
            return true;
    return false;
}

/* Each directory once, and all of them into the same batches: a commit for each is what takes the time. */
static bool walk_all(Follow *follow, Look *looks, size_t count, Err *err)
{
    Map walks = {0};

    for (size_t i = 0; i < count; i++) {
        void **slot = is_to_walk(&looks[i]) ? map_slot(&walks, &follow->batch, looks[i].text) : NULL;

        if (slot && !*slot)
            *slot = &looks[i];
    }
    if (walks.count == 0)
        return true;
    follow->shared.started = time_now();
    for (size_t i = 0; i < count; i++)
        if (map_get(&walks, looks[i].text) == &looks[i] && !is_walked_above(&walks, looks[i].text) &&
            !walk_below(follow, &looks[i], err))
            return false;
    return crawl_flush(follow->thread, err) && loader_drain(follow->loader, err) &&
           (!crawl_has_late(follow->thread) ||
            (crawl_flush_late(follow->thread, err) && loader_drain(follow->loader, err)));
}

/* ---- all of a batch ---- */

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
            follow_links_name(&follow->links, follow_text(follow, event->path));
        if (event->kind == WATCH_RENAMED)
            follow_links_name(&follow->links, follow_text(follow, event->from));
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

static bool send_looks(Follow *follow, Look *looks, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!looks[i].gone && !send_look(follow, &looks[i], err))
            return false;
    return give_all(follow, err) && walk_all(follow, looks, count, err);
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

bool follow_look(Follow *follow, const WatchBatch *batch, size_t renames, Err *err)
{
    Look *looks = arena_new(&follow->batch, Look, batch->count + renames);
    size_t count = look_at_all(follow, batch, renames, looks);

    note_names(follow, batch);
    return send_gone(follow, looks, count, err) && send_looks(follow, looks, count, err) &&
           look_at_links(follow, err);
}
