/* SPDX-License-Identifier: Apache-2.0 */
/* A copy beside the feed that it is of: whatever is asked in whatever order, the copy is a part of the feed, and never anything else. */
#include "feed/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/unit/feed/blocks.h"

enum { SEGMENT = 3000, BLOCKS_MAX = 700 };

static char dir[] = "/tmp/strata-proof-XXXXXX", writer_path[64], copy_path[64];
static const FeedOptions options = {.segment_bytes = SEGMENT};
static SignPair pair;
static FeedIdentity identity;
static void clean(void)
{
    Err err = {0};

    CHECK(os_remove_tree(writer_path, &err) && os_remove_tree(copy_path, &err));
}

static void grow(Feed *feed, uint64_t count)
{
    append_blocks(feed, &pair, count, feed_state(feed)->fork);
}

static Feed *new_writer(Arena *arena, uint64_t length)
{
    Feed *feed = NULL;
    Err err = {0};

    CHECK(feed_create(arena, writer_path, &identity, &options, &feed, &err));
    grow(feed, length);
    return feed;
}

static Feed *new_copy(Arena *arena)
{
    FeedIdentity who;
    Feed *feed = NULL;
    Err err = {0};

    feed_identity_of_key(identity.key, &who);
    CHECK(feed_create(arena, copy_path, &who, &options, &feed, &err));
    return feed;
}

/* Asks the one and tells the other. */
static bool pass(Feed *from, Feed *to, const FeedRequest *request, FeedTaken *taken, Err *err)
{
    ARENA_SCOPE(arena);
    FeedProof proof;

    return feed_prove(from, &arena, request, &proof, err) && feed_take(to, &proof, taken, err);
}

static FeedRequest block_request(Feed *copy, uint64_t number)
{
    FeedRequest request = {.fork = feed_state(copy)->fork, .part = FEED_PART_BLOCK, .index = number};
    Err err = {0};

    CHECK(feed_missing_nodes(copy, 2 * number, &request.nodes, &err));
    return request;
}

/* The blocks that the copy holds are the feed's, and those that it should. */
static bool is_part(Feed *copy, Feed *feed, const bool *held)
{
    BUF_SCOPE(one);
    BUF_SCOPE(other);
    uint64_t count = 0, first_bad;
    Err err = {0};

    for (uint64_t i = 0; i < feed_state(copy)->roots.length; i++) {
        bool has = false;

        if (!feed_holds(copy, i, &has, &err) || has != held[i])
            return false;
        if (!has)
            continue;
        count++;
        if (!feed_get(copy, i, &one, &err) || !feed_get(feed, i, &other, &err) ||
            !str_eq(buf_str(&one), buf_str(&other)))
            return false;
    }
    bool ok = feed_state(copy)->held == count && feed_verify(copy, NULL, &first_bad, &err);
    if (!ok)
        printf("# held %llu, counted %llu: %s\n", (unsigned long long)feed_state(copy)->held,
               (unsigned long long)count, err.text);
    return ok;
}

static Feed *reopen(Arena *arena, Feed *copy, bool forget)
{
    static const char *const derived[] = {"tree", "head"};
    Feed *again = NULL;
    Err err = {0};

    feed_close(copy);
    for (int i = 0; forget && i < 2; i++)
        CHECK(unlink(str_printf(arena, "%s/%s", copy_path, derived[i]).ptr) == 0);
    CHECK(feed_open(arena, copy_path, FEED_WRITE, &options, &again, &err));
    return again;
}

/* One random request that the copy could make, and what came of it. */
static void ask_at_random(Feed *feed, Feed *copy, bool *held)
{
    uint64_t have = feed_state(copy)->roots.length, all = feed_state(feed)->roots.length;
    FeedRequest request = {.fork = feed_state(feed)->fork, .manifest = have == 0};
    FeedTaken taken = {0};
    Err err = {0};

    if (have < all &&
        chance(4) == 0) { /* an upgrade, perhaps of a part, perhaps with a block of the new or the old part */
        request.upgrade = true;
        request.start = have;
        request.length = 1 + chance(all - have);
        if (chance(2)) {
            request.part = FEED_PART_BLOCK;
            request.index = chance(have + request.length);
            if (request.index < have)
                CHECK(feed_missing_nodes(copy, 2 * request.index, &request.nodes, &err));
        }
    } else if (have > 0) {
        request = block_request(copy, chance(have));
        if (chance(5) == 0) { /* only a node: the leaf, or one above it */
            request.part = FEED_PART_HASH;
            request.index *= 2;
        }
    } else {
        return;
    }
    CHECK(pass(feed, copy, &request, &taken, &err));
    if (err.code)
        printf("# %s\n", err.text);
    CHECK(taken.upgraded == request.upgrade);
    if (request.part == FEED_PART_BLOCK) {
        CHECK(taken.block == !held[request.index]);
        held[request.index] = true;
    }
}

