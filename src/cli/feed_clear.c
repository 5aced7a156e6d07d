/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

static bool run(const Call *call, Err *err)
{
    uint64_t first, end, cleared, disk;
    FeedInHand in;

    if (!feeds_number(call->args[1], "FIRST", &first, err))
        return false;
    end = first + 1;
    if ((call->args_count > 2 && !feeds_number(call->args[2], "END", &end, err)) ||
        !feeds_take(call, FEED_WRITE, &in, err) || !feed_clear(in.feed, first, end, &cleared, err) ||
        !feed_disk(in.feed, &disk, err))
        return false;
    out_record(call->out);
    feeds_put_number(call, "cleared", cleared);
    feeds_put_number(call, "held", feed_state(in.feed)->held);
    out_field(call->out, "disk", OUT_BYTES);
    out_int(call->out, (int64_t)disk);
    out_end(call->out);
    return true;
}

const Cmd cmd_feed_clear = {
    .name = "feed clear",
    .args = "KEY FIRST [END]",
    .summary = "hold blocks no longer, and give their space back",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. The blocks from FIRST up to END, which is not one of them, "
        "or only FIRST. Length and signature of the feed stay as they are: a peer that has the blocks can send them again.",
    .examples = "strata feed clear notes 0 1000\n",
    .run = run,
};
