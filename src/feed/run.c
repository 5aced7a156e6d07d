/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/run.h"

#include <string.h>

#include "feed/climb.h"
#include "feed/feed_inside.h"
#include "net/compact.h"

enum { OUTSIDE_MAX = 2 * TREE_DEPTH_MAX + TREE_ROOTS_MAX };

/* The blocks of a run, and how much of the tree is outside of it below the roots that it touches. */
typedef struct Span {
    uint64_t first, end;
} Span;

static bool is_outside(const Span *span, uint64_t index)
{
    return tree_last(index) < 2 * span->first || tree_first(index) >= 2 * span->end;
}

/* ---- making ---- */

typedef struct List {
    TreeNode at[OUTSIDE_MAX];
    size_t count;
} List;

static bool add_outside(Feed *feed, const Span *span, uint64_t index, List *out, Err *err)
{
    if (is_outside(span, index)) {
        TreeNode *node = &out->at[out->count++];

        return feed_nodes_get(feed->nodes, index, node, NULL, err) && feed_climb(feed, node, err);
    }
    if (tree_first(index) >= 2 * span->first && tree_last(index) < 2 * span->end)
        return true; /* follows from the blocks */
    return add_outside(feed, span, tree_left(index), out, err) &&
           add_outside(feed, span, tree_right(index), out, err);
}

static bool find_outside(Feed *feed, const Span *span, List *out, Err *err)
{
    const TreeRoots *roots = &feed->state.roots;

    for (size_t i = 0; i < roots->count; i++)
        if (!is_outside(span, roots->at[i].index) && !add_outside(feed, span, roots->at[i].index, out, err))
            return false;
    return true;
}

/* As many as fit, and as can be had: lengths to one side, bytes to the other. Why the first one cannot be had is told. */
static bool collect(Feed *feed, Span *span, uint64_t end, Buf *lengths, Buf *bytes, Err *err)
{
    for (; span->end < end; span->end++) {
        Str block;
        Err why = {0};

        if (!feed_peek(feed, span->end, &block, &why)) {
            if (span->end > span->first)
                return true;
            *err = why;
            return false;
        }
        if (bytes->len > 0 && bytes->len + block.len > RUN_BYTES_MAX)
            return true;
        compact_put_uint(lengths, block.len);
        buf_put(bytes, block);
    }
    return true;
}

bool run_put(Feed *feed, uint64_t first, uint64_t end, Buf *out, uint64_t *count, Err *err)
{
    Span span = {first, first};
    BUF_SCOPE(lengths);
    BUF_SCOPE(bytes);
    List list = {.count = 0};

    if (first >= end || end > feed->state.roots.length)
        return err_set(err, ERR_USAGE, "the feed has no blocks %llu to %llu", (unsigned long long)first,
                       (unsigned long long)end);
    if (end - first > RUN_BLOCKS_MAX)
        end = first + RUN_BLOCKS_MAX;
    if (!collect(feed, &span, end, &lengths, &bytes, err) || !find_outside(feed, &span, &list, err))
        return false;
    compact_put_uint(out, feed->state.fork);
    compact_put_uint(out, first);
    compact_put_uint(out, span.end - first);
    compact_put_uint(out, list.count);
    for (size_t i = 0; i < list.count; i++) {
        compact_put_uint(out, list.at[i].size);
        buf_put(out, (Str){(const char *)list.at[i].hash, TREE_HASH_BYTES});
    }
    buf_put(out, buf_str(&lengths));
    buf_put(out, buf_str(&bytes));
    *count = span.end - first;
    return true;
}

/* ---- taking ---- */

typedef struct Taking {
    Feed *feed;
    Span span;
    CompactIn nodes; /* what is outside, left to right */
    uint64_t nodes_left;
    Str *blocks;
    TreeNode *leaves;
    Buf outside, inside; /* of TreeNode, that are proven when all is */
} Taking;

static bool is_wrong(Err *err)
{
    return err_set(err, ERR_CORRUPT, "the run of blocks does not prove what it says");
}

static void note(Buf *list, const TreeNode *node)
{
    buf_put(list, (Str){(const char *)node, sizeof *node});
}

static bool take_outside(Taking *taking, uint64_t index, TreeNode *out, Err *err)
{
    if (taking->nodes_left == 0)
        return is_wrong(err);
    taking->nodes_left--;
    out->index = index;
    out->size = compact_uint(&taking->nodes);
    Str hash = compact_raw(&taking->nodes, TREE_HASH_BYTES);
    if (taking->nodes.bad)
        return is_wrong(err);
    memcpy(out->hash, hash.ptr, TREE_HASH_BYTES);
    note(&taking->outside, out);
    return true;
}

static bool hash_below(Taking *taking, uint64_t index, TreeNode *out, Err *err)
{
    TreeNode left, right;

    if (is_outside(&taking->span, index))
        return take_outside(taking, index, out, err);
    if (tree_depth(index) == 0) {
        uint64_t number = index / 2 - taking->span.first;

        tree_leaf(index / 2, taking->blocks[number], &taking->leaves[number]);
        *out = taking->leaves[number];
        return true;
    }
    if (!hash_below(taking, tree_left(index), &left, err) ||
        !hash_below(taking, tree_right(index), &right, err))
        return false;
    if (!tree_join(&left, &right, out))
        return is_wrong(err);
    note(&taking->inside, out);
    return true;
}

