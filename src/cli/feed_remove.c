/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

static bool run(const Call *call, Err *err)
{
    FeedStore *store;
    StoreFeed feed;

    if (!feeds_open(call, &store, err) || !store_find(store, call->arena, call->args[0], &feed, err) ||
        !store_remove(store, feed.about.key, err))
        return false;
    out_record(call->out);
    feeds_put_hex(call, "removed", feed.about.key);
    out_end(call->out);
    return true;
}

const Cmd cmd_feed_remove = {
    .name = "feed remove",
    .args = "KEY",
    .summary = "remove a feed and all its blocks from this node",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. Copies that others have stay. The key that signs stays "
        "among the keys of this node (strata key list): with it and a copy, the feed can go on.",
    .examples = "strata feed remove notes\n",
    .run = run,
};
