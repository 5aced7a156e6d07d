/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/climb.h"

#include <string.h>

#include "feed/feed_inside.h"

/* Where a node is remembered, with all that the tree has beside its way; another one may take its place, and then it is climbed from again. */
static uint64_t *place_of(Feed *feed, uint64_t index)
{
    return &feed->sound[(index * 0x9e3779b97f4a7c15) >> (64 - FEED_SOUND_BITS)];
}

static bool is_remembered(Feed *feed, uint64_t index)
{
    return *place_of(feed, index) == index + 1;
}

/* In another fork other nodes have the same numbers. */
static void forget_other_fork(Feed *feed)
{
    if (feed->sound_fork == feed->state.fork)
        return;
    memset(feed->sound, 0, sizeof feed->sound);
    feed->sound_fork = feed->state.fork;
}

static const TreeNode *root_above(const Feed *feed, uint64_t index)
{
    const TreeRoots *roots = &feed->state.roots;

    for (size_t i = 0; i < roots->count; i++)
        if (tree_holds(roots->at[i].index, index))
            return &roots->at[i];
    return NULL;
}

/* *known is false where the tree does not have it. */
static bool get(Feed *feed, uint64_t index, TreeNode *out, bool *known, Err *err)
{
    Err why = {0};

    *known = feed_nodes_get(feed->nodes, index, out, NULL, &why);
    if (*known || why.code == ERR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

bool feed_climb(Feed *feed, const TreeNode *node, Err *err)
{
    const TreeNode *root = root_above(feed, node->index);
    uint64_t proven[2 * (TREE_DEPTH_MAX + 1)];
    size_t count = 0;
    TreeNode at = *node, beside = {0}, kept = {0};
    bool known;

    forget_other_fork(feed);
    while (root && at.index != root->index) {
        if (!get(feed, at.index, &kept, &known, err))
            return false;
        bool same = known && tree_node_equal(&kept, &at);
        if (same && is_remembered(feed, at.index))
            break;
        if (!get(feed, tree_sibling(at.index), &beside, &known, err))
            return false;
        if (!known)
            return true;
        if (same) { /* then the way of either is that of the other */
            proven[count++] = at.index;
            proven[count++] = beside.index;
        }
        if (!tree_join(&at, &beside, &at))
            root = NULL;
    }
    if (!root || (at.index == root->index && !tree_node_equal(&at, root)))
        return err_set(err, ERR_CORRUPT, "the tree is damaged: node %llu does not lead to the signed roots",
                       (unsigned long long)node->index);
    for (size_t i = 0; i < count; i++)
        *place_of(feed, proven[i]) = proven[i] + 1;
    return true;
}
