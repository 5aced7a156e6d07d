/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/os.h"

enum {
    ENTRY = FEED_NODE_BYTES,
    PIECE_ENTRIES = 85, /* read at once: a page of memory */
    PIECES = 16,        /* kept, each in the place of its number */
    RUN_MAX = 64 * 1024 /* bytes written at once: larger buffers are fresh memory each time */
};

typedef struct Waiting {
    TreeNode node;
    FeedPlace place;
} Waiting;

/*
 * What waits is a list, and a table of places in it by hash of the number; both are kept from flush to flush, because to
 * have them from the system anew cost more than all hashing of blocks.
 */
struct FeedNodes {
    const char *path; /* of the file */
    int fd, flags;
    Buf list;  /* of Waiting; without a hash: not known, whatever the file says */
    Buf table; /* of uint32_t: 0 is free, else 1 + place; a power of two of them, at most half of them taken */
    Buf pieces;   /* of the file, that were read */
    bool is_cut;  /* of the file counts only what a tree of this length has: */
    uint64_t cut; /* blocks */
};

enum { TABLE_FIRST = 256, NEAR = 64 };

FeedNodes *feed_nodes_new(Arena *arena, const char *dir, bool write)
{
    FeedNodes *nodes = arena_new(arena, FeedNodes, 1);

    nodes->path = str_printf(arena, "%s/tree", dir).ptr;
    nodes->fd = -1;
    nodes->flags = write ? O_RDWR | O_CREAT : O_RDONLY;
    return nodes;
}

void feed_nodes_close(FeedNodes *nodes)
{
    os_close(&nodes->fd);
    buf_release(&nodes->list);
    buf_release(&nodes->table);
    buf_release(&nodes->pieces);
}

/* ---- what waits ---- */

static Waiting *list_of(const FeedNodes *nodes)
{
    return (Waiting *)(void *)nodes->list.ptr;
}

size_t feed_nodes_waiting(const FeedNodes *nodes)
{
    return nodes->list.len / sizeof(Waiting);
}

/* Where in the table the node is, or would be. There is a free place. */
static uint32_t *slot_of(const FeedNodes *nodes, uint64_t index)
{
    uint32_t *table = (uint32_t *)(void *)nodes->table.ptr;
    size_t mask = nodes->table.len / sizeof *table - 1;
    uint64_t near =
        index % NEAR; /* neighbours in the tree are neighbours here, and in the processor's cache */

    for (size_t i = (size_t)((index / NEAR * 0x9e3779b97f4a7c15u >> 32) * NEAR + near);; i++)
        if (table[i & mask] == 0 || list_of(nodes)[table[i & mask] - 1].node.index == index)
            return &table[i & mask];
}

static Waiting *find(const FeedNodes *nodes, uint64_t index)
{
    uint32_t place = nodes->table.len ? *slot_of(nodes, index) : 0;

    return place ? &list_of(nodes)[place - 1] : NULL;
}

static void clear_table(FeedNodes *nodes, size_t slots)
{
    buf_reset(&nodes->table);
    memset(buf_reserve(&nodes->table, slots * sizeof(uint32_t)), 0, slots * sizeof(uint32_t));
    nodes->table.len = slots * sizeof(uint32_t);
}

static void grow_table(FeedNodes *nodes)
{
    size_t slots = nodes->table.len / sizeof(uint32_t), count = feed_nodes_waiting(nodes);

    if (2 * (count + 1) <= slots)
        return;
    clear_table(nodes, slots ? 2 * slots : TABLE_FIRST);
    for (size_t i = 0; i < count; i++)
        *slot_of(nodes, list_of(nodes)[i].node.index) = (uint32_t)i + 1;
}

void feed_nodes_put(FeedNodes *nodes, const TreeNode *node, FeedPlace place)
{
    Waiting waiting = {*node, place};

    grow_table(nodes);
    uint32_t *slot = slot_of(nodes, node->index);
    if (*slot) {
        list_of(nodes)[*slot - 1] = waiting;
        return;
    }
    buf_put(&nodes->list, (Str){(const char *)&waiting, sizeof waiting});
    *slot = (uint32_t)feed_nodes_waiting(nodes);
}

/* ---- the file ---- */

static bool open_file(FeedNodes *nodes, Err *err)
{
    if (nodes->fd < 0)
        nodes->fd = os_open(nodes->path, nodes->flags, 0600);
    return nodes->fd >= 0 || err_sys(err, ERR_IO, "cannot open '%s'", nodes->path);
}

