/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup becomes a feed: first its head, whose roots are signed; then block by block, hashed up to these roots. The feed is made aside
 * and gets its place when all of it was right.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/os.h"
#include "crypto/hash.h"
#include "feed/backup_inside.h"
#include "feed/feed_inside.h"
#include "feed/store_inside.h"

enum {
    NODE_BYTES = 16 + TREE_HASH_BYTES,
    BATCH_BLOCKS = 16384,
    BATCH_BYTES = 4 * 1024 * 1024,
};

struct BackupIn {
    int fd;
    Buf bytes; /* read; those before `used` are taken */
    size_t used;
    Hash hash; /* of what is taken */
    FeedState state;
    BackupNote note;

    /* while it is restored */
    Feed *feed;
    const BackupGo *go;
    uint64_t blocks;   /* so far */
    uint64_t in_batch; /* bytes */
    Buf nodes;         /* of the batch, as the log has them */
};

static void release(void *what)
{
    BackupIn *in = what;

    buf_release(&in->bytes);
    buf_release(&in->nodes);
    hash_release(&in->hash);
}

/* ---- bytes ---- */

static bool is_damaged(Err *err)
{
    return err_set(err, ERR_CORRUPT, "the backup is damaged");
}

/* At least so many bytes behind those that are taken. */
static bool fill(BackupIn *in, size_t len, Err *err)
{
    if (in->bytes.len - in->used >= len)
        return true;
    buf_consume(&in->bytes, in->used);
    in->used = 0;
    while (in->bytes.len < len) {
        ssize_t n = os_read(in->fd, buf_reserve(&in->bytes, BACKUP_PIECE), BACKUP_PIECE);

        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read the backup");
        if (n == 0)
            return err_set(err, ERR_CORRUPT, "the backup is cut off");
        in->bytes.len += (size_t)n;
    }
    return true;
}

/* The next bytes; valid until the next call. */
static bool take(BackupIn *in, size_t len, Str *out, Err *err)
{
    if (!fill(in, len, err))
        return false;
    *out = str_sub(buf_str(&in->bytes), in->used, in->used + len);
    in->used += len;
    hash_add(&in->hash, *out);
    return true;
}

static bool take_number(BackupIn *in, int len, uint64_t *out, Err *err)
{
    Str bytes = {0};

    if (!take(in, (size_t)len, &bytes, err))
        return false;
    *out = bytes_get(bytes.ptr, len);
    return true;
}

static bool take_into(BackupIn *in, void *to, size_t len, Err *err)
{
    Str bytes = {0};

    if (!take(in, len, &bytes, err))
        return false;
    memcpy(to, bytes.ptr, len);
    return true;
}

static bool take_text(BackupIn *in, size_t most, Str *out, Err *err)
{
    uint64_t len = 0;

    if (!take_number(in, 4, &len, err))
        return false;
    return len > most ? is_damaged(err) : take(in, (size_t)len, out, err);
}

static bool take_node(BackupIn *in, TreeNode *out, Err *err)
{
    Str bytes = {0};

    if (!take(in, NODE_BYTES, &bytes, err))
        return false;
    out->index = bytes_get(bytes.ptr, 8);
    out->size = bytes_get(bytes.ptr + 8, 8);
    memcpy(out->hash, bytes.ptr + 16, TREE_HASH_BYTES);
    return true;
}

/* ---- the head ---- */

