/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs that stand by themselves: each one is right, and whatever is changed in it, it is refused. */
#include "feed/proof_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/os.h"
#include "test/unit/feed/blocks.h"

static char dir[] = "/tmp/strata-proof-file-XXXXXX";
static SignPair pair;

static Feed *new_feed(Arena *arena, const FeedIdentity *identity, uint64_t length)
{
    Feed *feed = NULL;
    Err err = {0};

    CHECK(feed_create(arena, str_printf(arena, "%s/feed", dir).ptr, identity, NULL, &feed, &err));
    append_blocks(feed, &pair, length, 0);
    return feed;
}

static void end(Feed *feed)
{
    ARENA_SCOPE(arena);
    Err err = {0};

    feed_close(feed);
    CHECK(os_remove_tree(str_printf(&arena, "%s/feed", dir).ptr, &err));
}

static FeedIdentity identity_of(bool compat)
{
    FeedIdentity identity;

    if (compat)
        feed_identity_compat(pair.public_key, &identity);
    else
        feed_identity_new(pair.public_key, &identity);
    return identity;
}

static void check_one(Feed *feed, uint64_t number)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(bytes);
    const FeedState *state = feed_state(feed);
    unsigned char root[TREE_HASH_BYTES];
    ProofFile proof = {0};
    Err err = {0};

    tree_hash(state->roots.at, state->roots.count, root);
    CHECK(proof_file_make(feed, number, &bytes, &err) &&
          proof_file_check(buf_str(&bytes), &arena, &proof, &err));
    CHECK(proof.block == number && str_eq(proof.bytes, block(&arena, number, 0)));
    CHECK(proof.length == state->roots.length && proof.fork == state->fork);
    CHECK(memcmp(proof.key, state->identity.key, sizeof proof.key) == 0 &&
          memcmp(proof.root, root, sizeof root) == 0);
    CHECK(memcmp(proof.signer, pair.public_key, sizeof proof.signer) == 0);
}

static void every_block_is_proven_by_itself(void)
{
    static const uint64_t lengths[] = {1, 2, 3, 7, 64, 101};

    for (int compat = 0; compat < 2; compat++)
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            ARENA_SCOPE(arena);
            FeedIdentity identity = identity_of(compat);
            Feed *feed = new_feed(&arena, &identity, lengths[i]);

            for (uint64_t number = 0; number < lengths[i]; number++)
                check_one(feed, number);
            end(feed);
        }
}

static void a_proof_that_was_changed_or_cut_is_refused(void)
{
    for (int compat = 0; compat < 2; compat++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(bytes);
        FeedIdentity identity = identity_of(compat);
        Feed *feed = new_feed(&arena, &identity, 13);
        ProofFile proof = {0};
        Err err = {0};

        CHECK(proof_file_make(feed, 5, &bytes, &err));
        for (size_t i = 0; i < bytes.len; i++)
            for (int bit = 0; bit < 8; bit++) {
                bytes.ptr[i] = (char)(bytes.ptr[i] ^ 1 << bit);
                CHECK(!proof_file_check(buf_str(&bytes), &arena, &proof, &err) &&
                      (err.code == ERR_CORRUPT || err.code == ERR_LIMIT));
                bytes.ptr[i] = (char)(bytes.ptr[i] ^ 1 << bit);
            }
        for (size_t len = 0; len < bytes.len; len++)
            CHECK(!proof_file_check(str_sub(buf_str(&bytes), 0, len), &arena, &proof, &err) &&
                  err.code == ERR_CORRUPT);
        buf_put_byte(&bytes, 0);
        CHECK(!proof_file_check(buf_str(&bytes), &arena, &proof, &err) && err.code == ERR_CORRUPT);
        end(feed);
    }
}

static void what_is_not_here_or_damaged_is_not_proven(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(bytes);
    FeedIdentity identity = identity_of(false);
    Feed *feed = new_feed(&arena, &identity, 8);
    uint64_t cleared;
    unsigned char hash[2][TREE_HASH_BYTES] = {{0}, {1}}; /* not known; another one */
    FD_SCOPE(fd);
    Err err = {0};

    CHECK(!proof_file_make(feed, 8, &bytes, &err) && err.code == ERR_NOT_FOUND);
    CHECK(feed_clear(feed, 3, 4, &cleared, &err));
    CHECK(!proof_file_make(feed, 3, &bytes, &err) && err.code == ERR_NOT_FOUND);
    CHECK(feed_sync(feed, &err));
    feed_close(feed);
    fd = os_open(str_printf(&arena, "%s/feed/tree", dir).ptr, O_RDWR, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(pwrite(fd, hash[i], sizeof hash[i], 48 * 5 + 16) ==
              sizeof hash[i]); /* node 5, beside blocks 0 and 1 */
        CHECK(feed_open(&arena, str_printf(&arena, "%s/feed", dir).ptr, FEED_READ, NULL, &feed, &err));
        CHECK(!proof_file_make(feed, 0, &bytes, &err) && err.code == ERR_CORRUPT && bytes.len == 0);
        feed_close(feed);
    }
    CHECK(feed_open(&arena, str_printf(&arena, "%s/feed", dir).ptr, FEED_READ, NULL, &feed, &err));
    end(feed);
}

int main(void)
{
    sign_pair_from_seed((const unsigned char *)"strata: the seed of a feed test.", &pair);
    CHECK(mkdtemp(dir) != NULL);
    RUN(every_block_is_proven_by_itself);
    RUN(a_proof_that_was_changed_or_cut_is_refused);
    RUN(what_is_not_here_or_damaged_is_not_proven);
    (void)rmdir(dir);
    DONE();
}
