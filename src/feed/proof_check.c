/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a proof proves what it says: against a feed, or by itself. */
#include <string.h>

#include "feed/proof_inside.h"

bool proof_is_wrong(Err *err)
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
        return proof_is_wrong(err);
    *out = queue->list.at[queue->next++];
    return true;
}

static bool is_used_up(const Queue *queue)
{
    return queue->next == queue->list.count && !queue->extra;
}

bool proof_note(ProofTaking *taking, const TreeNode *node, bool sent, Err *err)
{
    if (taking->count == PROOF_PATH_MAX)
        return proof_is_wrong(err);
    taking->sent[taking->count] = sent;
    taking->nodes[taking->count++] = *node;
    return true;
}

/* From `top` upwards with what the queue has, to its end. */
static bool climb(ProofTaking *taking, Queue *queue, TreeNode *top, Err *err)
{
    if (!proof_note(taking, top, true, err))
        return false;
    while (!is_used_up(queue)) {
        TreeNode sibling = {0};

        if (tree_depth(top->index) >= TREE_DEPTH_MAX ||
            !shift(queue, tree_sibling(top->index), &sibling, err) || !tree_join(top, &sibling, top))
            return proof_is_wrong(err);
        if (!proof_note(taking, &sibling, true, err) || !proof_note(taking, top, false, err))
            return false;
    }
    return true;
}

/* The node in which all that is asked for ends: *has is false when there is none. */
static bool climb_parts(ProofTaking *taking, TreeNode *top, bool *has, Err *err)
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
            return proof_is_wrong(err);
        tree_leaf(proof->index, proof->value, &taking->leaf);
        *top = taking->leaf;
    } else if (!shift(&queue, proof->index, top, err))
        return false;
    return climb(taking, &queue, top, err);
}

/* ---- a longer tree ---- */

/* The next node behind the tree so far: what it completes is joined. */
static bool grow(ProofTaking *taking, TreeNode node, Err *err)
{
    TreeRoots *roots = &taking->roots;
    uint64_t blocks = (tree_last(node.index) - tree_first(node.index)) / 2 + 1;

    if (tree_first(node.index) != 2 * roots->length || blocks > TREE_LENGTH_MAX - roots->length ||
        __builtin_add_overflow(roots->bytes, node.size, &roots->bytes))
        return proof_is_wrong(err);
    if (!proof_note(taking, &node, true, err))
        return false;
    while (roots->count > 0 && tree_join(&roots->at[roots->count - 1], &node, &node)) {
        roots->count--;
        if (!proof_note(taking, &node, false, err))
            return false;
    }
    roots->at[roots->count++] = node;
    roots->length += blocks;
    return true;
}

/* From the roots of so far to those of `length` blocks. */
static bool grow_to(ProofTaking *taking, uint64_t length, Queue *queue, Err *err)
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
static bool grow_more(ProofTaking *taking, Err *err)
{
    const FeedNodeList *more = &taking->proof->more_nodes;

    for (size_t i = 0; i < more->count; i++)
        if (!grow(taking, more->at[i], err))
            return false;
    return true;
}

/* Who signs, as far as the proof tells it. */
static bool find_signer(ProofTaking *taking, Err *err)
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
static bool check_signature(ProofTaking *taking, Err *err)
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
static bool upgrade(ProofTaking *taking, const TreeNode *top, bool *has, Err *err)
{
    const FeedProof *proof = taking->proof;
    Queue queue = {proof->upgrade_nodes, 0, *has ? top : NULL};

    if (proof->start != taking->roots.length)
        return err_set(err, ERR_CONFLICT, "the upgrade begins at %llu, the feed has %llu blocks",
                       (unsigned long long)proof->start, (unsigned long long)taking->roots.length);
    if (proof->length == 0 || proof->length > TREE_LENGTH_MAX - proof->start)
        return proof_is_wrong(err);
    if (!grow_to(taking, proof->start + proof->length, &queue, err))
        return false;
    if (queue.next != queue.list.count)
        return proof_is_wrong(err);
    *has = queue.extra != NULL;
    return grow_more(taking, err) && check_signature(taking, err);
}

/* ---- the whole ---- */

static bool check_against_known(ProofTaking *taking, const TreeNode *top, Err *err)
{
    TreeNode known;
    Err why = {0};

    if (feed_nodes_get(taking->feed->nodes, top->index, &known, NULL, &why))
        return tree_node_equal(&known, top) || proof_is_wrong(err);
    if (why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    return err_set(err, ERR_CONFLICT, "the proof ends in node %llu, which is not known here",
                   (unsigned long long)top->index);
}

bool proof_check(ProofTaking *taking, Err *err)
{
    const FeedProof *proof = taking->proof;
    TreeNode top = {0};
    bool has;

    if (!climb_parts(taking, &top, &has, err) || (proof->upgrade && !upgrade(taking, &top, &has, err)))
        return false;
    if (!has)
        return true;
    if (taking->reorg)
        return proof_is_wrong(err); /* nothing of the feed so far counts in the new fork */
    return check_against_known(taking, &top, err);
}

/* ---- with no feed ---- */

bool feed_check_head(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *at_length,
                     TreeRoots *head, Err *err)
{
    ProofTaking taking = {.proof = proof, .identity = *identity};
    Queue queue = {proof->upgrade_nodes, 0, NULL};

    if (!proof->upgrade || proof->start != 0 || proof->length == 0 || proof->length > TREE_LENGTH_MAX)
        return proof_is_wrong(err);
    if (!grow_to(&taking, proof->length, &queue, err))
        return false;
    if (!is_used_up(&queue))
        return proof_is_wrong(err);
    *at_length = taking.roots;
    if (!grow_more(&taking, err) || !check_signature(&taking, err))
        return false;
    *head = taking.roots;
    return true;
}

bool feed_check_block(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *head,
                      FeedIdentity *signer, Err *err)
{
    ProofTaking taking = {.proof = proof, .identity = *identity};
    TreeNode top = {0};
    bool has;

    if (!proof->upgrade || proof->start != 0 || proof->seek || proof->part != FEED_PART_BLOCK)
        return proof_is_wrong(err);
    if (!climb_parts(&taking, &top, &has, err) || !upgrade(&taking, &top, &has, err))
        return false;
    if (has) /* it ends in no root of the feed */
        return proof_is_wrong(err);
    *head = taking.roots;
    *signer = taking.identity;
    return true;
}
