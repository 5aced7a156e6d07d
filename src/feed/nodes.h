/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/nodes -- the nodes of a feed's tree in its file `tree`, and where its blocks lie in the log (docs/format/feed.md)
 *
 * What is put stays in memory until it is flushed: the log has it already.
 */
#ifndef FEED_NODES_H
#define FEED_NODES_H

#include "crypto/tree.h"
#include "feed/log.h"

typedef struct FeedNodes FeedNodes;

enum { FEED_NODE_BYTES = 48 }; /* of one in the file */

/* Without `write` the file stays as it is, and nothing is flushed. */
FeedNodes *feed_nodes_new(Arena *arena, const char *dir, bool write);
void feed_nodes_close(FeedNodes *nodes); /* without flushing */

/* `place` of a leaf: its block's record, or 0 when the block is not held. */
void feed_nodes_put(FeedNodes *nodes, const TreeNode *node, FeedPlace place);

/*
 * A node, and the place of its block. `place` may be NULL.
 *
 * ERR_NOT_FOUND  it is not known
 * ERR_IO
 */
bool feed_nodes_get(FeedNodes *nodes, uint64_t index, TreeNode *out, FeedPlace *place,
                    Err *err) ATTR_MUST_USE;

/* Forget all that a tree of `length` blocks does not have; in the file with the next flush. */
void feed_nodes_truncate(FeedNodes *nodes, uint64_t length);

/* Whether the file is so long that it may have the node. */
bool feed_nodes_reach(const FeedNodes *nodes, uint64_t index);

size_t feed_nodes_waiting(const FeedNodes *nodes); /* how many are in memory only */

/* Forget what was put and what was read: the file has it all by now. */
void feed_nodes_forget(FeedNodes *nodes);

/* Write what is in memory; with `sync` onto stable storage. ERR_IO: it stays in memory. */
bool feed_nodes_flush(FeedNodes *nodes, bool sync, Err *err) ATTR_MUST_USE;

#endif
