/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/ranges -- a set of blocks, as ranges in order that do not touch
 *
 * What a peer says that it holds is one range for a whole feed, and whatever it likes for another: so there is a most, and what
 * would make the set larger is left out.
 */
#ifndef FEED_RANGES_H
#define FEED_RANGES_H

#include "base/buf.h"

enum { RANGES_MAX = 32768 };

#define RANGES_NONE UINT64_MAX

typedef struct Ranges {
    Buf list; /* of Range */
} Ranges;

typedef struct Range {
    uint64_t first, end;
} Range;

void ranges_release(Ranges *set);

/* Blocks from `first` up to `end` are in it, or not. Nothing for an empty range. */
void ranges_add(Ranges *set, uint64_t first, uint64_t end);
void ranges_remove(Ranges *set, uint64_t first, uint64_t end);

/* The first block from `block` on that is in the set, or RANGES_NONE. */
uint64_t ranges_next(const Ranges *set, uint64_t block);

/* The first block from `block` on that is not. */
uint64_t ranges_gap(const Ranges *set, uint64_t block);

static inline bool ranges_has(const Ranges *set, uint64_t block)
{
    return ranges_next(set, block) == block;
}

#endif
