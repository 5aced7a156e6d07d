/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "feed/proof_inside.h"

/* ---- into the log ---- */

static bool put(Feed *feed, FeedRecordType type, const Buf *body, Err *err)
{
    FeedPlace place;

    feed->pending = true;
    return feed_log_put(feed->log, type, 0, buf_str(body), &place, err);
}

static bool is_known(Feed *feed, uint64_t index, bool *out, Err *err)
{
    TreeNode known;
    Err why = {0};

    *out = feed_nodes_get(feed->nodes, index, &known, NULL, &why);
    if (*out || why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

/* Nodes that are not known yet. Those that follow from others are found again by climbing, and the block's by hashing it. */
static bool put_nodes(ProofTaking *taking, Err *err)
{
    Feed *feed = taking->feed;
    bool block = taking->proof->part == FEED_PART_BLOCK;
    BUF_SCOPE(body);

    for (size_t i = 0; i < taking->count; i++) {
        const TreeNode *node = &taking->nodes[i];
        bool known = false;

        if (!taking->reorg && !is_known(feed, node->index, &known, err))
            return false;
        if (known)
            continue;
        if (taking->reorg || (taking->sent[i] && !(block && node->index == taking->leaf.index)))
            feed_put_node(node, &body);
        if (!feed_batch_learn(feed, node, err))
            return false;
    }
    return body.len == 0 || put(feed, FEED_NODES, &body, err);
}

static bool put_roots(ProofTaking *taking, Err *err)
{
    Feed *feed = taking->feed;
    BUF_SCOPE(body);

    bytes_put(&body, taking->roots.length, 8);
    for (size_t i = 0; i < taking->roots.count; i++)
        feed_put_node(&taking->roots.at[i], &body);
    if (!put(feed, FEED_ROOTS, &body, err))
        return false;
    feed_batch_roots(feed, &taking->roots);
    feed_batch_sign(feed, taking->proof->signature);
    return true;
}

static bool put_identity(ProofTaking *taking, Err *err)
{
    Feed *feed = taking->feed;
    BUF_SCOPE(body);

    if (!feed->identity.anonymous || taking->identity.anonymous)
        return true;
    feed_put_identity(&taking->identity, &body);
    if (!put(feed, FEED_IDENTITY, &body, err))
        return false;
    feed->identity = taking->identity;
    return true;
}

static bool put_block(ProofTaking *taking, bool *is_new, Err *err)
{
    Feed *feed = taking->feed;
    const FeedProof *proof = taking->proof;
    FeedPlace place;
    bool held;

    *is_new = false;
    if (proof->part != FEED_PART_BLOCK)
        return true;
    if (!feed_batch_has(feed, proof->index, &held, err))
        return false;
    if (held)
        return true;
    if (!feed_log_put(feed->log, FEED_BLOCK, proof->index, proof->value, &place, err))
        return false;
    feed_batch_fill(feed, &taking->leaf, place);
    feed->pending = true;
    *is_new = true;
    return true;
}

static bool put_all(ProofTaking *taking, FeedTaken *out, Err *err)
{
    out->upgraded = taking->proof->upgrade;
    return put_identity(taking, err) && (!taking->proof->upgrade || put_roots(taking, err)) &&
           put_nodes(taking, err) && put_block(taking, &out->block, err);
}

/* ---- another fork ---- */

static bool is_same(Feed *feed, const TreeNode *node, bool *out, Err *err)
{
    TreeNode known;
    Err why = {0};

    *out = false;
    if (tree_last(node->index) >= 2 * feed->state.roots.length)
        return true;
    if (feed_nodes_get(feed->nodes, node->index, &known, NULL, &why)) {
        *out = tree_node_equal(&known, node);
        return true;
    }
    if (why.code != ERR_NOT_FOUND)
        *err = why;
    return why.code == ERR_NOT_FOUND;
}

/* Both children of a node, as far as they were learned. ERR_CORRUPT: they are not its children. */
static bool find_children(FeedNodeList learned, const TreeNode *node, const TreeNode **out, Err *err)
{
    TreeNode parent;

    *out = NULL;
    for (size_t i = 0; i + 1 < learned.count; i += 2) {
        if (learned.at[i].index != tree_left(node->index))
            continue;
        *out = &learned.at[i];
        return (tree_join(&learned.at[i], &learned.at[i + 1], &parent) && tree_node_equal(&parent, node)) ||
               proof_is_wrong(err);
    }
    return true;
}

/*
 * How many blocks are the same in both: those before the first root of the new tree that is not here, and then, as far as the
 * nodes below it were learned, those before the first of them that is not. *ask: the node whose two children would tell more.
 */
static bool find_kept(ProofTaking *taking, FeedNodeList learned, FeedFork *out, Err *err)
{
    Feed *feed = taking->feed;
    const TreeNode *children;
    TreeNode differs = {0};
    bool same = true;

    *out = (FeedFork){.ask = FEED_FORK_KNOWN};
    for (size_t i = 0; i < taking->roots.count && same; i++) {
        differs = taking->roots.at[i];
        if (!is_same(feed, &differs, &same, err))
            return false;
        if (same)
            out->kept = tree_last(differs.index) / 2 + 1;
    }
    while (!same && tree_depth(differs.index) > 0 && out->kept < feed->state.roots.length) {
        if (!find_children(learned, &differs, &children, err))
            return false;
        if (!children) {
            out->ask = differs.index;
            return true;
        }
        if (!proof_note(taking, &children[0], true, err) || !proof_note(taking, &children[1], true, err) ||
            !is_same(feed, &children[0], &same, err))
            return false;
        if (same)
            out->kept = tree_last(children[0].index) / 2 + 1;
        differs = children[same];
        same = false;
    }
    return true;
}

/* One batch, which counts at once: of the feed's older fork remains what is in the new one. */
static bool change_fork(ProofTaking *taking, FeedNodeList learned, FeedTaken *out, Err *err)
{
    Feed *feed = taking->feed;
    FeedFork fork;
    BUF_SCOPE(body);

    if (!feed_keep(feed, FEED_BUFFERED, err) || !find_kept(taking, learned, &fork, err))
        return false;
    bytes_put(&body, fork.kept, 8);
    bytes_put(&body, taking->proof->fork, 8);
    out->upgraded = true;
    if (put(feed, FEED_TRUNCATE, &body, err) &&
        feed_batch_shrink(feed, fork.kept, taking->proof->fork, err) && put_identity(taking, err) &&
        put_roots(taking, err) && put_nodes(taking, err))
        return feed_batch_commit(feed, FEED_DURABLE, err);
    return false;
}

static bool begin(ProofTaking *taking, Feed *feed, const FeedProof *proof, Err *err)
{
    *taking = (ProofTaking){.feed = feed, .proof = proof, .identity = feed->identity, .roots = feed->roots};
    if (!feed->writable)
        return err_set(err, ERR_USAGE, "the feed in '%s' is open for reading only", feed->path);
    if (proof->fork < feed->fork || (proof->fork > feed->fork && (!proof->upgrade || proof->start != 0)))
        return err_set(err, ERR_CONFLICT, "the proof is for fork %llu, the feed is at fork %llu",
                       (unsigned long long)proof->fork, (unsigned long long)feed->fork);
    taking->reorg = proof->fork > feed->fork;
    if (taking->reorg)
        taking->roots = (TreeRoots){0};
    return proof_check(taking, err);
}

bool feed_compare_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedFork *out, Err *err)
{
    ProofTaking taking;

    if (!begin(&taking, feed, proof, err))
        return false;
    *out = (FeedFork){.ask = FEED_FORK_KNOWN};
    return !taking.reorg || find_kept(&taking, learned, out, err);
}

bool feed_take_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedTaken *out, Err *err)
{
    FeedTaken taken = {0};
    ProofTaking taking;

    if (!begin(&taking, feed, proof, err))
        return false;
    if (!feed->pending)
        feed_batch_begin(feed);
    if (taking.reorg
            ? change_fork(&taking, learned, &taken, err)
            : put_all(&taking, &taken, err) && (!taken.upgraded || feed_keep(feed, FEED_BUFFERED, err))) {
        *out = taken;
        return true;
    }
    feed_batch_undo(feed);
    return false;
}

bool feed_take(Feed *feed, const FeedProof *proof, FeedTaken *out, Err *err)
{
    return feed_take_fork(feed, proof, (FeedNodeList){0}, out, err);
}

bool feed_keep(Feed *feed, FeedCare care, Err *err)
{
    return !feed->pending || feed_batch_commit(feed, care, err);
}

bool feed_missing_nodes(Feed *feed, uint64_t index, uint64_t *out, Err *err)
{
    bool known = false;

    for (*out = 0; tree_depth(index) < TREE_DEPTH_MAX; ++*out, index = tree_parent(index)) {
        if (!is_known(feed, index, &known, err))
            return false;
        if (known)
            return true;
    }
    return true;
}