static void a_copy_filled_in_any_order_is_a_part_of_the_feed(void)
{
    for (int round = 0; round < 12; round++) {
        ARENA_SCOPE(arena);
        bool held[BLOCKS_MAX] = {0};
        Feed *feed = new_writer(&arena, chance(90)), *copy = new_copy(&arena);
        Err err = {0};

        for (int step = 0; step < 250; step++) {
            if (chance(20) == 0 && feed_state(feed)->roots.length < BLOCKS_MAX - 40)
                grow(feed, chance(40));
            ask_at_random(feed, copy, held);
            if (chance(7) == 0)
                CHECK(feed_keep(copy, chance(2) ? FEED_DURABLE : FEED_BUFFERED, &err));
            if (chance(60) == 0) {
                CHECK(feed_keep(copy, FEED_BUFFERED, &err));
                copy = reopen(&arena, copy, chance(2));
                CHECK(is_part(copy, feed, held));
            }
        }
        CHECK(feed_keep(copy, FEED_BUFFERED, &err) && is_part(copy, feed, held));
        feed_close(feed);
        feed_close(copy);
        clean();
    }
}

/* ---- another fork ---- */

static void a_copy_follows_to_another_fork_and_keeps_what_is_the_same(void)
{
    for (uint64_t length = 1; length < 60; length += 3)
        for (uint64_t kept = 0; kept < length; kept += 1 + length / 7) {
            ARENA_SCOPE(arena);
            bool held[BLOCKS_MAX] = {0};
            Feed *feed = new_writer(&arena, length), *copy = new_copy(&arena);
            uint64_t more = kept % 3 == 1 ? 0 : 5; /* the last one that is kept may be a root by itself */
            FeedRequest upgrade = {.upgrade = true, .length = length, .manifest = true};
            FeedTaken taken;
            Err err = {0};

            CHECK(pass(feed, copy, &upgrade, &taken, &err));
            for (uint64_t i = 0; i < length; i += 1 + length % 2) {
                FeedRequest request = block_request(copy, i);

                CHECK(pass(feed, copy, &request, &taken, &err) && taken.block);
            }
            CHECK(feed_truncate(feed, &pair, kept, FEED_BUFFERED, &err));
            grow(feed, more);
            upgrade = (FeedRequest){.fork = 1, .upgrade = true, .length = kept + more};
            CHECK(pass(feed, copy, &upgrade, &taken, &err) && taken.upgraded);
            CHECK(feed_state(copy)->fork == 1 && feed_state(copy)->roots.length == kept + more);
            for (uint64_t i = 0; i < kept + more; i++) {
                CHECK(feed_holds(copy, i, &held[i], &err));
                CHECK(!held[i] || i < kept);
            }
            CHECK(is_part(copy, feed, held));
            copy = reopen(&arena, copy, kept % 2);
            CHECK(is_part(copy, feed, held));
            feed_close(feed);
            feed_close(copy);
            clean();
        }
}

/* ---- who lies ---- */

static FeedNodeList turned(Arena *arena, FeedNodeList list, size_t which, int how)
{
    TreeNode *nodes = arena_new(arena, TreeNode, list.count + 1);

    for (size_t i = 0; i < list.count; i++)
        nodes[i] = list.at[i];
    switch (how) {
    case 0:
        nodes[which].hash[which % 32] ^= 1;
        break;
    case 1:
        nodes[which].size++;
        break;
    case 2:
        nodes[which].index += 2;
        break;
    case 3:
        nodes[which].size = UINT64_MAX;
        break;
    default: /* without the last one */
        return (FeedNodeList){nodes, list.count - 1};
    }
    return (FeedNodeList){nodes, list.count};
}

