/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feed_peers.h"

typedef struct Opts {
    bool trust;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    FEEDS_TRUST_OPT(Opts),
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    uint64_t length;
    SIGN_SCOPE(pair);
    FeedInHand in;

    if (!feeds_number(call->args[1], "LENGTH", &length, err) || !feeds_take(call, FEED_WRITE, &in, err) ||
        !feeds_pair(call, o->passphrase_file, &in, &pair, err) ||
        !feed_peers_check_trust(call, &in, o->trust, err) ||
        !feed_truncate(in.feed, &pair, length, FEED_DURABLE, err))
        return false;
    out_record(call->out);
    feeds_put_number(call, "length", feed_state(in.feed)->roots.length);
    feeds_put_number(call, "fork", feed_state(in.feed)->fork);
    feeds_put_root(call, "root", &feed_state(in.feed)->roots);
    out_end(call->out);
    return true;
}

const Cmd cmd_feed_truncate = {
    .name = "feed truncate",
    .args = "KEY LENGTH",
    .summary = "take the last blocks of a feed back, and begin its next fork",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. Whoever has a copy sees by the higher fork that the feed was "
        "truncated, and follows. The blocks are gone. As for strata feed append, the peers of [feeds] peers are asked first whether they "
        "have more of the feed.",
    .opts = opts,
    CMD_OPTS(Opts, .trust = false),
    .examples = "strata feed truncate notes 10\n",
    .run = run,
};
