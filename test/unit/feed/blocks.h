/* SPDX-License-Identifier: Apache-2.0 */
/* blocks -- what tests of feeds append, and in which random order they do things */
#ifndef TEST_FEED_BLOCKS_H
#define TEST_FEED_BLOCKS_H

#include "feed/feed.h"
#include "test/check.h"

/* STRATA_SEED gives another one. */
static uint64_t seed = 20261130;

static inline void take_seed(void)
{
    if (getenv("STRATA_SEED"))
        seed = strtoull(getenv("STRATA_SEED"), NULL, 10);
}

static inline uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* Its length and bytes follow from its number, and from `salt` where another history has others. */
static inline Str block(Arena *arena, uint64_t number, uint64_t salt)
{
    size_t len = (size_t)((number * 37 + salt * 11) % 130);
    char *bytes = arena_new(arena, char, len + 1);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(number + i * 3 + salt * 7);
    return (Str){bytes, len};
}

static inline void append_blocks(Feed *feed, const SignPair *pair, uint64_t count, uint64_t salt)
{
    ARENA_SCOPE(arena);
    Str *blocks = arena_new(&arena, Str, count + 1);
    Err err = {0};

    for (uint64_t i = 0; i < count; i++)
        blocks[i] = block(&arena, feed_state(feed)->roots.length + i, salt);
    CHECK(feed_append(feed, pair, blocks, count, FEED_BUFFERED, &err));
}

#endif