/* Every change of a list, of the block and of the signature has to be found, and leaves the copy as it was. */
static void refuses(Feed *copy, const FeedProof *proof)
{
    FeedProof bad;
    FeedTaken taken;
    FeedState before = *feed_state(copy);
    Err err = {0};
    static const size_t lists[] = {offsetof(FeedProof, nodes), offsetof(FeedProof, upgrade_nodes),
                                   offsetof(FeedProof, more_nodes)};

    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        const FeedNodeList *list = (const FeedNodeList *)(const void *)((const char *)proof + lists[l]);

        for (size_t i = 0; i < list->count; i++)
            for (int how = 0; how < 5; how++) {
                ARENA_SCOPE(arena);

                bad = *proof;
                *(FeedNodeList *)(void *)((char *)&bad + lists[l]) = turned(&arena, *list, i, how);
                bool ok = feed_take(copy, &bad, &taken, &err);
                CHECK(!ok && (err.code == ERR_CORRUPT || err.code == ERR_CONFLICT));
            }
    }
    if (proof->value.len > 0) {
        bad = *proof;
        bad.value.len--;
        CHECK(!feed_take(copy, &bad, &taken, &err) && err.code == ERR_CORRUPT);
    }
    if (proof->upgrade) {
        bad = *proof;
        bad.signature.len--;
        CHECK(!feed_take(copy, &bad, &taken, &err) && err.code == ERR_CORRUPT);
        bad = *proof;
        bad.length--;
        CHECK(!feed_take(copy, &bad, &taken, &err));
        bad = *proof;
        bad.fork++;
        CHECK(!feed_take(copy, &bad, &taken, &err));
    }
    const FeedState *after = feed_state(copy);
    CHECK(before.roots.length == after->roots.length && before.roots.bytes == after->roots.bytes &&
          before.applied == after->applied && before.chain == after->chain && before.held == after->held);
}

static void a_proof_that_was_changed_is_refused(void)
{
    ARENA_SCOPE(arena);
    Feed *feed = new_writer(&arena, 23), *copy = new_copy(&arena);
    FeedRequest request = {
        .upgrade = true, .length = 13, .manifest = true, .part = FEED_PART_BLOCK, .index = 6};
    FeedTaken taken;
    FeedProof proof;
    Err err = {0};

    CHECK(feed_prove(feed, &arena, &request, &proof, &err));
    CHECK(proof.more_nodes.count > 0 && proof.upgrade_nodes.count > 0 && proof.nodes.count > 0);
    refuses(copy, &proof);
    CHECK(feed_take(copy, &proof, &taken, &err) && taken.block && taken.upgraded);
    CHECK(feed_state(copy)->roots.length == 23); /* all that is signed */
    request = block_request(copy, 17);
    CHECK(feed_prove(feed, &arena, &request, &proof, &err) && proof.nodes.count > 1);
    refuses(copy, &proof);
    CHECK(feed_take(copy, &proof, &taken, &err) && taken.block);
    feed_close(feed);
    feed_close(copy);
    clean();
}

static void a_request_that_contradicts_itself_is_refused(void)
{
    static const FeedRequest requests[] = {
        {.part = FEED_PART_BLOCK, .index = 10},
        {.part = FEED_PART_BLOCK, .index = UINT64_MAX},
        {.part = FEED_PART_HASH, .index = UINT64_MAX},
        {.part = FEED_PART_HASH, .index = 15},
        {.part = FEED_PART_BLOCK, .index = 3, .nodes = 5},
        {.part = FEED_PART_BLOCK, .index = 3, .nodes = UINT64_MAX},
        {.upgrade = true, .start = 0, .length = 11},
        {.upgrade = true, .start = 10, .length = 1},
        {.upgrade = true, .start = 5, .length = 0},
        {.upgrade = true, .start = UINT64_MAX, .length = 2},
        {.upgrade = true, .start = 1, .length = UINT64_MAX},
        {.seek = true},
        {.seek = true,
         .seek_bytes = 5,
         .upgrade = true,
         .start = 2,
         .length = 3,
         .part = FEED_PART_BLOCK,
         .index = 3},
        {.fork = 1, .part = FEED_PART_BLOCK, .index = 1},
    };
    ARENA_SCOPE(arena);
    Feed *feed = new_writer(&arena, 10);
    FeedProof proof;

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        Err err = {0};

        CHECK(!feed_prove(feed, &arena, &requests[i], &proof, &err));
        CHECK(err.code == ERR_USAGE || err.code == ERR_CONFLICT);
    }
    feed_close(feed);
    clean();
}

/* ---- clearing ---- */

static void what_is_cleared_is_gone_and_can_come_again(void)
{
    for (int round = 0; round < 8; round++) {
        ARENA_SCOPE(arena);
        bool held[BLOCKS_MAX] = {0};
        Feed *feed = new_writer(&arena, 300), *copy = new_copy(&arena);
        FeedRequest upgrade = {.upgrade = true, .length = 300, .manifest = true};
        FeedTaken taken;
        Err err = {0};

        CHECK(pass(feed, copy, &upgrade, &taken, &err));
        for (int step = 0; step < 120; step++) {
            ask_at_random(feed, copy, held);
            if (chance(10) == 0) {
                uint64_t first = chance(300), end = first + chance(301 - first), cleared, count = 0;

                for (uint64_t i = first; i < end; i++) {
                    count += held[i];
                    held[i] = false;
                }
                CHECK(feed_clear(copy, first, end, &cleared, &err) && cleared == count);
                CHECK(is_part(copy, feed, held));
            }
            if (chance(30) == 0) {
                CHECK(feed_keep(copy, FEED_BUFFERED, &err));
                copy = reopen(&arena, copy, false);
                CHECK(is_part(copy, feed, held));
            }
        }
        feed_close(feed);
        feed_close(copy);
        clean();
    }
}

