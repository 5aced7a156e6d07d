/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a feed, one or all. */
#include <fcntl.h>

#include "base/os.h"
#include "feed/feed_inside.h"

/* Where a block lies, and its leaf. */
static bool find(Feed *feed, uint64_t block, TreeNode *leaf, FeedPlace *place, Err *err)
{
    if (block >= feed->state.roots.length)
        return err_set(err, ERR_NOT_FOUND, "the feed has %llu blocks, none with number %llu",
                       (unsigned long long)feed->state.roots.length, (unsigned long long)block);
    *place = 0;
    if (!feed_nodes_get(feed->nodes, 2 * block, leaf, place, err) && err->code != ERR_NOT_FOUND)
        return false;
    return *place != 0 ||
           err_set(err, ERR_NOT_FOUND, "block %llu is not held here", (unsigned long long)block);
}

bool feed_peek(Feed *feed, uint64_t block, Str *out, Err *err)
{
    TreeNode leaf = {0};
    FeedPlace place = 0;
    Str body = {0};

    if (!find(feed, block, &leaf, &place, err) || !feed_log_read(feed->log, place, FEED_BLOCK, &body, err))
        return false;
    *out = str_sub(body, 8, body.len);
    return out->len == leaf.size ||
           err_set(err, ERR_CORRUPT, "block %llu is not what was appended", (unsigned long long)block);
}

bool feed_get(Feed *feed, uint64_t block, Buf *out, Err *err)
{
    TreeNode known = {0}, real;
    FeedPlace place = 0;
    Str body = {0};

    if (!find(feed, block, &known, &place, err) || !feed_log_read(feed->log, place, FEED_BLOCK, &body, err))
        return false;
    buf_reset(out);
    buf_put(out, str_sub(body, 8, body.len));
    tree_leaf(block, buf_str(out), &real);
    return tree_node_equal(&known, &real) ||
           err_set(err, ERR_CORRUPT, "block %llu is not what was appended", (unsigned long long)block);
}

bool feed_holds(Feed *feed, uint64_t block, bool *out, Err *err)
{
    if (block < feed->state.roots.length)
        return feed_head_holds(feed->head, block, out, err);
    *out = false;
    return true;
}

/* ---- what it takes ---- */

bool feed_disk(const Feed *feed, uint64_t *out, Err *err)
{
    static const char *const names[] = {"tree", "head"};

    if (!feed_log_disk(feed->log, out, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ARENA_SCOPE(scratch);
        struct statx st;

        if (os_statx(AT_FDCWD, str_printf(&scratch, "%s/%s", feed->path, names[i]).ptr, 0, STATX_BLOCKS,
                     &st) == 0)
            *out += st.stx_blocks * 512;
    }
    return true;
}

bool feed_segments(const Feed *feed, uint64_t *out, Err *err)
{
    return feed_log_segments(feed->log, out, err);
}

bool feed_is_cleared(const Feed *feed)
{
    ARENA_SCOPE(scratch);
    struct statx st;

    return os_statx(AT_FDCWD, str_printf(&scratch, "%s/floor", feed->path).ptr, 0, STATX_TYPE, &st) == 0;
}

/* ---- everything ---- */

typedef struct Check {
    Feed *feed;
    Buf bytes;
    uint64_t first_bad;
    const FeedVerify *options;
} Check;

static bool check_head(const Feed *feed, Err *err)
{
    const FeedState *state = &feed->state;
    FeedHead head = {.length = state->roots.length, .fork = state->fork};

    tree_hash(state->roots.at, state->roots.count, head.hash);
    return (state->signature_len == 0 && state->roots.length == 0) ||
           feed_signed(&state->identity, &head,
                       (Str){(const char *)state->signature, state->signature_len}) ||
           err_set(err, ERR_CORRUPT, "the head of the feed is not signed by its signer");
}

/* Of a block that is not held, what the tree has: whether that is right shows further up. */
static bool hash_block(Check *check, uint64_t block, TreeNode *out, Err *err)
{
    bool held;

    if (check->options && check->options->progress &&
        !check->options->progress(check->options->progress_ctx, block))
        return err_set(err, ERR_INTERRUPTED, "interrupted at block %llu", (unsigned long long)block);
    if (!feed_holds(check->feed, block, &held, err))
        return false;
    if (!held)
        return feed_nodes_get(check->feed->nodes, 2 * block, out, NULL, err);
    check->first_bad = block;
    if (!feed_get(check->feed, block, &check->bytes, err))
        return err->code != ERR_NOT_FOUND
                   ? false
                   : err_set(err, ERR_CORRUPT, "block %llu is held, and the tree does not have it",
                             (unsigned long long)block);
    tree_leaf(block, buf_str(&check->bytes), out);
    return true;
}

/*
 * A node, from all that is held below it. A subtree of which nothing is held has only to be what its parent says; how many
 * blocks are held below is asked of the bits for whole subtrees at once.
 */
static bool hash_below(Check *check, uint64_t index, TreeNode *out, Err *err)
{
    TreeNode left, right, known;
    uint64_t held = 1;

    if (tree_depth(index) == 0)
        return hash_block(check, index / 2, out, err);
    if (check->feed->state.held < check->feed->state.roots.length &&
        !feed_head_count(check->feed->head, tree_first(index) / 2, tree_last(index) / 2 + 1, &held, err))
        return false;
    if (held == 0)
        return feed_nodes_get(check->feed->nodes, index, out, NULL, err);
    if (!hash_below(check, tree_left(index), &left, err) ||
        !hash_below(check, tree_right(index), &right, err))
        return false;
    if (!tree_join(&left, &right, out) || !feed_nodes_get(check->feed->nodes, index, &known, NULL, err) ||
        !tree_node_equal(out, &known)) {
        check->first_bad = tree_first(index) / 2;
        return err_set(err, ERR_CORRUPT, "node %llu of the tree is not that of the blocks below it",
                       (unsigned long long)index);
    }
    return true;
}

static bool check_roots(Check *check, Err *err)
{
    const TreeRoots *roots = &check->feed->state.roots;

    for (size_t i = 0; i < roots->count; i++) {
        TreeNode real;

        if (!hash_below(check, roots->at[i].index, &real, err))
            return false;
        if (!tree_node_equal(&real, &roots->at[i])) {
            check->first_bad = tree_first(roots->at[i].index) / 2;
            return err_set(err, ERR_CORRUPT, "the tree of the feed is not that of its blocks");
        }
    }
    return true;
}

bool feed_verify(Feed *feed, const FeedVerify *options, uint64_t *first_bad, Err *err)
{
    Check check = {.feed = feed, .options = options};
    bool ok = check_roots(&check, err);

    buf_release(&check.bytes);
    *first_bad = ok ? feed->state.roots.length : check.first_bad;
    return ok && check_head(feed, err);
}
