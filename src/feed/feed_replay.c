/* SPDX-License-Identifier: Apache-2.0 */
/* The log, read again: each record does what it did when it was written. */
#include <string.h>

#include "base/bytes.h"
#include "feed/feed_inside.h"

static bool is_odd(const Feed *feed, Err *err)
{
    return err_set(err, ERR_CORRUPT, "the log in '%s' says what cannot be", feed->path);
}

enum {
    NODE_BYTES = 16 + TREE_HASH_BYTES,
    FLAG_COMPAT = 1,
    FLAG_ANONYMOUS = 2,
};

void feed_put_identity(const FeedIdentity *identity, Buf *out)
{
    bytes_put(out, (identity->compat ? FLAG_COMPAT : 0) | (identity->anonymous ? FLAG_ANONYMOUS : 0), 4);
    buf_put(out, (Str){(const char *)identity->key, FEED_KEY_BYTES});
    buf_put(out, (Str){(const char *)identity->signer, SIGN_PUBLIC_BYTES});
    buf_put(out, (Str){(const char *)identity->space, FEED_KEY_BYTES});
}

void feed_put_node(const TreeNode *node, Buf *out)
{
    bytes_put(out, node->index, 8);
    bytes_put(out, node->size, 8);
    buf_put(out, (Str){(const char *)node->hash, TREE_HASH_BYTES});
}

static TreeNode node_at(const char *at)
{
    TreeNode node = {.index = bytes_get(at, 8), .size = bytes_get(at + 8, 8)};

    memcpy(node.hash, at + 16, TREE_HASH_BYTES);
    return node;
}

bool feed_get_identity(Str body, FeedIdentity *out)
{
    if (body.len != FEED_IDENTITY_BYTES)
        return false;
    uint64_t flags = bytes_get(body.ptr, 4);
    out->compat = flags & FLAG_COMPAT;
    out->anonymous = flags & FLAG_ANONYMOUS;
    const char *keys = body.ptr + 4;
    memcpy(out->key, keys, FEED_KEY_BYTES);
    memcpy(out->signer, keys += FEED_KEY_BYTES, SIGN_PUBLIC_BYTES);
    memcpy(out->space, keys += SIGN_PUBLIC_BYTES, FEED_KEY_BYTES);
    return true;
}

static bool take_identity(Feed *feed, Str body, Err *err)
{
    return feed_get_identity(body, &feed->identity) || is_odd(feed, err);
}

/* The block is at the end of the tree and makes it longer, or its leaf was proven when it was written. */
static bool take_block(Feed *feed, const FeedRecord *record, Err *err)
{
    TreeNode leaf;

    if (record->body.len < 8)
        return is_odd(feed, err);
    uint64_t number = bytes_get(record->body.ptr, 8);
    Str bytes = str_sub(record->body, 8, record->body.len);
    if (number > feed->roots.length)
        return is_odd(feed, err);
    if (number == feed->roots.length)
        return feed_batch_grow(feed, bytes, record->place, err);
    tree_leaf(number, bytes, &leaf);
    feed_batch_fill(feed, &leaf, record->place);
    /* Its place comes with the commit; its neighbour, which may be the next block of the batch, climbs with it before. */
    return feed_batch_learn(feed, &leaf, err) && feed_batch_climb(feed, leaf, err);
}

static bool learn_nodes(Feed *feed, Str body, Err *err)
{
    for (size_t at = 0; at < body.len; at += NODE_BYTES) {
        TreeNode node = node_at(body.ptr + at);

        if (node.index >= 2 * TREE_LENGTH_MAX)
            return is_odd(feed, err);
        if (!feed_batch_learn(feed, &node, err))
            return false;
    }
    return true;
}

/* All are learnt before the first climb: what a node needs may come behind it. After a truncation nothing is left out. */
static bool take_nodes(Feed *feed, Str body, Err *err)
{
    if (body.len % NODE_BYTES != 0)
        return is_odd(feed, err);
    if (!learn_nodes(feed, body, err))
        return false;
    if (feed->kept < feed->state.roots.length)
        return true;
    for (size_t at = 0; at < body.len; at += NODE_BYTES)
        if (!feed_batch_climb(feed, node_at(body.ptr + at), err))
            return false;
    return true;
}

