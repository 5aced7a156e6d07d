/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/climb -- whether nodes lead to the signed roots of their feed, by what its tree has beside their way
 *
 * A tree that was damaged on the disk would prove what is not so, and whoever got that would take its sender for a liar. So nodes are
 * climbed from before they are sent. What was found right is remembered, so that most nodes cost one or two hashes.
 */
#ifndef FEED_CLIMB_H
#define FEED_CLIMB_H

#include "feed/feed.h"

/*
 * From `node`, which is of the tree or the leaf of a block. A copy that does not know all of the way has nothing to say against it.
 *
 * ERR_CORRUPT  it leads elsewhere
 * ERR_IO
 */
bool feed_climb(Feed *feed, const TreeNode *node, Err *err) ATTR_MUST_USE;

#endif
