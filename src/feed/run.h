/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/run -- blocks that follow each other, with one proof for all of them (docs/format/replication.md)
 *
 * A reader that has a signed head knows its roots. A run has, beside its blocks, the nodes of the tree that are left and right of
 * them below these roots: at most two for each level of the tree, whatever the number of blocks. hypercore proves each block by
 * itself, which at 100 bytes a block makes the proof more than twice as long as what it proves.
 */
#ifndef FEED_RUN_H
#define FEED_RUN_H

#include "feed/proof.h"

enum {
    RUN_BLOCKS_MAX = 16384,
    RUN_BYTES_MAX = 64 * 1024, /* of blocks, but for a run of one: a connection keeps memory for so much */
};

/*
 * Put a run of as many blocks from `first` on as are held here, up to `end` and the limits above. *count: how many.
 *
 * ERR_USAGE      the range is none of the feed
 * ERR_NOT_FOUND  `first` is not held, or a node that proves it is not known
 * ERR_IO, ERR_CORRUPT
 */
bool run_put(Feed *feed, uint64_t first, uint64_t end, Buf *out, uint64_t *count, Err *err) ATTR_MUST_USE;

typedef struct RunTaken {
    uint64_t first, count; /* blocks of the run */
    uint64_t added;        /* that were not held */
} RunTaken;

/*
 * Check a run and keep its blocks, in a batch of its own that counts when this returns.
 *
 * ERR_CORRUPT   it is none, or not of this feed: nothing is changed
 * ERR_CONFLICT  it is of another fork, or goes beyond the feed's length here
 * ERR_USAGE     the feed is open for reading
 * ERR_IO        nothing is kept
 */
bool run_take(Feed *feed, Str bytes, RunTaken *out, Err *err) ATTR_MUST_USE;

#endif
