/* SPDX-License-Identifier: Apache-2.0 */
/* api -- what the files of include/strata.h share */
#ifndef API_API_H
#define API_API_H

#include "base/os.h"
#include "feed/notice.h"
#include "feed/peers.h"
#include "feed/reading.h"
#include "strata.h"

struct strata_store {
    Arena arena;
    FeedStore *feeds;
    Keystore *keys;
    Str passphrase;
    strata_feed *open;
    Peers peers;
    Notice notice; /* to whom strata_on_warning() named */
};

struct strata_feed {
    strata_store *store;
    strata_feed *next;
    Feed *feed;
    bool writable, asked; /* asked: the peers, whether they have more */
    bool open;            /* reading is what the blocks go through */
    Reading reading;
    bool signs; /* pair is the signer's */
    SignPair pair;
};

/*
 * What a change needs: the signer's pair in feed->pair, got when it is needed first, and a feed that is not an old copy. ERR_DENIED;
 * as keystore_pair().
 */
bool api_may_change(strata_feed *feed, Err *err) ATTR_MUST_USE;

/* What blocks go through in feed->reading, got when it is needed first: that may need the passphrase. As reading_open(). */
bool api_open_reading(strata_feed *feed, Err *err) ATTR_MUST_USE;

/* The peers that strata.ini in `dir` names; none where there is no such file. ERR_CONFIG, ERR_IO, ERR_LIMIT. */
bool api_take_peers(strata_store *store, const char *dir, Err *err) ATTR_MUST_USE;

/*
 * Ask them whether they have more of a feed that is open for writing, unless that was done. One that has makes the feed an old copy, which is
 * noted. As peers_ask(), keystore_node(), store_doubt().
 */
bool api_ask_peers(strata_feed *feed, Err *err) ATTR_MUST_USE;

/* The blocks as they are known inside. In the arena. */
Str *api_blocks(Arena *arena, const strata_block *blocks, size_t count);

/* False. */
bool api_fail(const Err *err, strata_error *error);

#endif