bool feed_nodes_reach(const FeedNodes *nodes, uint64_t index)
{
    struct statx st;

    return os_statx(AT_FDCWD, nodes->path, 0, STATX_SIZE, &st) < 0
               ? errno != ENOENT /* what else is wrong with the file says who reads it */
               : st.stx_size / ENTRY > index;
}

/* A piece of the file that was read, or none: `count` is 0. */
typedef struct Piece {
    uint64_t number;
    size_t count; /* entries */
    char entries[PIECE_ENTRIES * ENTRY];
} Piece;

static Piece *pieces_of(FeedNodes *nodes)
{
    if (nodes->pieces.len == 0) {
        memset(buf_reserve(&nodes->pieces, PIECES * sizeof(Piece)), 0, PIECES * sizeof(Piece));
        nodes->pieces.len = PIECES * sizeof(Piece);
    }
    return (Piece *)(void *)nodes->pieces.ptr;
}

/* Neighbours are asked for soon: a path has its nodes close together, and so has whoever reads in order. */
static bool find_entry(FeedNodes *nodes, uint64_t index, const char **out, Err *err)
{
    uint64_t number = index / PIECE_ENTRIES;
    Piece *piece = &pieces_of(nodes)[number % PIECES];
    size_t got = 0;

    if (piece->count == 0 || piece->number != number || index % PIECE_ENTRIES >= piece->count) {
        piece->count = 0;
        if (!os_pread_all(nodes->fd, piece->entries, sizeof piece->entries,
                          (off_t)(number * sizeof piece->entries), &got, err))
            return err_wrap(err, "cannot read '%s'", nodes->path);
        piece->number = number;
        piece->count = got / ENTRY;
    }
    *out = index % PIECE_ENTRIES < piece->count ? piece->entries + index % PIECE_ENTRIES * ENTRY : NULL;
    return true;
}

static bool read_entry(FeedNodes *nodes, uint64_t index, Waiting *out, Err *err)
{
    const char *entry = NULL;

    *out = (Waiting){.node = {.index = index}};
    if (!open_file(nodes, err))
        return err->sys == ENOENT; /* nothing is written yet */
    if (!find_entry(nodes, index, &entry, err))
        return false;
    if (!entry)
        return true;
    out->node.size = bytes_get(entry, 8);
    out->place = bytes_get(entry + 8, 8);
    memcpy(out->node.hash, entry + 16, TREE_HASH_BYTES);
    return true;
}

static bool is_known(const TreeNode *node)
{
    for (size_t i = 0; i < TREE_HASH_BYTES; i++)
        if (node->hash[i])
            return true;
    return false;
}

/* Whether a tree of `length` blocks has the node. */
static bool is_within(uint64_t index, uint64_t length)
{
    return tree_last(index) < 2 * length;
}

bool feed_nodes_get(FeedNodes *nodes, uint64_t index, TreeNode *out, FeedPlace *place, Err *err)
{
    Waiting found, *waiting = find(nodes, index);

    if (waiting)
        found = *waiting;
    else if (nodes->is_cut && !is_within(index, nodes->cut))
        found = (Waiting){.node = {.index = index}};
    else if (!read_entry(nodes, index, &found, err))
        return false;
    if (!is_known(&found.node))
        return err_set(err, ERR_NOT_FOUND, "node %llu of the tree is not known", (unsigned long long)index);
    *out = found.node;
    if (place)
        *place = found.place;
    return true;
}

void feed_nodes_truncate(FeedNodes *nodes, uint64_t length)
{
    for (size_t i = 0; i < feed_nodes_waiting(nodes); i++) {
        Waiting *waiting = &list_of(nodes)[i];

        if (!is_within(waiting->node.index, length))
            *waiting = (Waiting){.node = {.index = waiting->node.index}};
    }
    if (!nodes->is_cut || length < nodes->cut)
        nodes->cut = length;
    nodes->is_cut = true;
}

static void put_entry(Buf *buf, const Waiting *entry)
{
    bytes_put(buf, entry->node.size, 8);
    bytes_put(buf, entry->place, 8);
    buf_put(buf, (Str){(const char *)entry->node.hash, TREE_HASH_BYTES});
}

static bool write_run(FeedNodes *nodes, uint64_t first, Buf *run, Err *err)
{
    if (run->len > 0 && !os_pwrite_all(nodes->fd, buf_str(run), (off_t)(first * ENTRY), err))
        return err_wrap(err, "cannot write to '%s'", nodes->path);
    buf_reset(run);
    return true;
}

