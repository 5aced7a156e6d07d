/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_model -- what somebody who does what a watch says believes of a tree, compared with the tree
 *
 * The same as catalog/follow.h does in a shard, without a database.
 */
#ifndef TEST_WATCH_MODEL_H
#define TEST_WATCH_MODEL_H

#include <pthread.h>

#include "base/lock.h"
#include "base/map.h"
#include "catalog/pathname.h"
#include "catalog/walk.h"
#include "catalog/watch.h"
#include "test/check.h"

typedef struct Model {
    pthread_mutex_t mutex;
    Arena arena;
    Map paths; /* path -> PosixFacts; NULL: not there */
    PosixNames *names;
    Str root;
    size_t events, rescans;
} Model;

static inline void model_release(Model *model)
{
    arena_free(&model->arena);
}

#define MODEL_SCOPE(name) ATTR_CLEANUP(model_release) Model name = {.mutex = PTHREAD_MUTEX_INITIALIZER}

static inline void set_facts(Model *model, Str path, const PosixFacts *facts)
{
    PosixFacts **slot = (PosixFacts **)map_slot(&model->paths, &model->arena, path);

    *slot = arena_new(&model->arena, PosixFacts, 1);
    **slot = *facts;
}

static inline void forget(Model *model, Str dir)
{
    size_t at = 0;
    Str known;
    void *facts;

    while (map_next(&model->paths, &at, &known, &facts))
        if (facts && pathname_is_within(known, dir))
            *map_slot(&model->paths, &model->arena, known) = NULL;
}

static inline bool take_dir(void *ctx, const WalkDir *dir, Err *err)
{
    Model *model = ctx;
    LOCK_SCOPE(held, &model->mutex);

    (void)err;
    if (dir->unlisted && dir->first)
        set_facts(model, dir->path, &dir->facts);
    for (size_t i = 0; i < dir->count; i++)
        set_facts(model, pathname_join(&model->arena, dir->path, dir->entries[i].name),
                  &dir->entries[i].facts);
    return true;
}

/* What is no directory has nothing below. */
static inline void look(Model *model, Str path)
{
    PosixFacts facts;
    Err err = {0};
    bool there = walk_stat(&model->arena, model->names, model->root, path, &facts, &err);

    if (!there || facts.type != POSIX_DIRECTORY)
        forget(model, path);
    if (there)
        set_facts(model, path, &facts);
}

static inline void rescan(Model *model, Str path)
{
    const WalkSink sink = {.ctx = model, .dir = take_dir};
    WalkTotals totals;
    Err err = {0};

    forget(model, path);
    look(model, path);
    const PosixFacts *facts = map_get(&model->paths, path);
    if (facts && facts->type == POSIX_DIRECTORY)
        (void)!walk_run(model->root, &(WalkOptions){.threads = 2, .start = path}, &sink, &totals, &err);
}

/* False when nothing is known of `from`. */
static inline bool move(Model *model, Str from, Str path)
{
    ARENA_SCOPE(scratch);
    Map moved = {0};
    size_t at = 0;
    Str known;
    void *facts;

    while (map_next(&model->paths, &at, &known, &facts))
        if (facts && pathname_is_within(known, from))
            *map_slot(&moved, &scratch,
                      str_printf(&scratch, "%.*s%.*s", STR_ARG(path), (int)(known.len - from.len),
                                 known.ptr + from.len)) = facts;
    if (moved.count == 0)
        return false;
    forget(model, from);
    forget(model, path);
    at = 0;
    while (map_next(&moved, &at, &known, &facts))
        *map_slot(&model->paths, &model->arena, known) = facts;
    return true;
}

static inline void apply(Model *model, const WatchBatch *batch)
{
    bool *unknown = arena_new(&model->arena, bool, batch->count + 1);

    for (size_t i = 0; i < batch->count; i++) {
        const WatchEvent *event = &batch->events[i];

        model->events++;
        model->rescans += event->kind == WATCH_RESCAN;
        if (event->kind == WATCH_RENAMED)
            unknown[i] = !move(model, event->from, event->path);
        else if (event->kind == WATCH_CHANGED)
            look(model, event->path);
        else
            rescan(model, event->path);
    }
    for (size_t i = 0; i < batch->count && batch->events[i].kind == WATCH_RENAMED; i++)
        if (unknown[i])
            rescan(model, batch->events[i].path);
}

/* Until nothing comes: the kernel queues an event before the call that makes it returns. */
static inline void drain(Watch *watch, Model *model)
{
    WatchBatch batch = {.count = 1};
    Err err = {0};

    while (batch.count > 0) {
        bool ok = watch_next(watch, MILLISECONDS(20), &batch, &err);

        CHECK(ok);
        if (!ok) {
            printf("# %s\n", err.text);
            return;
        }
        apply(model, &batch);
    }
}

static inline bool same(const PosixFacts *a, const PosixFacts *b)
{
    return a && b && a->type == b->type && a->size == b->size && a->mode == b->mode && a->inode == b->inode &&
           a->nlink == b->nlink && posix_time_eq(a->mtime, b->mtime) && posix_time_eq(a->ctime, b->ctime);
}

/* How many paths the model has wrong. */
static inline int differences(const Model *model, Str root)
{
    MODEL_SCOPE(real);
    size_t at = 0;
    int count = 0;
    Str path;
    void *facts;

    real.names = posix_names_new(&real.arena);
    real.root = root;
    rescan(&real, root);
    while (map_next(&real.paths, &at, &path, &facts))
        if (facts && !same(map_get(&model->paths, path), facts)) {
            if (count++ < 5)
                printf("# %s: %.*s\n", map_get(&model->paths, path) ? "wrong" : "missing", STR_ARG(path));
        }
    at = 0;
    while (map_next(&model->paths, &at, &path, &facts))
        if (facts && !map_get(&real.paths, path)) {
            if (count++ < 5)
                printf("# gone but believed: %.*s\n", STR_ARG(path));
        }
    return count;
}

#endif
