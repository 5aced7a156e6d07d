/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/proof_file.h"

#include <string.h>

#include "base/bytes.h"
#include "feed/alpha.h"

static const char magic[8] = {'S', 'T', 'R', 'F', 'E', 'E', 'D', 'P'};

enum { VERSION = 1, KEY_AT = sizeof magic + 4, LEN_AT = KEY_AT + FEED_KEY_BYTES, HEAD_BYTES = LEN_AT + 4 };

static void put(const unsigned char key[FEED_KEY_BYTES], const FeedProof *proof, Buf *out)
{
    AlphaData data = {.proof = *proof};
    BUF_SCOPE(bytes);

    alpha_put_data(&bytes, &data);
    buf_put(out, (Str){magic, sizeof magic});
    bytes_put(out, VERSION, 4);
    buf_put(out, (Str){(const char *)key, FEED_KEY_BYTES});
    bytes_put(out, bytes.len, 4);
    buf_put(out, buf_str(&bytes));
}

static bool is_damaged(uint64_t block, Err *err)
{
    (void)err_set(err, ERR_CORRUPT, "block %llu cannot be proven: the tree of the feed is damaged",
                  (unsigned long long)block);
    return err_hint(err, "strata feed verify says where, and what helps");
}

/* Why there is no proof: of a block that is held all nodes are known. */
static bool not_made(Feed *feed, uint64_t block, const Err *why, Err *err)
{
    bool held;

    if (why->code == ERR_NOT_FOUND && !feed_holds(feed, block, &held, err))
        return false;
    if (why->code == ERR_NOT_FOUND && held)
        return is_damaged(block, err);
    *err = *why;
    return false;
}

/* What a damaged tree proves is wrong: so it is checked here before anybody else does. */
bool proof_file_make(Feed *feed, uint64_t block, Buf *out, Err *err)
{
    ARENA_SCOPE(arena);
    const FeedState *state = feed_state(feed);
    FeedRequest request = {.fork = state->fork,
                           .part = FEED_PART_BLOCK,
                           .index = block,
                           .upgrade = true,
                           .length = state->roots.length,
                           .manifest = true};
    FeedProof proof;
    FeedIdentity signer;
    TreeRoots head;
    Err why = {0};

    if (block >= state->roots.length)
        return err_set(err, ERR_NOT_FOUND, "the feed has %llu blocks: there is no block %llu",
                       (unsigned long long)state->roots.length, (unsigned long long)block);
    if (!feed_prove(feed, &arena, &request, &proof, &why))
        return not_made(feed, block, &why, err);
    if (!feed_check_block(&state->identity, &proof, &head, &signer, &why))
        return is_damaged(block, err);
    put(state->identity.key, &proof, out);
    return true;
}

/* There is one way to write a proof: nothing in it may be what nobody looks at. */
static bool is_as_written(const AlphaData *data, Str message)
{
    AlphaData written = {.proof = data->proof};
    BUF_SCOPE(bytes);

    alpha_put_data(&bytes, &written);
    return str_eq(buf_str(&bytes), message);
}

static bool is_none(Err *err)
{
    return err_set(err, ERR_CORRUPT, "it is no proof of a block, or not all of one");
}

bool proof_file_check(Str bytes, Arena *arena, ProofFile *out, Err *err)
{
    FeedIdentity identity, signer;
    unsigned char key[FEED_KEY_BYTES];
    AlphaData data;
    TreeRoots head;
    Err why = {0};

    if (bytes.len < HEAD_BYTES || memcmp(bytes.ptr, magic, sizeof magic) != 0)
        return is_none(err);
    if (bytes_get(bytes.ptr + sizeof magic, 4) != VERSION)
        return err_set(err, ERR_LIMIT, "the proof is of version %llu; this program knows version %d",
                       (unsigned long long)bytes_get(bytes.ptr + sizeof magic, 4), VERSION);
    Str message = str_sub(bytes, HEAD_BYTES, bytes.len);
    memcpy(key, bytes.ptr + KEY_AT, sizeof key);
    feed_identity_of_key(key, &identity);
    if (bytes_get(bytes.ptr + LEN_AT, 4) != message.len || !alpha_get_data(message, arena, &data, &why) ||
        !is_as_written(&data, message))
        return is_none(err);
    if (!feed_check_block(&identity, &data.proof, &head, &signer, err))
        return false;
    *out = (ProofFile){
        .block = data.proof.index, .bytes = data.proof.value, .fork = data.proof.fork, .length = head.length};
    memcpy(out->key, key, sizeof key);
    memcpy(out->signer, signer.signer, sizeof out->signer);
    tree_hash(head.at, head.count, out->root);
    return true;
}
