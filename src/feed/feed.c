/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/os.h"
#include "feed/bytes.h"
#include "feed/nodes.h"

enum {
    WAITING_MAX = 16384, /* nodes in memory before tree and head are written */
};

struct Feed {
    const char *path;
    FeedState state;
    FeedHeadFile *head;
    FeedLog *log;
    FeedNodes *nodes;
    bool writable;
    bool behind; /* tree and head do not have all of the log */

    /* the batch in hand, of an append or of the log that is read again */
    TreeRoots roots;
    uint64_t fork;
    uint64_t lost; /* blocks held that a truncation takes away */
    Buf made;      /* of Made, since the last commit */
};

/* A node that comes into being with the batch. */
typedef struct Made {
    TreeNode node;
    FeedPlace place;
} Made;

/* ---- batches ---- */

static void begin(Feed *feed)
{
    feed->roots = feed->state.roots;
    feed->fork = feed->state.fork;
    buf_reset(&feed->made);
}

/* The next block of the batch, which is at `place`. */
static bool grow(Feed *feed, Str bytes, FeedPlace place, Err *err)
{
    TreeNode leaf, made[TREE_DEPTH_MAX + 1];

    tree_leaf(feed->roots.length, bytes, &leaf);
    size_t count = tree_add(&feed->roots, &leaf, made);
    if (count == 0)
        return err_set(err, ERR_LIMIT, "the feed is full");
    for (size_t i = 0; i < count; i++) {
        Made one = {made[i], i == 0 ? place : 0};

        buf_put(&feed->made, (Str){(const char *)&one, sizeof one});
    }
    return true;
}

/* The batch is a truncation. */
static bool shrink(Feed *feed, uint64_t length, uint64_t fork, Err *err)
{
    uint64_t numbers[TREE_ROOTS_MAX];
    TreeRoots roots = {.count = tree_root_numbers(length, numbers), .length = length};

    for (size_t i = 0; i < roots.count; i++) {
        if (!feed_nodes_get(feed->nodes, numbers[i], &roots.at[i], NULL, err))
            return false;
        roots.bytes += roots.at[i].size;
    }
    if (!feed_head_count(feed->head, length, feed->roots.length, &feed->lost, err))
        return false;
    feed->roots = roots;
    feed->fork = fork;
    return true;
}

/* The batch counts. */
static void settle(Feed *feed, Str signature)
{
    const Made *made = (const Made *)(const void *)feed->made.ptr;
    uint64_t before = feed->state.roots.length, after = feed->roots.length;

    if (after < before) {
        feed_nodes_truncate(feed->nodes, after);
        feed_head_mark(feed->head, after, before - after, false);
        feed->state.held -= feed->lost;
    }
    for (size_t i = 0; i < feed->made.len / sizeof *made; i++)
        feed_nodes_put(feed->nodes, &made[i].node, made[i].place);
    if (after > before) {
        feed_head_mark(feed->head, before, after - before, true);
        feed->state.held += after - before;
    }
    feed->state.roots = feed->roots;
    feed->state.fork = feed->fork;
    if (signature.len > 0)
        memcpy(feed->state.signature, signature.ptr, signature.len);
    feed->state.signature_len = signature.len;
    feed->state.applied = feed_log_end(feed->log);
    feed->state.chain = feed_log_chain(feed->log);
    feed->behind = true;
    begin(feed);
}

/* Tree, then head: the head says how far the tree is. */
static bool write_derived(Feed *feed, bool sync, Err *err)
{
    if (!feed_nodes_flush(feed->nodes, sync, err) || !feed_head_flush(feed->head, &feed->state, sync, err))
        return false;
    feed->behind = false;
    return true;
}

/* ---- the log, read again ---- */

static bool is_odd(const Feed *feed, Err *err)
{
    return err_set(err, ERR_CORRUPT, "the log in '%s' says what cannot be", feed->path);
}

static bool take_identity(Feed *feed, Str body, Err *err)
{
    FeedIdentity *identity = &feed->state.identity;
    enum { LEN = 4 + 3 * FEED_KEY_BYTES };

    if (body.len != LEN)
        return is_odd(feed, err);
    identity->compat = bytes_get(body.ptr, 4) & 1;
    const char *keys = body.ptr + 4;
    memcpy(identity->key, keys, FEED_KEY_BYTES);
    memcpy(identity->signer, keys += FEED_KEY_BYTES, SIGN_PUBLIC_BYTES);
    memcpy(identity->space, keys += SIGN_PUBLIC_BYTES, FEED_KEY_BYTES);
    return true;
}

