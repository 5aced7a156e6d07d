/* SPDX-License-Identifier: Apache-2.0 */
/* api -- what the files of include/strata.h share */
#ifndef API_API_H
#define API_API_H

#include "base/os.h"
#include "feed/reading.h"
#include "strata.h"

struct strata_store {
    Arena arena;
    FeedStore *feeds;
    Keystore *keys;
    Str passphrase;
    strata_feed *open;
};

struct strata_feed {
    strata_store *store;
    strata_feed *next;
    Feed *feed;
    bool open; /* reading is what the blocks go through */
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

/* The blocks as they are known inside. In the arena. */
Str *api_blocks(Arena *arena, const strata_block *blocks, size_t count);

/* False. */
bool api_fail(const Err *err, strata_error *error);

#endif
