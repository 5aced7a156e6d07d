/* SPDX-License-Identifier: Apache-2.0 */
/* feed_peers -- what feed serve and feed replicate say about peers and their feeds, while they go on */
#ifndef CLI_FEED_PEERS_H
#define CLI_FEED_PEERS_H

#include "cli/feeds.h"
#include "feed/notice.h"
#include "feed/peers.h"

/* What is told goes to standard error. */
Notice feed_peers_notice(const Call *call);

/* The peers of the configuration. ERR_CONFIG, ERR_IO. */
bool feed_peers_configured(const Call *call, Peers *out, Err *err) ATTR_MUST_USE;

/*
 * May the feed, which is open for writing, be changed here? As feeds_check_trust(), and the peers of the configuration are asked whether
 * they have more of it: a feed of which one has more is an old copy from now on, which no `trust` changes.
 */
bool feed_peers_check_trust(const Call *call, FeedInHand *in, bool trust, Err *err) ATTR_MUST_USE;

#endif