/* Against the signed roots. */
static bool check(Taking *taking, Err *err)
{
    const TreeRoots *roots = &taking->feed->state.roots;

    for (size_t i = 0; i < roots->count; i++) {
        TreeNode real;

        if (is_outside(&taking->span, roots->at[i].index))
            continue;
        if (!hash_below(taking, roots->at[i].index, &real, err))
            return false;
        if (!tree_node_equal(&real, &roots->at[i]))
            return is_wrong(err);
    }
    return taking->nodes_left == 0 || is_wrong(err);
}

/* Before anything is made of them, lengths have to fit what came. */
static bool cut_blocks(Taking *taking, CompactIn *in, Arena *arena, Err *err)
{
    uint64_t count = taking->span.end - taking->span.first, bytes = 0;

    taking->blocks = arena_new(arena, Str, count);
    taking->leaves = arena_new(arena, TreeNode, count);
    for (uint64_t i = 0; i < count; i++) {
        taking->blocks[i].len = compact_uint(in);
        if (in->bad || taking->blocks[i].len > FEED_BLOCK_MAX)
            return is_wrong(err);
        bytes += taking->blocks[i].len;
    }
    if (bytes != in->rest.len)
        return is_wrong(err);
    for (uint64_t i = 0; i < count; i++)
        taking->blocks[i].ptr = compact_raw(in, taking->blocks[i].len).ptr;
    return true;
}

static bool parse(Taking *taking, Str bytes, Arena *arena, Err *err)
{
    CompactIn in = compact_in(bytes);
    const FeedState *state = &taking->feed->state;
    uint64_t fork = compact_uint(&in), first = compact_uint(&in), count = compact_count(&in, 1);

    taking->nodes_left = compact_count(&in, 1 + TREE_HASH_BYTES);
    if (in.bad || count == 0 || count > RUN_BLOCKS_MAX || taking->nodes_left > OUTSIDE_MAX ||
        first > TREE_LENGTH_MAX)
        return is_wrong(err);
    if (fork != state->fork || first + count > state->roots.length)
        return err_set(err, ERR_CONFLICT,
                       "the run is of fork %llu, blocks %llu to %llu; the feed is at fork %llu, length %llu",
                       (unsigned long long)fork, (unsigned long long)first,
                       (unsigned long long)(first + count), (unsigned long long)state->fork,
                       (unsigned long long)state->roots.length);
    taking->span = (Span){first, first + count};
    taking->nodes = in;
    for (uint64_t i = 0; i < taking->nodes_left; i++) {
        (void)compact_uint(&in);
        (void)compact_raw(&in, TREE_HASH_BYTES);
    }
    return cut_blocks(taking, &in, arena, err);
}

static bool put_outside(Taking *taking, Err *err)
{
    const TreeNode *at = (const TreeNode *)(const void *)taking->outside.ptr;
    BUF_SCOPE(body);
    FeedPlace place;

    for (size_t i = 0; i < taking->outside.len / sizeof *at; i++) {
        TreeNode known;
        Err why = {0};

        if (feed_nodes_get(taking->feed->nodes, at[i].index, &known, NULL, &why))
            continue;
        if (why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        feed_nodes_put(taking->feed->nodes, &at[i], 0);
        feed_put_node(&at[i], &body);
    }
    return body.len == 0 || feed_log_put(taking->feed->log, FEED_NODES, 0, buf_str(&body), &place, err);
}

static bool put_blocks(Taking *taking, RunTaken *out, Err *err)
{
    Feed *feed = taking->feed;

    for (uint64_t i = taking->span.first; i < taking->span.end; i++) {
        FeedPlace place;
        bool held;

        if (!feed_head_holds(feed->head, i, &held, err))
            return false;
        if (held)
            continue;
        if (!feed_log_put(feed->log, FEED_BLOCK, i, taking->blocks[i - taking->span.first], &place, err))
            return false;
        feed_batch_fill(feed, &taking->leaves[i - taking->span.first], place);
        out->added++;
    }
    return true;
}

static bool keep(Taking *taking, RunTaken *out, Err *err)
{
    Feed *feed = taking->feed;
    const TreeNode *inside = (const TreeNode *)(const void *)taking->inside.ptr;

    *out = (RunTaken){.first = taking->span.first, .count = taking->span.end - taking->span.first};
    if (!feed_keep(feed, FEED_BUFFERED, err))
        return false;
    feed_batch_begin(feed);
    if (!put_outside(taking, err) || !put_blocks(taking, out, err)) {
        feed_batch_undo(feed);
        return false;
    }
    for (size_t i = 0; i < taking->inside.len / sizeof *inside; i++)
        feed_nodes_put(feed->nodes, &inside[i], 0);
    if (out->added > 0)
        return feed_batch_commit(feed, FEED_BUFFERED, err);
    feed_batch_undo(feed);
    return true;
}

bool run_take(Feed *feed, Str bytes, RunTaken *out, Err *err)
{
    ARENA_SCOPE(arena);
    Taking taking = {.feed = feed};

    if (!feed->writable)
        return err_set(err, ERR_USAGE, "the feed in '%s' is open for reading only", feed->path);
    bool ok = parse(&taking, bytes, &arena, err) && check(&taking, err) && keep(&taking, out, err);
    buf_release(&taking.outside);
    buf_release(&taking.inside);
    return ok;
}
