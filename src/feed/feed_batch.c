/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "feed/feed_inside.h"

enum {
    WAITING_MAX = 16384, /* nodes in memory before tree and head are written */
};

void feed_batch_begin(Feed *feed)
{
    feed->roots = feed->state.roots;
    feed->identity = feed->state.identity;
    feed->fork = feed->state.fork;
    feed->held = feed->state.held;
    feed->kept = feed->state.roots.length;
    feed->gone_first = feed->gone_end = 0;
    feed->jumped = false;
    feed_batch_sign(feed, (Str){(const char *)feed->state.signature, feed->state.signature_len});
    feed->pending = false;
    buf_reset(&feed->made);
}

static void make(Feed *feed, const TreeNode *node, FeedPlace place)
{
    FeedMade one = {*node, place};

    buf_put(&feed->made, (Str){(const char *)&one, sizeof one});
}

bool feed_batch_grow(Feed *feed, Str bytes, FeedPlace place, Err *err)
{
    TreeNode leaf, made[TREE_DEPTH_MAX + 1];

    tree_leaf(feed->roots.length, bytes, &leaf);
    size_t count = tree_add(&feed->roots, &leaf, made);
    if (count == 0)
        return err_set(err, ERR_LIMIT, "the feed is full");
    for (size_t i = 0; i < count; i++)
        make(feed, &made[i], i == 0 ? place : 0);
    feed->held++;
    return true;
}

void feed_batch_fill(Feed *feed, const TreeNode *leaf, FeedPlace place)
{
    make(feed, leaf, place);
    feed->held++;
}

bool feed_batch_has(Feed *feed, uint64_t block, bool *out, Err *err)
{
    const FeedMade *made = (const FeedMade *)(const void *)feed->made.ptr;

    for (size_t i = feed->made.len / sizeof *made; i-- > 0;)
        if (made[i].node.index == 2 * block) {
            *out = made[i].place != 0;
            return true;
        }
    return feed_head_holds(feed->head, block, out, err);
}

void feed_batch_roots(Feed *feed, const TreeRoots *roots)
{
    feed->roots = *roots;
    feed->jumped = true;
}

void feed_batch_sign(Feed *feed, Str signature)
{
    if (signature.len > 0)
        memcpy(feed->signature, signature.ptr, signature.len);
    feed->signature_len = signature.len;
}

static bool lose(Feed *feed, uint64_t first, uint64_t end, Err *err)
{
    uint64_t lost;

    if (!feed_head_count(feed->head, first, end, &lost, err))
        return false;
    feed->held -= lost;
    return true;
}

/* The roots of fewer blocks, as far as they are known: a feed that holds a part only may not have them. */
bool feed_batch_shrink(Feed *feed, uint64_t length, uint64_t fork, Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    TreeRoots roots = {.count = tree_root_numbers(length, numbers), .length = length};
    Err unknown = {0};

    for (size_t i = 0; i < roots.count; i++) {
        if (!feed_nodes_get(feed->nodes, numbers[i], &roots.at[i], NULL, &unknown)) {
            if (unknown.code == ERR_NOT_FOUND)
                continue;
            *err = unknown;
            return false;
        }
        roots.bytes += roots.at[i].size;
    }
    if (!lose(feed, length, feed->roots.length, err))
        return false;
    feed->roots = roots;
    feed->kept = length;
    feed->fork = fork;
    return true;
}

/* ---- nodes that are proven ---- */

