/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/os.h"
#include "crypto/hash.h"
#include "feed/backup_inside.h"
#include "feed/feed_inside.h"

typedef struct Writing {
    Feed *feed;
    int fd;
    Buf out;
    Hash hash;
    const BackupGo *go;
    uint64_t blocks; /* so far */
    Buf bytes;       /* of a block */
} Writing;

static bool flush(Writing *w, Err *err)
{
    hash_add(&w->hash, buf_str(&w->out));
    if (!os_write_all(w->fd, buf_str(&w->out), err))
        return err_wrap(err, "cannot write the backup");
    buf_reset(&w->out);
    return true;
}

static void put_text(Buf *out, Str text)
{
    bytes_put(out, text.len, 4);
    buf_put(out, text);
}

static void put_head(Writing *w, const BackupNote *note)
{
    const FeedState *state = &w->feed->state;
    const FeedIdentity *identity = &state->identity;
    Buf *out = &w->out;

    buf_put(out, STR(BACKUP_MAGIC));
    bytes_put(out, BACKUP_VERSION, 4);
    bytes_put(out,
              (identity->compat ? BACKUP_COMPAT : 0) | (identity->anonymous ? BACKUP_ANONYMOUS : 0) |
                  (note->encrypted ? BACKUP_ENCRYPTED : 0),
              4);
    buf_put(out, (Str){(const char *)identity->key, FEED_KEY_BYTES});
    buf_put(out, (Str){(const char *)identity->signer, SIGN_PUBLIC_BYTES});
    buf_put(out, (Str){(const char *)identity->space, FEED_KEY_BYTES});
    bytes_put(out, state->fork, 8);
    bytes_put(out, state->roots.length, 8);
    bytes_put(out, state->held, 8);
    bytes_put(out, (uint64_t)note->created, 8);
    put_text(out, note->name);
    put_text(out, note->sealed);
    if (note->encrypted)
        put_text(out, note->reading);
    put_text(out, (Str){(const char *)state->signature, state->signature_len});
    bytes_put(out, state->roots.count, 4);
    for (size_t i = 0; i < state->roots.count; i++)
        feed_put_node(&state->roots.at[i], out);
}

static bool put_block(Writing *w, uint64_t block, Err *err)
{
    if (w->blocks % BACKUP_GO_EVERY == 0 && w->go && !w->go->go(w->go->ctx, w->blocks))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (!feed_get(w->feed, block, &w->bytes, err))
        return false;
    buf_put_byte(&w->out, BACKUP_BLOCK);
    bytes_put(&w->out, block, 8);
    put_text(&w->out, buf_str(&w->bytes));
    w->blocks++;
    return w->out.len < BACKUP_PIECE || flush(w, err);
}

static bool put_node(Writing *w, uint64_t index, Err *err)
{
    TreeNode node;

    if (!feed_nodes_get(w->feed->nodes, index, &node, NULL, err))
        return false;
    buf_put_byte(&w->out, BACKUP_NODE);
    feed_put_node(&node, &w->out);
    return w->out.len < BACKUP_PIECE || flush(w, err);
}

/* The blocks below a node, from left to right; where none is held, the node for all of them. */
static bool put_below(Writing *w, uint64_t index, bool all, Err *err)
{
    uint64_t first = tree_first(index) / 2, end = tree_last(index) / 2 + 1, held = end - first;

    if (!all && !feed_head_count(w->feed->head, first, end, &held, err))
        return false;
    if (held == 0)
        return put_node(w, index, err);
    if (tree_depth(index) == 0)
        return put_block(w, first, err);
    all = held == end - first;
    return put_below(w, tree_left(index), all, err) && put_below(w, tree_right(index), all, err);
}

static bool write_all(Writing *w, const BackupNote *note, Err *err)
{
    const TreeRoots *roots = &w->feed->state.roots;
    unsigned char sum[HASH_BYTES_MAX];

    hash_begin(&w->hash, HASH_SHA256);
    put_head(w, note);
    for (size_t i = 0; i < roots->count; i++)
        if (!put_below(w, roots->at[i].index, w->feed->state.held == roots->length, err))
            return false;
    buf_put_byte(&w->out, BACKUP_END);
    if (!flush(w, err))
        return false;
    size_t len = hash_end(&w->hash, sum);
    return os_write_all(w->fd, (Str){(const char *)sum, len}, err) ||
           err_wrap(err, "cannot write the backup");
}

bool backup_write(Feed *feed, const BackupNote *note, int fd, const BackupGo *go, Err *err)
{
    Writing w = {.feed = feed, .fd = fd, .go = go};
    bool ok = write_all(&w, note, err);

    buf_release(&w.out);
    buf_release(&w.bytes);
    hash_release(&w.hash);
    return ok;
}