/* Neighbours from `base` on go in one call; `at` has the place in the list of each number, plus 1. */
static bool write_runs(FeedNodes *nodes, uint64_t base, const uint32_t *at, size_t count, Buf *run, Err *err)
{
    uint64_t first = base;

    for (size_t i = 0; i < count; i++) {
        if ((!at[i] || run->len >= RUN_MAX) && !write_run(nodes, first, run, err))
            return false;
        if (!at[i])
            continue;
        if (run->len == 0)
            first = base + i;
        put_entry(run, &list_of(nodes)[at[i] - 1]);
    }
    return write_run(nodes, first, run, err);
}

typedef struct Number {
    uint64_t index;
    uint32_t at; /* in the list */
} Number;

static int compare_numbers(const void *a_v, const void *b_v)
{
    const Number *a = a_v, *b = b_v;

    return (a->index > b->index) - (a->index < b->index);
}

/* Those that lie anywhere: in order, so that neighbours still go in one call. */
static bool write_scattered(FeedNodes *nodes, Number *numbers, size_t count, Buf *run, Err *err)
{
    uint64_t first = 0;

    if (count > 1)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        if (run->len > 0 && numbers[i].index != numbers[i - 1].index + 1 &&
            !write_run(nodes, first, run, err))
            return false;
        if (run->len == 0)
            first = numbers[i].index;
        put_entry(run, &list_of(nodes)[numbers[i].at]);
    }
    return write_run(nodes, first, run, err);
}

/*
 * A feed that grows, or is copied in order, makes nodes that lie close together from its first new leaf on, but for some parents:
 * these need no sorting.
 */
static bool write_all(FeedNodes *nodes, Buf *run, Err *err)
{
    enum { SPREAD = 4 };
    size_t count = feed_nodes_waiting(nodes), scattered = 0;
    const Waiting *list = list_of(nodes);
    ARENA_SCOPE(scratch);
    uint64_t base = UINT64_MAX;
    uint32_t *at = arena_new(&scratch, uint32_t, SPREAD * count);
    Number *numbers = arena_new(&scratch, Number, count);

    for (size_t i = 0; i < count; i++)
        if (tree_depth(list[i].node.index) == 0 && list[i].node.index < base)
            base = list[i].node.index;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = list[i].node.index;

        if (index >= base && index - base < SPREAD * count)
            at[index - base] = (uint32_t)i + 1;
        else
            numbers[scattered++] = (Number){index, (uint32_t)i};
    }
    return write_scattered(nodes, numbers, scattered, run, err) &&
           write_runs(nodes, base, at, base == UINT64_MAX ? 0 : SPREAD * count, run, err);
}

/* What the cut takes away: all behind it, and those to the left of it that reach over it. */
static bool cut_file(FeedNodes *nodes, Err *err)
{
    static const char none[ENTRY];

    if (os_ftruncate(nodes->fd, (off_t)(2 * nodes->cut * ENTRY)) < 0)
        return err_sys(err, ERR_IO, "cannot cut '%s'", nodes->path);
    for (uint64_t above = tree_parent(2 * nodes->cut); tree_depth(above) < TREE_DEPTH_MAX;
         above = tree_parent(above))
        if (above < 2 * nodes->cut &&
            !os_pwrite_all(nodes->fd, (Str){none, ENTRY}, (off_t)(above * ENTRY), err))
            return err_wrap(err, "cannot write to '%s'", nodes->path);
    nodes->is_cut = false;
    return true;
}

void feed_nodes_forget(FeedNodes *nodes)
{
    buf_reset(&nodes->list);
    buf_reset(&nodes->pieces);
    nodes->is_cut = false;
    if (nodes->table.len)
        clear_table(nodes, nodes->table.len / sizeof(uint32_t));
}

bool feed_nodes_flush(FeedNodes *nodes, bool sync, Err *err)
{
    BUF_SCOPE(run);

    if (!open_file(nodes, err) || (nodes->is_cut && !cut_file(nodes, err)) ||
        (nodes->list.len > 0 && !write_all(nodes, &run, err)))
        return false;
    if (sync && os_fdatasync(nodes->fd) < 0)
        return err_sys(err, ERR_IO, "cannot sync '%s'", nodes->path);
    feed_nodes_forget(nodes);
    return true;
}
