/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/os.h"
#include "feed/bytes.h"

enum { ENTRY = 48 };

typedef struct Waiting {
    TreeNode node;
    FeedPlace place;
} Waiting;

struct FeedNodes {
    const char *path; /* of the file */
    int fd, flags;
    Arena memory; /* of what waits */
    Map waiting;  /* by index; without a hash: not known, whatever the file says */
    bool is_cut;  /* of the file counts only what a tree of this length has: */
    uint64_t cut; /* blocks */
};

FeedNodes *feed_nodes_new(Arena *arena, const char *dir, bool write)
{
    FeedNodes *nodes = arena_new(arena, FeedNodes, 1);

    nodes->path = str_printf(arena, "%s/tree", dir).ptr;
    nodes->fd = -1;
    nodes->flags = write ? O_RDWR | O_CREAT : O_RDONLY;
    return nodes;
}

static void forget(FeedNodes *nodes)
{
    arena_free(&nodes->memory);
    nodes->waiting = (Map){0};
}

void feed_nodes_close(FeedNodes *nodes)
{
    os_close(&nodes->fd);
    forget(nodes);
}

static Str key_of(const uint64_t *index)
{
    return (Str){(const char *)index, sizeof *index};
}

void feed_nodes_put(FeedNodes *nodes, const TreeNode *node, FeedPlace place)
{
    void **slot = map_slot(&nodes->waiting, &nodes->memory, key_of(&node->index));

    if (!*slot)
        *slot = arena_new(&nodes->memory, Waiting, 1);
    *(Waiting *)*slot = (Waiting){*node, place};
}

static bool open_file(FeedNodes *nodes, Err *err)
{
    if (nodes->fd < 0)
        nodes->fd = os_open(nodes->path, nodes->flags, 0600);
    return nodes->fd >= 0 || err_sys(err, ERR_IO, "cannot open '%s'", nodes->path);
}

static bool read_entry(FeedNodes *nodes, uint64_t index, Waiting *out, Err *err)
{
    char entry[ENTRY];
    size_t got = 0;

    *out = (Waiting){.node = {.index = index}};
    if (!open_file(nodes, err))
        return err->sys == ENOENT; /* nothing is written yet */
    if (!os_pread_all(nodes->fd, entry, ENTRY, (off_t)(index * ENTRY), &got, err))
        return err_wrap(err, "cannot read '%s'", nodes->path);
    if (got < ENTRY)
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
    Waiting found, *waiting = map_get(&nodes->waiting, key_of(&index));

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
    size_t at = 0;
    void *value;
    Str key;

    while (map_next(&nodes->waiting, &at, &key, &value)) {
        Waiting *waiting = value;

        if (!is_within(waiting->node.index, length))
            *waiting = (Waiting){.node = {.index = waiting->node.index}};
    }
    if (!nodes->is_cut || length < nodes->cut)
        nodes->cut = length;
    nodes->is_cut = true;
}

size_t feed_nodes_waiting(const FeedNodes *nodes)
{
    return nodes->waiting.count;
}

static int by_index(const void *a, const void *b)
{
    uint64_t x = (*(Waiting *const *)a)->node.index, y = (*(Waiting *const *)b)->node.index;

    return x < y ? -1 : x > y;
}

static void put_entry(Buf *buf, const Waiting *entry)
{
    bytes_put(buf, entry->node.size, 8);
    bytes_put(buf, entry->place, 8);
    buf_put(buf, (Str){(const char *)entry->node.hash, TREE_HASH_BYTES});
}

/* Neighbours go in one call. */
static bool write_sorted(FeedNodes *nodes, Waiting *const *sorted, size_t count, Err *err)
{
    BUF_SCOPE(run);

    for (size_t i = 0; i < count;) {
        uint64_t first = sorted[i]->node.index;
        size_t n = 0;

        buf_reset(&run);
        while (i + n < count && sorted[i + n]->node.index == first + n)
            put_entry(&run, sorted[i + n++]);
        if (!os_pwrite_all(nodes->fd, buf_str(&run), (off_t)(first * ENTRY), err))
            return err_wrap(err, "cannot write to '%s'", nodes->path);
        i += n;
    }
    return true;
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

bool feed_nodes_flush(FeedNodes *nodes, bool sync, Err *err)
{
    Waiting **sorted = arena_new(&nodes->memory, Waiting *, nodes->waiting.count + 1);
    size_t at = 0, count = 0;
    void *value;
    Str key;

    while (map_next(&nodes->waiting, &at, &key, &value))
        sorted[count++] = value;
    qsort(sorted, count, sizeof *sorted, by_index);
    if (!open_file(nodes, err) || (nodes->is_cut && !cut_file(nodes, err)) ||
        !write_sorted(nodes, sorted, count, err))
        return false;
    if (sync && os_fdatasync(nodes->fd) < 0)
        return err_sys(err, ERR_IO, "cannot sync '%s'", nodes->path);
    forget(nodes);
    return true;
}
