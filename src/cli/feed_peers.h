/* SPDX-License-Identifier: Apache-2.0 */
/* feed_peers -- what feed serve and feed replicate say about peers and their feeds, while they go on */
#ifndef CLI_FEED_PEERS_H
#define CLI_FEED_PEERS_H

#include "cli/feeds.h"
#include "feed/peering.h"
#include "feed/peers.h"

/* The first digits of a key: enough for people. */
const char *feed_peers_short(Arena *arena, const unsigned char key[32]);

/* The peers of the configuration. ERR_CONFIG, ERR_IO. */
bool feed_peers_configured(const Call *call, Peers *out, Err *err) ATTR_MUST_USE;

/*
 * May the feed, which is open for writing, be changed here? As feeds_check_trust(), and the peers of the configuration are asked whether
 * they have more of it: a feed of which one has more is an old copy from now on, which no `trust` changes.
 */
bool feed_peers_check_trust(const Call *call, FeedInHand *in, bool trust, Err *err) ATTR_MUST_USE;

/* `peer` has more of a feed of this node. On standard error. */
void feed_peers_warn_longer(const Call *call, const char *peer, const StoreFeed *about, uint64_t fork,
                            uint64_t length);

/* `peer` has another history of it. */
void feed_peers_warn_fork(const Call *call, const char *peer, const StoreFeed *about);

/* A connection ended, or could not be made: `why` with the address, once. Nothing where it just ended. */
void feed_peers_say_end(const Call *call, const char *address, const Err *why);

/*
 * A block of the feed (RANGES_NONE: its head) cannot be given to peers: `why`. On standard error, and of *told such blocks of a feed only the first ones.
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
