/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

typedef struct Opts {
    bool raw;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    FEEDS_RAW_OPT(Opts),
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    READING_SCOPE(reading);
    BUF_SCOPE(bytes);
    uint64_t number;
    FeedInHand in;

    if (!feeds_number(call->args[1], "N", &number, err) || !feeds_take(call, FEED_READ, &in, err) ||
        !feeds_reading(call, o->passphrase_file, o->raw, &in, &reading, err) ||
        !reading_get(&reading, in.feed, number, &bytes, err))
        return false;
    feeds_put_block(call, FRAMING_WHOLE, number, buf_str(&bytes));
    return true;
}

const Cmd cmd_feed_get = {
    .name = "feed get",
    .args = "KEY N",
    .summary = "print one block of a feed, just its bytes",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. The first block has number 0. One of an encrypted "
        "feed is decrypted with the reading key, if that is among the keys of this node.",
    .opts = opts,
    CMD_OPTS(Opts, .raw = false),
    .examples = "strata feed get notes 0\n",
    .run = run,
};