static bool take_start(BackupIn *in, Err *err)
{
    char magic[sizeof BACKUP_MAGIC - 1] = {0};
    uint64_t version = 0, flags = 0;
    Err why = {0};

    if (!take_into(in, magic, sizeof magic, &why) || memcmp(magic, BACKUP_MAGIC, sizeof magic) != 0) {
        if (why.code == ERR_IO) {
            *err = why;
            return false;
        }
        return err_set(err, ERR_CORRUPT, "it is not a backup of a feed");
    }
    if (!take_number(in, 4, &version, err))
        return false;
    if (version != BACKUP_VERSION)
        return err_set(err, ERR_LIMIT, "the backup is of version %llu, which this program does not know",
                       (unsigned long long)version);
    if (!take_number(in, 4, &flags, err))
        return false;
    if (flags & ~(uint64_t)BACKUP_FLAGS)
        return err_set(err, ERR_LIMIT, "the backup has something that this program does not know");
    in->note.encrypted = flags & BACKUP_ENCRYPTED;
    in->state.identity.compat = flags & BACKUP_COMPAT;
    in->state.identity.anonymous = flags & BACKUP_ANONYMOUS;
    return true;
}

static bool take_note(BackupIn *in, Arena *arena, Err *err)
{
    uint64_t created = 0;
    Str text = {0};

    if (!take_number(in, 8, &created, err) || !take_text(in, KEY_NAME_MAX, &text, err))
        return false;
    in->note.created = (Instant)created;
    in->note.name = str_copy(arena, text);
    if (!take_text(in, KEYFILE_MAX, &text, err))
        return false;
    in->note.sealed = str_copy(arena, text);
    if (!in->note.encrypted)
        return true;
    if (!take_text(in, KEYFILE_MAX, &text, err))
        return false;
    in->note.reading = str_copy(arena, text);
    return true;
}

static bool take_roots(BackupIn *in, Err *err)
{
    TreeRoots *roots = &in->state.roots;
    uint64_t numbers[TREE_ROOTS_MAX], count = 0;

    if (roots->length > TREE_LENGTH_MAX || in->state.held > roots->length)
        return is_damaged(err);
    roots->count = tree_root_numbers(roots->length, numbers);
    if (!take_number(in, 4, &count, err))
        return false;
    if (count != roots->count)
        return is_damaged(err);
    for (size_t i = 0; i < roots->count; i++) {
        if (!take_node(in, &roots->at[i], err))
            return false;
        if (roots->at[i].index != numbers[i] ||
            __builtin_add_overflow(roots->bytes, roots->at[i].size, &roots->bytes))
            return is_damaged(err);
    }
    return true;
}

static bool check_signature(const BackupIn *in, Err *err)
{
    const FeedState *state = &in->state;
    FeedHead head = {.length = state->roots.length, .fork = state->fork};

    tree_hash(state->roots.at, state->roots.count, head.hash);
    return (head.length == 0 && state->signature_len == 0) ||
           feed_signed(&state->identity, &head,
                       (Str){(const char *)state->signature, state->signature_len}) ||
           err_set(err, ERR_CORRUPT, "the head in the backup is not signed by the feed's signer");
}

static bool take_head(BackupIn *in, Arena *arena, Err *err)
{
    FeedState *state = &in->state;
    FeedIdentity *identity = &state->identity;
    Str signature = {0};

    if (!take_start(in, err) || !take_into(in, identity->key, FEED_KEY_BYTES, err) ||
        !take_into(in, identity->signer, SIGN_PUBLIC_BYTES, err) ||
        !take_into(in, identity->space, FEED_KEY_BYTES, err) || !take_number(in, 8, &state->fork, err) ||
        !take_number(in, 8, &state->roots.length, err) || !take_number(in, 8, &state->held, err) ||
        !take_note(in, arena, err) || !take_text(in, FEED_SIGNATURE_MAX, &signature, err))
        return false;
    state->signature_len = signature.len;
    if (signature.len > 0)
        memcpy(state->signature, signature.ptr, signature.len);
    return take_roots(in, err) && check_signature(in, err);
}

bool backup_open(Arena *arena, int fd, BackupIn **out, Err *err)
{
    BackupIn *in = arena_new(arena, BackupIn, 1);

    in->fd = fd;
    hash_begin(&in->hash, HASH_SHA256);
    arena_defer(arena, release, in);
    if (!take_head(in, arena, err))
        return false;
    *out = in;
    return true;
}

