/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a feed, one or all. */
#include <fcntl.h>

#include "base/os.h"
#include "feed/feed_inside.h"

/* Where a block lies, and its leaf. The tree may have a place of one that is not held any more. */
static bool find(Feed *feed, uint64_t block, TreeNode *leaf, FeedPlace *place, Err *err)
{
    bool held;

    if (block >= feed->state.roots.length)
        return err_set(err, ERR_NOT_FOUND, "the feed has %llu blocks, none with number %llu",
                       (unsigned long long)feed->state.roots.length, (unsigned long long)block);
    *place = 0;
    if (!feed_head_holds(feed->head, block, &held, err))
        return false;
    if (held && !feed_nodes_get(feed->nodes, 2 * block, leaf, place, err) && err->code != ERR_NOT_FOUND)
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

    if (!find(feed, block, &known, &place, err))
        return false;
    if (!feed_log_read(feed->log, place, FEED_BLOCK, &body, err))
        return err_wrap(err, "block %llu cannot be read", (unsigned long long)block);
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