/* The commit has to be of the tree that the blocks before it make. */
static bool take_commit(Feed *feed, Str body, Err *err)
{
    unsigned char hash[TREE_HASH_BYTES];
    enum { FIXED = 3 * 8 + TREE_HASH_BYTES + 4 };

    if (body.len < FIXED || body.len - FIXED > FEED_SIGNATURE_MAX ||
        bytes_get(body.ptr + FIXED - 4, 4) != body.len - FIXED)
        return is_odd(feed, err);
    tree_hash(feed->roots.at, feed->roots.count, hash);
    if (bytes_get(body.ptr, 8) != feed->roots.length || bytes_get(body.ptr + 8, 8) != feed->fork ||
        bytes_get(body.ptr + 16, 8) != feed->roots.bytes || memcmp(body.ptr + 24, hash, sizeof hash) != 0)
        return is_odd(feed, err);
    settle(feed, str_sub(body, FIXED, body.len));
    return true;
}

static bool take_record(void *feed_v, const FeedRecord *record, Err *err)
{
    Feed *feed = feed_v;

    switch (record->type) {
    case FEED_IDENTITY:
        return take_identity(feed, record->body, err);
    case FEED_BLOCK:
        if (record->body.len < 8 || bytes_get(record->body.ptr, 8) != feed->roots.length)
            return is_odd(feed, err);
        return grow(feed, str_sub(record->body, 8, record->body.len), record->place, err);
    case FEED_TRUNCATE:
        if (record->body.len != 16 || feed->made.len > 0 ||
            bytes_get(record->body.ptr, 8) > feed->roots.length)
            return is_odd(feed, err);
        return shrink(feed, bytes_get(record->body.ptr, 8), bytes_get(record->body.ptr + 8, 8), err);
    case FEED_COMMIT:
        return take_commit(feed, record->body, err);
    default:
        return is_odd(feed, err);
    }
}

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
        (void)!write_derived(feed, false, &ignored); /* the next opening does it otherwise */
    if (feed->log)
        feed_log_close(feed->log);
    feed_nodes_close(feed->nodes);
    feed_head_close(feed->head);
    buf_release(&feed->made);
}

