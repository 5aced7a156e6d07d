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
};

/* False. */
bool api_fail(const Err *err, strata_error *error);

#endif
