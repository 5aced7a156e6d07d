/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "feed/feed_inside.h"
#include "feed/proof.h"

enum { PATH_MAX_NODES = 6 * FEED_PROOF_NODES_MAX }; /* what is sent in all lists, and what follows from it */

/* A proof that is being checked. */
typedef struct Taking {
    Feed *feed;
    const FeedProof *proof;
    FeedIdentity identity;
    TreeRoots roots;                /* of the feed, and then of the longer one */
    TreeNode nodes[PATH_MAX_NODES]; /* all that is proven when the proof is right */
    bool sent[PATH_MAX_NODES];      /* and does not follow from others */
    size_t count;
    TreeNode leaf; /* of the block */
    bool reorg;
} Taking;

static bool is_wrong(Err *err)
{
    return err_set(err, ERR_CORRUPT, "the proof is not one of what it says");
}

/* Nodes that have to come in order, one of which may have been computed in another place of the proof. */
typedef struct Queue {
    FeedNodeList list;
    size_t next;
    const TreeNode *extra;
} Queue;

static bool shift(Queue *queue, uint64_t index, TreeNode *out, Err *err)
{
    if (queue->extra && queue->extra->index == index) {
        *out = *queue->extra;
        queue->extra = NULL;
        return true;
    }
    if (queue->next == queue->list.count || queue->list.at[queue->next].index != index)
        return is_wrong(err);
    *out = queue->list.at[queue->next++];
    return true;
}

static bool is_used_up(const Queue *queue)
{
    return queue->next == queue->list.count && !queue->extra;
}

static bool note(Taking *taking, const TreeNode *node, bool sent, Err *err)
{
    if (taking->count == PATH_MAX_NODES)
        return is_wrong(err);
    taking->sent[taking->count] = sent;
    taking->nodes[taking->count++] = *node;
    return true;
}

/* From `top` upwards with what the queue has, to its end. */
static bool climb(Taking *taking, Queue *queue, TreeNode *top, Err *err)
{
    if (!note(taking, top, true, err))
        return false;
    while (!is_used_up(queue)) {
        TreeNode sibling = {0};

        if (tree_depth(top->index) >= TREE_DEPTH_MAX ||
            !shift(queue, tree_sibling(top->index), &sibling, err) || !tree_join(top, &sibling, top))
            return is_wrong(err);
        if (!note(taking, &sibling, true, err) || !note(taking, top, false, err))
            return false;
    }
    return true;
}

/* The node in which all that is asked for ends: *has is false when there is none. */
static bool climb_parts(Taking *taking, TreeNode *top, bool *has, Err *err)
{
    const FeedProof *proof = taking->proof;
    Queue queue = {proof->seek_nodes, 0, NULL};
    TreeNode sought;

    *has = false;
    if (proof->seek && proof->seek_nodes.count > 0) {
        if (!shift(&queue, proof->seek_nodes.at[0].index, top, err) || !climb(taking, &queue, top, err))
            return false;
        *has = true;
    }
    if (proof->part == FEED_PART_NONE)
        return true;
    sought = *top;
    queue = (Queue){proof->nodes, 0, *has ? &sought : NULL};
    *has = true;
    if (proof->part == FEED_PART_BLOCK) {
        if (proof->index >= TREE_LENGTH_MAX)
            return is_wrong(err);
        tree_leaf(proof->index, proof->value, &taking->leaf);
        *top = taking->leaf;
    } else if (!shift(&queue, proof->index, top, err))
        return false;
    return climb(taking, &queue, top, err);
}

/* ---- a longer tree ---- */