const FeedState *backup_state(const BackupIn *in)
{
    return &in->state;
}

const BackupNote *backup_note(const BackupIn *in)
{
    return &in->note;
}

/* ---- blocks ---- */

static bool put(Feed *feed, FeedRecordType type, const Buf *body, Err *err)
{
    FeedPlace place;

    return feed_log_put(feed->log, type, 0, buf_str(body), &place, err);
}

/* The feed is as long as it will be, and of the right fork; nothing of it is held. */
static bool restore_head(BackupIn *in, Err *err)
{
    Feed *feed = in->feed;
    const FeedState *state = &in->state;
    BUF_SCOPE(fork);
    BUF_SCOPE(roots);

    feed_batch_begin(feed);
    if (state->fork > 0) {
        bytes_put(&fork, 0, 8);
        bytes_put(&fork, state->fork, 8);
        if (!put(feed, FEED_TRUNCATE, &fork, err) || !feed_batch_shrink(feed, 0, state->fork, err))
            return false;
    }
    bytes_put(&roots, state->roots.length, 8);
    for (size_t i = 0; i < state->roots.count; i++) {
        feed_put_node(&state->roots.at[i], &roots);
        if (!feed_batch_learn(feed, &state->roots.at[i], err))
            return false;
    }
    if (!put(feed, FEED_ROOTS, &roots, err))
        return false;
    feed_batch_roots(feed, &state->roots);
    feed_batch_sign(feed, (Str){(const char *)state->signature, state->signature_len});
    return feed_batch_commit(feed, FEED_BUFFERED, err);
}

/* With the hashes of its blocks, from which whoever reads the log again makes the tree above them. */
static bool end_batch(BackupIn *in, Err *err)
{
    if (in->nodes.len > 0 && !put(in->feed, FEED_NODES, &in->nodes, err))
        return false;
    buf_reset(&in->nodes);
    in->in_batch = 0;
    return feed_batch_commit(in->feed, FEED_BUFFERED, err);
}

static bool restore_block(BackupIn *in, uint64_t block, TreeNode *out, Err *err)
{
    uint64_t number = 0;
    FeedPlace place;
    Str bytes = {0};

    if (!take_number(in, 8, &number, err) || !take_text(in, FEED_BLOCK_MAX, &bytes, err))
        return false;
    if (number != block)
        return is_damaged(err);
    if (in->blocks % BACKUP_GO_EVERY == 0 && in->go && !in->go->go(in->go->ctx, in->blocks))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    tree_leaf(block, bytes, out);
    if (!feed_log_put(in->feed->log, FEED_BLOCK, block, bytes, &place, err))
        return false;
    feed_batch_fill(in->feed, out, place);
    feed_put_node(out, &in->nodes);
    in->blocks++;
    in->in_batch += bytes.len;
    return true;
}

/* The next item is below `index`: all of it, or the first of what is there. */
static bool restore_below(BackupIn *in, uint64_t index, TreeNode *out, Err *err);

static bool restore_parent(BackupIn *in, uint64_t index, TreeNode *out, Err *err)
{
    TreeNode left, right;

    if (!restore_below(in, tree_left(index), &left, err) ||
        !restore_below(in, tree_right(index), &right, err))
        return false;
    return tree_join(&left, &right, out) || is_damaged(err);
}

static bool peek(BackupIn *in, BackupItem *type, uint64_t *index, Err *err)
{
    enum { HEAD = 1 + 8 };

    if (!fill(in, HEAD, err))
        return false;
    *type = (BackupItem)(unsigned char)in->bytes.ptr[in->used];
    *index = bytes_get(in->bytes.ptr + in->used + 1, 8);
    if (*type == BACKUP_BLOCK)
        *index *= 2;
    return (*type == BACKUP_BLOCK || *type == BACKUP_NODE) || is_damaged(err);
}

