/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/os.h"
#include "feed/feed_inside.h"
#include "feed/forks.h"

/* ---- opening ---- */

static Feed *new_feed(Arena *arena, const char *path, bool write)
{
    Feed *feed = arena_new(arena, Feed, 1);

    feed->path = str_to_z(arena, str_from_z(path));
    feed->head = feed_head_new(arena, feed->path);
    feed->nodes = feed_nodes_new(arena, feed->path, write);
    return feed;
}

void feed_close(Feed *feed)
{
    Err ignored = {0};

    if (feed->writable && feed->behind)
        (void)!feed_write_derived(feed, false, &ignored); /* the next opening does it otherwise */
    if (feed->log)
        feed_log_close(feed->log);
    feed_nodes_close(feed->nodes);
    feed_head_close(feed->head);
    buf_release(&feed->made);
}

/*
 * A head stands on the tree. Without that (it was removed, or lost its end) the log is read from its beginning, as long as it
 * goes back so far: the log of a cleared feed does not.
 */
static bool has_its_tree(const Feed *feed)
{
    const TreeRoots *roots = &feed->state.roots;

    return roots->count == 0 || feed_nodes_reach(feed->nodes, roots->at[roots->count - 1].index) ||
           feed_is_cleared(feed);
}

/* No batch at all. What has no head, and a log of which nothing can be read, was a feed once. */
static bool has_nothing(const Feed *feed, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *log = str_printf(&scratch, "%s/00000000.log", feed->path).ptr;
    struct statx st;

    if (os_statx(AT_FDCWD, log, 0, STATX_SIZE, &st) < 0 || st.stx_size <= FEED_SEGMENT_HEAD)
        return err_set(err, ERR_NOT_FOUND, "there is no feed in '%s'", feed->path);
    return err_set(err, ERR_CORRUPT, "'%s' is damaged: nothing of it can be read", log);
}

/*
 * Tree and bits are not synced with every batch, and may be ahead of a log that lost its end when the machine stopped. Blocks that
 * were there are not held any more; that shows in the count, which is the log's.
 */
