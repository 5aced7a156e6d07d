/* SPDX-License-Identifier: Apache-2.0 */
/* feed_peers -- what feed serve and feed replicate say about peers and their feeds, while they go on */
#ifndef CLI_FEED_PEERS_H
#define CLI_FEED_PEERS_H

#include "cli/feeds.h"
#include "feed/peering.h"

/* The first digits of a key: enough for people. */
const char *feed_peers_short(Arena *arena, const unsigned char key[32]);

/* A connection ended, or could not be made: `why` with the address, once. Nothing where it just ended. */
void feed_peers_say_end(const Call *call, const char *address, const Err *why);

/*
 * A block of the feed cannot be given to peers: `why`. On standard error, and of *told such blocks of a feed only the first ones.
 * For peering's on_damage.
 */
void feed_peers_warn_damage(const Call *call, const StoreFeed *about, uint64_t block, const Err *why,
                            uint64_t *told);

/*
 * Blocks that peers say to have and do not give: which, whenever there are others than *said, on standard error or as a note of `progress`,
 * which may be NULL. While some are on their way nothing is said.
 */
void feed_peers_warn_not_given(const Call *call, const StoreFeed *about, Peering *peering, Progress *progress,
                               uint64_t *said);

#endif
