/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

static bool run(const Call *call, Err *err)
{
    BUF_SCOPE(bytes);
    uint64_t number;
    FeedInHand in;

    if (!feeds_number(call->args[1], "N", &number, err) || !feeds_take(call, FEED_READ, &in, err) ||
        !feed_get(in.feed, number, &bytes, err))
        return false;
    feeds_put_block(call, FRAMING_WHOLE, number, buf_str(&bytes));
    return true;
}

const Cmd cmd_feed_get = {
    .name = "feed get",
    .args = "KEY N",
    .summary = "print one block of a feed, just its bytes",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. The first block has number 0.",
    .examples = "strata feed get notes 0\n",
    .run = run,
};