static bool restore_below(BackupIn *in, uint64_t index, TreeNode *out, Err *err)
{
    BackupItem type = BACKUP_END;
    uint64_t next = 0, byte;

    if (!peek(in, &type, &next, err))
        return false;
    if (next != index) {
        if (tree_depth(index) == 0 || !tree_holds(index, next))
            return is_damaged(err);
        if (!restore_parent(in, index, out, err))
            return false;
    } else if (!take_number(in, 1, &byte, err) ||
               !(type == BACKUP_BLOCK ? restore_block(in, index / 2, out, err) : take_node(in, out, err)))
        return false;
    else if (type == BACKUP_NODE)
        feed_put_node(out, &in->nodes);
    feed_nodes_put(in->feed->nodes, out, 0); /* not learnt: none is known before, and to look costs a call */
    return in->nodes.len < (size_t)BATCH_BLOCKS * NODE_BYTES && in->in_batch < BATCH_BYTES
               ? true
               : end_batch(in, err);
}

/* Two files that ran together, or one that was written over a longer one, are not what somebody backed up. */
static bool ends_here(BackupIn *in, Err *err)
{
    char byte;
    ssize_t n = in->used < in->bytes.len ? 1 : os_read(in->fd, &byte, 1);

    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the backup");
    return n == 0 || err_set(err, ERR_CORRUPT, "there is something behind the end of the backup");
}

static bool check_end(BackupIn *in, Err *err)
{
    unsigned char sum[HASH_BYTES_MAX];
    uint64_t end = 0;
    Str bytes = {0};

    if (!take_number(in, 1, &end, err))
        return false;
    size_t len = hash_end(&in->hash, sum);
    hash_begin(&in->hash, HASH_SHA256); /* take() goes on with it */
    if (end != BACKUP_END || !take(in, len, &bytes, err))
        return end == BACKUP_END ? false : is_damaged(err);
    return memcmp(sum, bytes.ptr, len) == 0 ? ends_here(in, err) : is_damaged(err);
}

static bool restore_all(BackupIn *in, Err *err)
{
    const TreeRoots *roots = &in->state.roots;

    if ((roots->length > 0 || in->state.fork > 0) && !restore_head(in, err))
        return false;
    feed_batch_begin(in->feed);
    for (size_t i = 0; i < roots->count; i++) {
        TreeNode real;

        if (!restore_below(in, roots->at[i].index, &real, err))
            return false;
        if (!tree_node_equal(&real, &roots->at[i]))
            return is_damaged(err);
    }
    if (in->blocks != in->state.held)
        return is_damaged(err);
    return check_end(in, err) && (in->nodes.len == 0 || end_batch(in, err)) && feed_sync(in->feed, err);
}

static bool restore_in(FeedStore *store, BackupIn *in, StorePlace *place, Str name, Err *err)
{
    ARENA_SCOPE(scratch);
    MetaFeed about = {
        .name = name, .created = in->note.created, .flags = in->note.encrypted ? META_ENCRYPTED : 0};

    memcpy(about.key, in->state.identity.key, FEED_KEY_BYTES);
    if (!feed_create(&scratch, place->path, &in->state.identity, NULL, &in->feed, err))
        return false;
    bool ok = restore_all(in, err);
    feed_close(in->feed);
    return ok && store_mark(place->path, err) && store_place_take(store, place, &about, err);
}

bool backup_restore(FeedStore *store, BackupIn *in, Str name, const BackupGo *go, Err *err)
{
    ARENA_SCOPE(scratch);
    PLACE_SCOPE(place);

    in->go = go;
    if (store_is_there(store_path(store, &scratch, in->state.identity.key)))
        return err_set(err, ERR_CONFLICT, "the feed is there already");
    return store_name_check(name, err) && store_name_free(store, name, err) &&
           store_place_begin(store, NULL, &scratch, &place, err) && restore_in(store, in, &place, name, err);
}