/* *known: it, or another one with its number, is there. */
static bool look(Feed *feed, uint64_t index, TreeNode *out, bool *known, Err *err)
{
    Err why = {0};

    *known = feed_nodes_get(feed->nodes, index, out, NULL, &why);
    if (*known || why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

bool feed_batch_learn(Feed *feed, const TreeNode *node, Err *err)
{
    bool shrunk = feed->kept < feed->state.roots.length, known = false;
    TreeNode found;

    /* Of a batch that shrinks the feed, what is kept stays as it is: a leaf knows where its block lies. */
    if ((!shrunk || tree_last(node->index) < 2 * feed->kept) && !look(feed, node->index, &found, &known, err))
        return false;
    if (shrunk && !(known && tree_node_equal(&found, node)))
        make(feed, node, 0);
    else if (!known)
        feed_nodes_put(feed->nodes, node, 0);
    return true;
}

bool feed_batch_climb(Feed *feed, TreeNode node, Err *err)
{
    TreeNode sibling, above;
    bool known = true;

    while (tree_depth(node.index) < TREE_DEPTH_MAX) {
        if (!look(feed, tree_parent(node.index), &above, &known, err))
            return false;
        if (known)
            return true;
        if (!look(feed, tree_sibling(node.index), &sibling, &known, err))
            return false;
        if (!known || !tree_join(&node, &sibling, &node))
            return true;
        feed_nodes_put(feed->nodes, &node, 0);
    }
    return true;
}

/* A leaf that keeps its hash and has no place. */
static bool unplace(Feed *feed, uint64_t block, Err *err)
{
    TreeNode leaf;
    bool known;

    if (!look(feed, 2 * block, &leaf, &known, err))
        return false;
    if (known)
        make(feed, &leaf, 0);
    return true;
}

bool feed_batch_clear(Feed *feed, uint64_t first, uint64_t end, Err *err)
{
    feed->gone_first = first;
    feed->gone_end = end;
    for (uint64_t block = first; block < end; block++)
        if (!unplace(feed, block, err))
            return false;
    return lose(feed, first, end, err);
}

/* ---- the end of a batch ---- */

static void forget_lost(Feed *feed)
{
    uint64_t before = feed->state.roots.length;

    if (feed->kept < before) {
        feed_nodes_truncate(feed->nodes, feed->kept);
        feed_head_mark(feed->head, feed->kept, before - feed->kept, false);
    }
    /* A bit that was set behind the end counts for nothing. */
    if (feed->jumped && feed->roots.length > feed->kept)
        feed_head_mark(feed->head, feed->kept, feed->roots.length - feed->kept, false);
    if (feed->gone_first < feed->gone_end)
        feed_head_mark(feed->head, feed->gone_first, feed->gone_end - feed->gone_first, false);
}

void feed_batch_settle(Feed *feed)
{
    const FeedMade *made = (const FeedMade *)(const void *)feed->made.ptr;

    forget_lost(feed);
    for (size_t i = 0; i < feed->made.len / sizeof *made; i++) {
        feed_nodes_put(feed->nodes, &made[i].node, made[i].place);
        if (made[i].place)
            feed_head_mark(feed->head, made[i].node.index / 2, 1, true);
    }
    feed->state.held = feed->held;
    feed->state.identity = feed->identity;
    feed->state.roots = feed->roots;
    feed->state.fork = feed->fork;
    memcpy(feed->state.signature, feed->signature, feed->signature_len);
    feed->state.signature_len = feed->signature_len;
    feed->state.applied = feed_log_end(feed->log);
    feed->state.chain = feed_log_chain(feed->log);
    feed->behind = true;
    feed_batch_begin(feed);
}

static void put_commit(const Feed *feed, Buf *out)
{
    unsigned char hash[TREE_HASH_BYTES];

    tree_hash(feed->roots.at, feed->roots.count, hash);
    bytes_put(out, feed->roots.length, 8);
    bytes_put(out, feed->fork, 8);
    bytes_put(out, feed->roots.bytes, 8);
    bytes_put(out, feed->held, 8);
    buf_put(out, (Str){(const char *)hash, TREE_HASH_BYTES});
    bytes_put(out, feed->signature_len, 4);
    buf_put(out, (Str){(const char *)feed->signature, feed->signature_len});
}

bool feed_batch_commit(Feed *feed, FeedCare care, Err *err)
{
    BUF_SCOPE(body);
    bool rotated;
    Err later = {0};

    put_commit(feed, &body);
    if (!feed_log_commit(feed->log, buf_str(&body), care == FEED_DURABLE, &rotated, err)) {
        feed_batch_begin(feed);
        return false;
    }
    feed_batch_settle(feed);
    /* The batch counts already; what cannot be written now is made from the log later. */
    if (rotated || feed_nodes_waiting(feed->nodes) > WAITING_MAX ||
        feed_head_waiting(feed->head) > WAITING_MAX)
        (void)!feed_write_derived(feed, rotated, &later);
    return true;
}

void feed_batch_undo(Feed *feed)
{
    feed_log_undo(feed->log);
    feed_batch_begin(feed);
}

bool feed_write_derived(Feed *feed, bool sync, Err *err)
{
    if (!feed_nodes_flush(feed->nodes, sync, err) || !fault_pass(FAULT_feed_tree_written, err) ||
        !feed_head_flush(feed->head, &feed->state, sync, err))
        return false;
    feed->behind = false;
    return true;
}