/* The next node behind the tree so far: what it completes is joined. */
static bool grow(Taking *taking, TreeNode node, Err *err)
{
    TreeRoots *roots = &taking->roots;
    uint64_t blocks = (tree_last(node.index) - tree_first(node.index)) / 2 + 1;

    if (tree_first(node.index) != 2 * roots->length || blocks > TREE_LENGTH_MAX - roots->length ||
        __builtin_add_overflow(roots->bytes, node.size, &roots->bytes))
        return is_wrong(err);
    if (!note(taking, &node, true, err))
        return false;
    while (roots->count > 0 && tree_join(&roots->at[roots->count - 1], &node, &node)) {
        roots->count--;
        if (!note(taking, &node, false, err))
            return false;
    }
    roots->at[roots->count++] = node;
    roots->length += blocks;
    return true;
}

/* From the roots of so far to those of `length` blocks. */
static bool grow_to(Taking *taking, uint64_t length, Queue *queue, Err *err)
{
    TreeRoots *roots = &taking->roots;
    uint64_t numbers[TREE_ROOTS_MAX];
    size_t count = tree_root_numbers(length, numbers), i = 0;
    TreeNode next = {0};

    while (i < count && i < roots->count && roots->at[i].index == numbers[i])
        i++;
    if (i < roots->count)
        while (roots->at[roots->count - 1].index != numbers[i])
            if (!shift(queue, tree_sibling(roots->at[roots->count - 1].index), &next, err) ||
                !grow(taking, next, err))
                return false;
    for (i = roots->count; i < count; i++)
        if (!shift(queue, numbers[i], &next, err) || !grow(taking, next, err))
            return false;
    return true;
}

/* Up to the head that is signed. */
static bool grow_more(Taking *taking, Err *err)
{
    const FeedNodeList *more = &taking->proof->more_nodes;

    for (size_t i = 0; i < more->count; i++)
        if (!grow(taking, more->at[i], err))
            return false;
    return true;
}

/* Who signs, as far as the proof tells it. */
static bool find_signer(Taking *taking, Err *err)
{
    const FeedProof *proof = taking->proof;
    FeedIdentity *identity = &taking->identity;
    unsigned char key[FEED_KEY_BYTES];

    if (!identity->anonymous)
        return true;
    memcpy(key, identity->key, sizeof key);
    if (proof->manifest.len > 0)
        return feed_identity_read(key, proof->manifest, identity, err);
    feed_identity_compat(key, identity);
    return true;
}

/* The signature is over the whole of the signer's feed. */
static bool check_signature(Taking *taking, Err *err)
{
    FeedHead head = {.length = taking->roots.length, .fork = taking->proof->fork};

    if (!find_signer(taking, err))
        return false;
    tree_hash(taking->roots.at, taking->roots.count, head.hash);
    if (taking->proof->signature.len <= FEED_SIGNATURE_MAX &&
        feed_signed(&taking->identity, &head, taking->proof->signature))
        return true;
    return err_set(err, ERR_CORRUPT, "the head of %llu blocks is not signed by the feed's signer",
                   (unsigned long long)head.length);
}

/* `*top` is used up where it lies in the new part. */
static bool upgrade(Taking *taking, const TreeNode *top, bool *has, Err *err)
{
    const FeedProof *proof = taking->proof;
    Queue queue = {proof->upgrade_nodes, 0, *has ? top : NULL};

    if (proof->start != taking->roots.length)
        return err_set(err, ERR_CONFLICT, "the upgrade begins at %llu, the feed has %llu blocks",
                       (unsigned long long)proof->start, (unsigned long long)taking->roots.length);
    if (proof->length == 0 || proof->length > TREE_LENGTH_MAX - proof->start)
        return is_wrong(err);
    if (!grow_to(taking, proof->start + proof->length, &queue, err))
        return false;
    if (queue.next != queue.list.count)
        return is_wrong(err);
    *has = queue.extra != NULL;
    return grow_more(taking, err) && check_signature(taking, err);
}

/* ---- the whole ---- */