static bool drop_what_is_lost(Feed *feed, Err *err)
{
    const FeedState *state = &feed->state;
    uint64_t length = state->roots.length, bits;

    if (feed_head_is_of_now(feed->head) || state->held == length)
        return true;
    if (!feed_head_count(feed->head, 0, length, &bits, err))
        return false;
    for (uint64_t block = 0; bits > state->held; block++) {
        FeedPlace place = 0;
        TreeNode leaf;
        Err why = {0};

        if (!feed_head_next(feed->head, block, length, true, &block, err))
            return false;
        if (block == length)
            return true;
        if (!feed_nodes_get(feed->nodes, 2 * block, &leaf, &place, &why) && why.code != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        if (place != 0 && place < feed_log_end(feed->log))
            continue;
        feed_head_mark(feed->head, block, 1, false);
        feed->behind = true;
        bits--;
    }
    return true;
}

static bool read_on(Arena *arena, Feed *feed, FeedMode mode, const FeedOptions *options, Err *err)
{
    bool has_head = feed_head_open(feed->head, mode == FEED_WRITE, &feed->state, err);

    if (!has_head && err->code != ERR_NOT_FOUND)
        return false;
    if (!has_head || !has_its_tree(feed))
        feed->state = (FeedState){.applied = FEED_PLACE_FIRST};
    if (!feed_check_floor(feed, err))
        return false;
    feed->log = feed_log_new(arena, feed->path, options ? options->segment_bytes : 0, feed->state.applied,
                             feed->state.chain);
    if (!feed_replay(feed, err))
        return false;
    if (feed_log_end(feed->log) == FEED_PLACE_FIRST)
        return has_nothing(feed, err);
    if (!drop_what_is_lost(feed, err))
        return false;
    if (mode == FEED_READ)
        return true;
    feed->writable = true;
    feed->frozen = forks_freeze(feed);
    return feed_log_cut(feed->log, err) && (!feed->behind || feed_write_derived(feed, false, err));
}

bool feed_open(Arena *arena, const char *path, FeedMode mode, const FeedOptions *options, Feed **out,
               Err *err)
{
    struct statx st;

    if (os_statx(AT_FDCWD, path, 0, STATX_TYPE, &st) < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "there is no feed in '%s'", path);
    Feed *feed = new_feed(arena, path, mode == FEED_WRITE);
    if (read_on(arena, feed, mode, options, err)) {
        *out = feed;
        return true;
    }
    feed->writable = false;
    feed_close(feed);
    return false;
}

static bool put_identity(Feed *feed, Err *err)
{
    BUF_SCOPE(body);
    FeedPlace place;

    feed_put_identity(&feed->identity, &body);
    return feed_log_put(feed->log, FEED_IDENTITY, 0, buf_str(&body), &place, err) &&
           feed_batch_commit(feed, FEED_DURABLE, err);
}

bool feed_create(Arena *arena, const char *path, const FeedIdentity *identity, const FeedOptions *options,
                 Feed **out, Err *err)
{
    if (os_mkdir(path, 0700) < 0)
        return err_sys(err, errno == EEXIST ? ERR_CONFLICT : ERR_IO, "cannot make a feed in '%s'", path);
    Feed *feed = new_feed(arena, path, true);
    FeedState none;

    feed->state = (FeedState){.identity = *identity, .applied = FEED_PLACE_FIRST};
    feed->log = feed_log_new(arena, feed->path, options ? options->segment_bytes : 0, FEED_PLACE_FIRST, 0);
    feed_batch_begin(feed);
    if ((feed_head_open(feed->head, true, &none, err) || err->code == ERR_NOT_FOUND) &&
        put_identity(feed, err)) {
        feed->writable = true;
        *out = feed;
        return true;
    }
    Err ignored = {0};
    feed_close(feed);
    (void)!os_remove_tree(path, &ignored);
    return false;
}

const FeedState *feed_state(const Feed *feed)
{
    return &feed->state;
}

/* ---- appending ---- */

static bool may_append(const Feed *feed, const SignPair *pair, Err *err)
{
    if (!feed->writable)
        return err_set(err, ERR_USAGE, "the feed in '%s' is open for reading only", feed->path);
    if (memcmp(pair->public_key, feed->state.identity.signer, SIGN_PUBLIC_BYTES) != 0)
        return err_set(err, ERR_USAGE, "the key given is not that of the feed's signer");
    return true;
}

/* Signs the head that the batch makes, and ends it. */
static bool sign_and_commit(Feed *feed, const SignPair *pair, FeedCare care, Err *err)
{
    FeedHead head = {.length = feed->roots.length, .fork = feed->fork};
    BUF_SCOPE(signature);

    tree_hash(feed->roots.at, feed->roots.count, head.hash);
    feed_sign(&feed->state.identity, pair, &head, &signature);
    feed_batch_sign(feed, buf_str(&signature));
    return feed_batch_commit(feed, care, err);
}

bool feed_append(Feed *feed, const SignPair *pair, const Str *blocks, size_t count, FeedCare care, Err *err)
{
    if (!may_append(feed, pair, err))
        return false;
    if (feed->frozen) {
        (void)err_set(err, ERR_CONFLICT, "the feed has forked, so nothing is appended to it");
        return err_hint(err, "`strata feed forks` shows the proof; truncating it, or a new feed, goes on");
    }
    if (count == 0)
        return true;
    feed_batch_begin(feed);
    for (size_t i = 0; i < count; i++) {
        FeedPlace place;

        if (!feed_log_put(feed->log, FEED_BLOCK, feed->roots.length, blocks[i], &place, err) ||
            !feed_batch_grow(feed, blocks[i], place, err) || !fault_pass(FAULT_feed_block_put, err)) {
            feed_batch_undo(feed);
            return false;
        }
    }
    return sign_and_commit(feed, pair, care, err);
}

bool feed_truncate(Feed *feed, const SignPair *pair, uint64_t length, FeedCare care, Err *err)
{
    BUF_SCOPE(body);
    FeedPlace place;

    if (!may_append(feed, pair, err))
        return false;
    if (length > feed->state.roots.length)
        return err_set(err, ERR_USAGE, "the feed has %llu blocks and cannot be truncated to %llu",
                       (unsigned long long)feed->state.roots.length, (unsigned long long)length);
    feed_batch_begin(feed);
    bytes_put(&body, length, 8);
    bytes_put(&body, feed->state.fork + 1, 8);
    if (!feed_batch_shrink(feed, length, feed->state.fork + 1, err) ||
        !feed_log_put(feed->log, FEED_TRUNCATE, 0, buf_str(&body), &place, err) ||
        !fault_pass(FAULT_feed_truncate_put, err)) {
        feed_batch_undo(feed);
        return false;
    }
    if (!sign_and_commit(feed, pair, care, err))
        return false;
    feed->frozen = false; /* what is proven is of the fork before */
    return true;
}

bool feed_sync(Feed *feed, Err *err)
{
    return feed_log_sync(feed->log, err) && feed_write_derived(feed, true, err);
}