static bool take_roots(Feed *feed, Str body, Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    TreeRoots roots = {.length = body.len < 8 ? 0 : bytes_get(body.ptr, 8)};

    if (body.len < 8 || roots.length > TREE_LENGTH_MAX)
        return is_odd(feed, err);
    roots.count = tree_root_numbers(roots.length, numbers);
    if (body.len != 8 + roots.count * NODE_BYTES)
        return is_odd(feed, err);
    for (size_t i = 0; i < roots.count; i++) {
        roots.at[i] = node_at(body.ptr + 8 + i * NODE_BYTES);
        if (roots.at[i].index != numbers[i])
            return is_odd(feed, err);
        roots.bytes += roots.at[i].size;
        if (!feed_batch_learn(feed, &roots.at[i], err))
            return false;
    }
    feed_batch_roots(feed, &roots);
    return true;
}

static bool take_truncate(Feed *feed, Str body, Err *err)
{
    if (body.len != 16 || feed->made.len > 0 || bytes_get(body.ptr, 8) > feed->roots.length)
        return is_odd(feed, err);
    return feed_batch_shrink(feed, bytes_get(body.ptr, 8), bytes_get(body.ptr + 8, 8), err);
}

static bool take_clear(Feed *feed, Str body, Err *err)
{
    uint64_t first, count;

    if (body.len != 16 || feed->made.len > 0)
        return is_odd(feed, err);
    first = bytes_get(body.ptr, 8);
    count = bytes_get(body.ptr + 8, 8);
    if (first > feed->roots.length || count > feed->roots.length - first)
        return is_odd(feed, err);
    return feed_batch_clear(feed, first, first + count, err);
}

/* The commit has to be of the tree that the records before it make. */
static bool take_commit(Feed *feed, Str body, Err *err)
{
    unsigned char hash[TREE_HASH_BYTES];
    enum { FIXED = 4 * 8 + TREE_HASH_BYTES + 4 };

    if (body.len < FIXED || body.len - FIXED > FEED_SIGNATURE_MAX ||
        bytes_get(body.ptr + FIXED - 4, 4) != body.len - FIXED)
        return is_odd(feed, err);
    tree_hash(feed->roots.at, feed->roots.count, hash);
    if (bytes_get(body.ptr, 8) != feed->roots.length || bytes_get(body.ptr + 8, 8) != feed->fork ||
        bytes_get(body.ptr + 16, 8) != feed->roots.bytes || memcmp(body.ptr + 32, hash, sizeof hash) != 0)
        return is_odd(feed, err);
    /* Not what was counted here: the bits may be those of after the batch already. */
    feed->held = bytes_get(body.ptr + 24, 8);
    feed_batch_sign(feed, str_sub(body, FIXED, body.len));
    feed_batch_settle(feed);
    return true;
}

static bool take_record(void *feed_v, const FeedRecord *record, Err *err)
{
    Feed *feed = feed_v;

    switch (record->type) {
    case FEED_IDENTITY:
        return take_identity(feed, record->body, err);
    case FEED_BLOCK:
        return take_block(feed, record, err);
    case FEED_NODES:
        return take_nodes(feed, record->body, err);
    case FEED_ROOTS:
        return take_roots(feed, record->body, err);
    case FEED_TRUNCATE:
        return take_truncate(feed, record->body, err);
    case FEED_CLEAR:
        return take_clear(feed, record->body, err);
    case FEED_COMMIT:
        return take_commit(feed, record->body, err);
    }
    return is_odd(feed, err);
}

bool feed_replay(Feed *feed, Err *err)
{
    feed_batch_begin(feed);
    if (!feed_log_scan(feed->log, take_record, feed, err))
        return false;
    feed_batch_begin(feed); /* what came behind the last commit does not count */
    return true;
}