static bool check_against_known(Taking *taking, const TreeNode *top, Err *err)
{
    TreeNode known;
    Err why = {0};

    if (feed_nodes_get(taking->feed->nodes, top->index, &known, NULL, &why))
        return tree_node_equal(&known, top) || is_wrong(err);
    if (why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    return err_set(err, ERR_CONFLICT, "the proof ends in node %llu, which is not known here",
                   (unsigned long long)top->index);
}

static bool check(Taking *taking, Err *err)
{
    const FeedProof *proof = taking->proof;
    TreeNode top = {0};
    bool has;

    if (!climb_parts(taking, &top, &has, err) || (proof->upgrade && !upgrade(taking, &top, &has, err)))
        return false;
    if (!has)
        return true;
    if (taking->reorg)
        return is_wrong(err); /* nothing of the feed so far counts in the new fork */
    return check_against_known(taking, &top, err);
}

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
static bool put_nodes(Taking *taking, Err *err)
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

static bool put_roots(Taking *taking, Err *err)
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

static bool put_identity(Taking *taking, Err *err)
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

static bool put_block(Taking *taking, bool *is_new, Err *err)
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

static bool put_all(Taking *taking, FeedTaken *out, Err *err)
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
               is_wrong(err);
    }
    return true;
}

/*
 * How many blocks are the same in both: those before the first root of the new tree that is not here, and then, as far as the
 * nodes below it were learned, those before the first of them that is not. *ask: the node whose two children would tell more.
 */
static bool find_kept(Taking *taking, FeedNodeList learned, FeedFork *out, Err *err)
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
        if (!note(taking, &children[0], true, err) || !note(taking, &children[1], true, err) ||
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
static bool change_fork(Taking *taking, FeedNodeList learned, FeedTaken *out, Err *err)
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

bool feed_check_head(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *at_length,
                     TreeRoots *head, Err *err)
{
    Taking taking = {.proof = proof, .identity = *identity};
    Queue queue = {proof->upgrade_nodes, 0, NULL};

    if (!proof->upgrade || proof->start != 0 || proof->length == 0 || proof->length > TREE_LENGTH_MAX)
        return is_wrong(err);
    if (!grow_to(&taking, proof->length, &queue, err))
        return false;
    if (!is_used_up(&queue))
        return is_wrong(err);
    *at_length = taking.roots;
    if (!grow_more(&taking, err) || !check_signature(&taking, err))
        return false;
    *head = taking.roots;
    return true;
}

bool feed_check_block(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *head,
                      FeedIdentity *signer, Err *err)
{
    Taking taking = {.proof = proof, .identity = *identity};
    TreeNode top = {0};
    bool has;

    if (!proof->upgrade || proof->start != 0 || proof->seek || proof->part != FEED_PART_BLOCK)
        return is_wrong(err);
    if (!climb_parts(&taking, &top, &has, err) || !upgrade(&taking, &top, &has, err))
        return false;
    if (has) /* it ends in no root of the feed */
        return is_wrong(err);
    *head = taking.roots;
    *signer = taking.identity;
    return true;
}

static bool begin(Taking *taking, Feed *feed, const FeedProof *proof, Err *err)
{
    *taking = (Taking){.feed = feed, .proof = proof, .identity = feed->identity, .roots = feed->roots};
    if (!feed->writable)
        return err_set(err, ERR_USAGE, "the feed in '%s' is open for reading only", feed->path);
    if (proof->fork < feed->fork || (proof->fork > feed->fork && (!proof->upgrade || proof->start != 0)))
        return err_set(err, ERR_CONFLICT, "the proof is for fork %llu, the feed is at fork %llu",
                       (unsigned long long)proof->fork, (unsigned long long)feed->fork);
    taking->reorg = proof->fork > feed->fork;
    if (taking->reorg)
        taking->roots = (TreeRoots){0};
    return check(taking, err);
}

bool feed_compare_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedFork *out, Err *err)
{
    Taking taking;

    if (!begin(&taking, feed, proof, err))
        return false;
    *out = (FeedFork){.ask = FEED_FORK_KNOWN};
    return !taking.reorg || find_kept(&taking, learned, out, err);
}

bool feed_take_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedTaken *out, Err *err)
{
    FeedTaken taken = {0};
    Taking taking;

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