static void the_space_of_cleared_blocks_is_given_back(void)
{
    ARENA_SCOPE(arena);
    FeedOptions large = {.segment_bytes = 256 * 1024};
    Feed *feed;
    uint64_t before, after, cleared, first_bad;
    Err err = {0};

    CHECK(feed_create(&arena, writer_path, &identity, &large, &feed, &err));
    for (int i = 0; i < 500; i++) /* one by one, so that there are commits between */
        grow(feed, 1);
    for (int i = 0; i < 40; i++)
        grow(feed, 50);
    CHECK(feed_sync(feed, &err) && feed_disk(feed, &before, &err));
    CHECK(feed_clear(feed, 0, 1000, &cleared, &err) && cleared == 1000);
    CHECK(feed_clear(feed, 1000, 2400, &cleared, &err) && cleared == 1400);
    CHECK(feed_disk(feed, &after, &err));
    printf("# %llu bytes before, %llu after\n", (unsigned long long)before, (unsigned long long)after);
    /* What stays: the tree (48 bytes a node), 100 blocks, and odd ends. */
    CHECK(before - after > (uint64_t)150 * 1024);
    CHECK(feed_verify(feed, NULL, &first_bad, &err) && feed_state(feed)->held == 100);
    grow(feed, 10);
    CHECK(feed_verify(feed, NULL, &first_bad, &err) && feed_state(feed)->held == 110);
    feed_close(feed);
    CHECK(feed_open(&arena, writer_path, FEED_WRITE, &large, &feed, &err) && feed_state(feed)->held == 110);
    feed_close(feed);
    /* Its log has no beginning any more: without its head it is not taken for a short one, which would be cut. */
    CHECK(unlink(str_printf(&arena, "%s/head", writer_path).ptr) == 0);
    CHECK(!feed_open(&arena, writer_path, FEED_WRITE, &large, &feed, &err) && err.code == ERR_CORRUPT);
    clean();
}

static void every_failed_call_of_a_clear_leaves_a_whole_feed(void)
{
    FOR_EACH_FAULT(EIO) {
        ARENA_SCOPE(arena);
        int nth = fault_n;
        uint64_t cleared, first_bad;
        Err err = {0};

        fault_arm(0, 0);
        Feed *feed = new_writer(&arena, 60), *again = NULL;
        fault_arm(nth, EIO);
        bool ok = feed_clear(feed, 10, 50, &cleared, &err);
        bool failed = fault_fired();
        fault_arm(0, 0);
        CHECK(ok || (failed && err.code == ERR_IO));
        feed_close(feed);
        CHECK(feed_open(&arena, writer_path, FEED_WRITE, &options, &again, &err));
        CHECK(feed_state(again)->held == (ok ? 20 : feed_state(again)->held == 20 ? 20 : 60));
        CHECK(feed_verify(again, NULL, &first_bad, &err));
        CHECK(feed_clear(again, 10, 50, &cleared, &err) && feed_state(again)->held == 20);
        feed_close(again);
        clean();
    }
}

int main(void)
{
    unsigned char bytes[SIGN_SEED_BYTES];

    memset(bytes, 3, sizeof bytes);
    sign_pair_from_seed(bytes, &pair);
    feed_identity_new(pair.public_key, &identity);
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(writer_path, sizeof writer_path, "%s/writer", dir);
    (void)snprintf(copy_path, sizeof copy_path, "%s/copy", dir);
    take_seed();
    RUN(a_copy_filled_in_any_order_is_a_part_of_the_feed);
    RUN(a_copy_follows_to_another_fork_and_keeps_what_is_the_same);
    RUN(a_proof_that_was_changed_is_refused);
    RUN(a_request_that_contradicts_itself_is_refused);
    RUN(what_is_cleared_is_gone_and_can_come_again);
    RUN(the_space_of_cleared_blocks_is_given_back);
    RUN(every_failed_call_of_a_clear_leaves_a_whole_feed);
    (void)rmdir(dir);
    DONE();
}
