/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree -- a made tree in a shard, and the same in an array, so that a test can find out by itself what an answer is
 *
 * Names are odd on purpose: wildcards, newlines, bytes that are not UTF-8, backslashes.
 */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include "catalog/loader.h"
#include "test/unit/catalog/shards.h"

typedef struct TreeEntry {
    Str raw, text,
        name;   /* path as the kernel has it; as the catalogue writes it; the last part of the former */
    int parent; /* position; -1: of the root */
    PosixFacts facts;
    int64_t below, size; /* files and bytes below, when a directory */
} TreeEntry;

enum { TREE_MAX = 1000 };

static TreeEntry tree[TREE_MAX];
static int tree_count;
static uint64_t tree_seed = 20261121;

/* xorshift64*: the same on every machine. */
static inline uint64_t tree_random(uint64_t below)
{
    tree_seed ^= tree_seed >> 12;
    tree_seed ^= tree_seed << 25;
    tree_seed ^= tree_seed >> 27;
    return (tree_seed * 2685821657736338717ULL >> 33) % below;
}

static inline int tree_add(int parent, Str name, PosixType type)
{
    static const char *const users[] = {"root", "ann", "bob", "carl"};
    TreeEntry *e = &tree[tree_count];
    uint32_t uid = (uint32_t)tree_random(4), gid = (uint32_t)tree_random(3);

    e->parent = parent;
    e->name = str_copy(&pg_arena, name);
    e->raw = parent < 0 ? e->name : pathname_join(&pg_arena, tree[parent].raw, e->name);
    e->text = pathname_escape(&pg_arena, e->raw);
    e->facts =
        (PosixFacts){.has = POSIX_HAS_TYPE | POSIX_HAS_MODE | POSIX_HAS_UID | POSIX_HAS_GID | POSIX_HAS_USER |
                            POSIX_HAS_GROUP | POSIX_HAS_MTIME | POSIX_HAS_SIZE | POSIX_HAS_INODE,
                     .type = type,
                     .mode = type == POSIX_DIRECTORY ? 0755 : 0644,
                     .uid = uid,
                     .gid = gid,
                     .user = str_from_z(users[uid]),
                     .group = str_from_z(users[gid]),
                     .inode = (uint64_t)tree_count + 100,
                     .size = type == POSIX_FILE ? tree_random(5) * tree_random(1000) : 4096,
                     .mtime = {1600000000 + (int64_t)tree_random(200) * 86400, 0}};
    if (type == POSIX_FILE)
        for (int up = parent; up >= 0; up = tree[up].parent) {
            tree[up].below++;
            tree[up].size += (int64_t)e->facts.size;
        }
    return tree_count++;
}

/* Every name once in a directory. */
static inline bool tree_has(int parent, Str name)
{
    for (int i = 0; i < tree_count; i++)
        if (tree[i].parent == parent && str_eq(tree[i].name, name))
            return true;
    return false;
}

static inline void tree_make(const char *root, int count)
{
    static const char *const names[] = {
        "a.nc", "b.nc",     "A.NC",    "readme",      "read me",     "100%",     "a_b",         "a*b",
        "a?b",  "[x]",      "x\ny.nc", "\xff\xfe.nc", "back\\slash", "\\x41.nc", "caf\xc3\xa9", "tab\there",
        "data", "data.tar", "-n",      "'quote\"",    "a b.nc",      "z.tif",    "q\\",         "it's.nc"};

    (void)tree_add(-1, str_from_z(root), POSIX_DIRECTORY);
    while (tree_count < count) {
        int parent = (int)tree_random((uint64_t)tree_count);
        uint64_t kind = tree_random(10);
        Str name = str_from_z(names[tree_random(COUNT_OF(names))]);

        if (tree[parent].facts.type == POSIX_DIRECTORY && !tree_has(parent, name))
            (void)tree_add(parent, name, kind < 3 ? POSIX_DIRECTORY : kind < 4 ? POSIX_LINK : POSIX_FILE);
    }
}

static inline void tree_put(Batch *batch, const char *path, const char *type, const char *json)
{
    batch_add(batch,
              &(BatchRecord){.path = str_from_z(path), .type = str_from_z(type), .json = str_from_z(json)});
}

/* Into the shard, with the records that `more` adds (may be NULL). */
static inline void tree_load(const char *shard, void (*more)(Batch *batch))
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Loader *loader;
    LoaderTotals totals;
    LoaderOptions options = {.conninfo = shards_dsn, .shard = str_from_z(shard)};

    if (!loader_open(&arena, &options, &loader, &err))
        pg_fail("cannot open a loader", &err);
    Batch *batch = batch_new();
    for (int i = 0; i < tree_count; i++) {
        BUF_SCOPE(json);

        if (tree[i].facts.type == POSIX_LINK) {
            tree[i].facts.has |= POSIX_HAS_TARGET | POSIX_HAS_INTACT;
            tree[i].facts.target = STR("elsewhere");
        }
        posix_put_json(&json, &tree[i].facts);
        batch_add(batch, &(BatchRecord){.path = tree[i].text,
                                        .type = STR("posix"),
                                        .json = buf_str(&json),
                                        .facts = &tree[i].facts});
    }
    if (more)
        more(batch);
    bool ok = loader_give(loader, &batch, &err);
    if (!loader_finish(loader, &totals, &err) || !ok)
        pg_fail("cannot load", &err);
    batch_free(batch);
}

#endif