static bool read_on(Arena *arena, Feed *feed, FeedMode mode, const FeedOptions *options, Err *err)
{
    if (!feed_head_open(feed->head, mode == FEED_WRITE, &feed->state, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        feed->state = (FeedState){.applied = FEED_PLACE_FIRST};
    }
    feed->log = feed_log_new(arena, feed->path, options ? options->segment_bytes : 0, feed->state.applied,
                             feed->state.chain);
    begin(feed);
    if (!feed_log_scan(feed->log, take_record, feed, err))
        return false;
    begin(feed); /* what came behind the last commit does not count */
    if (feed_log_end(feed->log) == FEED_PLACE_FIRST)
        return err_set(err, ERR_NOT_FOUND, "there is no feed in '%s'", feed->path);
    if (mode == FEED_READ)
        return true;
    feed->writable = true;
    return feed_log_cut(feed->log, err) && (!feed->behind || write_derived(feed, false, err));
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

static void put_commit(const Feed *feed, const unsigned char hash[TREE_HASH_BYTES], Str signature, Buf *out)
{
    bytes_put(out, feed->roots.length, 8);
    bytes_put(out, feed->fork, 8);
    bytes_put(out, feed->roots.bytes, 8);
    buf_put(out, (Str){(const char *)hash, TREE_HASH_BYTES});
    bytes_put(out, signature.len, 4);
    buf_put(out, signature);
}

/* Ends the batch: in the log, and so in all. */
static bool commit(Feed *feed, Str signature, FeedCare care, Err *err)
{
    BUF_SCOPE(body);
    unsigned char hash[TREE_HASH_BYTES];
    bool rotated;
    Err later = {0};

    tree_hash(feed->roots.at, feed->roots.count, hash);
    put_commit(feed, hash, signature, &body);
    if (!feed_log_commit(feed->log, buf_str(&body), care == FEED_DURABLE, &rotated, err))
        return false;
    settle(feed, signature);
    /* The batch counts already; what cannot be written now is made from the log later. */
    if (rotated || feed_nodes_waiting(feed->nodes) > WAITING_MAX)
        (void)!write_derived(feed, rotated, &later);
    return true;
}

static bool put_identity(Feed *feed, Err *err)
{
    const FeedIdentity *identity = &feed->state.identity;
    BUF_SCOPE(body);
    FeedPlace place;

    bytes_put(&body, identity->compat, 4);
    buf_put(&body, (Str){(const char *)identity->key, FEED_KEY_BYTES});
    buf_put(&body, (Str){(const char *)identity->signer, SIGN_PUBLIC_BYTES});
    buf_put(&body, (Str){(const char *)identity->space, FEED_KEY_BYTES});
    return feed_log_put(feed->log, FEED_IDENTITY, 0, buf_str(&body), &place, err) &&
           commit(feed, (Str){0}, FEED_DURABLE, err);
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
    begin(feed);
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
    return commit(feed, buf_str(&signature), care, err);
}

bool feed_append(Feed *feed, const SignPair *pair, const Str *blocks, size_t count, FeedCare care, Err *err)
{
    if (!may_append(feed, pair, err))
        return false;
    begin(feed);
    for (size_t i = 0; i < count; i++) {
        FeedPlace place;

        if (!feed_log_put(feed->log, FEED_BLOCK, feed->roots.length, blocks[i], &place, err))
            return false;
        if (!grow(feed, blocks[i], place, err)) {
            feed_log_undo(feed->log);
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
    begin(feed);
    bytes_put(&body, length, 8);
    bytes_put(&body, feed->state.fork + 1, 8);
    return shrink(feed, length, feed->state.fork + 1, err) &&
           feed_log_put(feed->log, FEED_TRUNCATE, 0, buf_str(&body), &place, err) &&
           sign_and_commit(feed, pair, care, err);
}

bool feed_sync(Feed *feed, Err *err)
{
    return feed_log_sync(feed->log, err) && write_derived(feed, true, err);
}

/* ---- reading ---- */

bool feed_get(Feed *feed, uint64_t block, Buf *out, Err *err)
{
    TreeNode known, real;
    FeedPlace place = 0;

    if (block >= feed->state.roots.length)
        return err_set(err, ERR_NOT_FOUND, "the feed has %llu blocks, none with number %llu",
                       (unsigned long long)feed->state.roots.length, (unsigned long long)block);
    if (!feed_nodes_get(feed->nodes, 2 * block, &known, &place, err) && err->code != ERR_NOT_FOUND)
        return false;
    if (place == 0)
        return err_set(err, ERR_NOT_FOUND, "block %llu is not held here", (unsigned long long)block);
    if (!feed_log_read(feed->log, place, FEED_BLOCK, out, err))
        return false;
    buf_consume(out, 8);
    tree_leaf(block, buf_str(out), &real);
    return tree_node_equal(&known, &real) ||
           err_set(err, ERR_CORRUPT, "block %llu is not what was appended", (unsigned long long)block);
}

static bool check_head(const Feed *feed, Err *err)
{
    const FeedState *state = &feed->state;
    FeedHead head = {.length = state->roots.length, .fork = state->fork};

    tree_hash(state->roots.at, state->roots.count, head.hash);
    return (state->signature_len == 0 && state->roots.length == 0 && state->fork == 0) ||
           feed_signed(&state->identity, &head,
                       (Str){(const char *)state->signature, state->signature_len}) ||
           err_set(err, ERR_CORRUPT, "the head of the feed is not signed by its signer");
}

bool feed_verify(Feed *feed, uint64_t *first_bad, Err *err)
{
    TreeRoots roots = {0};
    BUF_SCOPE(bytes);

    for (*first_bad = 0; *first_bad < feed->state.roots.length; ++*first_bad) {
        TreeNode leaf;

        if (!feed_get(feed, *first_bad, &bytes, err))
            return false;
        tree_leaf(*first_bad, buf_str(&bytes), &leaf);
        (void)tree_add(&roots, &leaf, NULL);
    }
    for (size_t i = 0; i < roots.count; i++)
        if (!tree_node_equal(&roots.at[i], &feed->state.roots.at[i]))
            return err_set(err, ERR_CORRUPT, "the tree of the feed is not that of its blocks");
    return check_head(feed, err);
}
