/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a run of blocks, and as the proof of one, for a copy: it is refused, or what it brings is what the feed has. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "feed/alpha.h"
#include "feed/run.h"

enum { LENGTH = 21 };

static Feed *feed, *copy;
static char dir[] = "/tmp/strata-run-fuzz-XXXXXX";

static void end(void)
{
    Err ignored = {0};

    feed_close(feed);
    feed_close(copy);
    (void)!os_remove_tree(dir, &ignored);
}

static void give_head(Arena *arena)
{
    FeedRequest request = {.upgrade = true, .length = LENGTH, .manifest = true};
    FeedProof proof;
    FeedTaken taken;
    Err err = {0};

    if (!feed_prove(feed, arena, &request, &proof, &err) || !feed_take(copy, &proof, &taken, &err))
        abort();
}

static void begin(void)
{
    static Arena arena;
    static char bytes[LENGTH];
    FeedIdentity identity, key;
    Str blocks[LENGTH];
    SignPair pair;
    Err err = {0};

    sign_pair_from_seed((const unsigned char *)"strata: the seed of a fuzz test.", &pair);
    feed_identity_new(pair.public_key, &identity);
    feed_identity_of_key(identity.key, &key);
    for (int i = 0; i < LENGTH; i++) {
        bytes[i] = (char)i;
        blocks[i] = (Str){bytes, (size_t)i};
    }
    if (!mkdtemp(dir) ||
        !feed_create(&arena, str_printf(&arena, "%s/feed", dir).ptr, &identity, NULL, &feed, &err) ||
        !feed_create(&arena, str_printf(&arena, "%s/copy", dir).ptr, &key, NULL, &copy, &err) ||
        !feed_append(feed, &pair, blocks, LENGTH, FEED_BUFFERED, &err))
        abort();
    give_head(&arena);
    (void)atexit(end);
}

/* What the copy holds is what the feed has. */
static void check(void)
{
    BUF_SCOPE(one);
    BUF_SCOPE(other);
    Err err = {0};

    if (feed_state(copy)->roots.length != LENGTH)
        abort();
    for (uint64_t i = 0; i < LENGTH; i++) {
        bool held;

        if (!feed_holds(copy, i, &held, &err))
            abort();
        if (held && (!feed_get(copy, i, &one, &err) || !feed_get(feed, i, &other, &err) ||
                     !str_eq(buf_str(&one), buf_str(&other))))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    FeedTaken taken;
    RunTaken run;
    AlphaData proof;
    Err err = {0};

    if (!feed)
        begin();
    if (size == 0)
        return 0;
    Str bytes = {(const char *)data + 1, size - 1};
    bool ok = data[0] % 2
                  ? run_take(copy, bytes, &run, &err)
                  : alpha_get_data(bytes, &arena, &proof, &err) &&
                        feed_take(copy, &proof.proof, &taken, &err) && feed_keep(copy, FEED_BUFFERED, &err);
    if (ok)
        check();
    return 0;
}
