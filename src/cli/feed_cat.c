/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "cli/feeds.h"

typedef struct Opts {
    int framing;
    int64_t from, to;
    bool held, raw;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_ENUM, "framing", 0, offsetof(Opts, framing), "FRAMING", "what stands around a block",
     .values = feeds_framings},
    {OPT_COUNT, "from", 0, offsetof(Opts, from), "N", "begin with this block (0)"},
    {OPT_COUNT, "to", 0, offsetof(Opts, to), "N", "end before this block (the feed's length)"},
    {OPT_FLAG, "held", 0, offsetof(Opts, held), NULL, "leave out the blocks that are not held here"},
    FEEDS_RAW_OPT(Opts),
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

static bool print_all(const Call *call, Feed *feed, Reading *reading, uint64_t from, uint64_t to, Err *err)
{
    const Opts *o = call->opts;
    BUF_SCOPE(bytes);

    for (uint64_t block = from; block < to; block++) {
        bool held;

        if (!stop_check(err) || !feed_holds(feed, block, &held, err))
            return false;
        if (!held && o->held)
            continue;
        if (!reading_get(reading, feed, block, &bytes, err))
            return err->code == ERR_NOT_FOUND ? err_hint(err, "--held leaves out what is not held here")
                                              : false;
        feeds_put_block(call, (FeedFraming)o->framing, block, buf_str(&bytes));
    }
    return true;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    READING_SCOPE(reading);
    FeedInHand in;

    if (!stop_init(err) || !feeds_take(call, FEED_READ, &in, err) ||
        !feeds_reading(call, o->passphrase_file, o->raw, &in, &reading, err))
        return false;
    uint64_t length = feed_state(in.feed)->roots.length, from = (uint64_t)o->from,
             to = (uint64_t)o->to < length ? (uint64_t)o->to : length;
    return print_all(call, in.feed, &reading, from, to, err);
}

const Cmd cmd_feed_cat = {
    .name = "feed cat",
    .args = "KEY",
    .summary = "print the blocks of a feed",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. Every block is checked against the signed tree before it is "
        "printed. One of an encrypted feed is decrypted with the reading key, if that is among the keys of this node.\n\n"
        "Framing 'lines' puts a newline behind each block, 'u32' the length before it (4 bytes, little-endian), 'whole' nothing between. "
        "With --json each block is a line {\"block\",\"bytes\",\"text\"}, or \"base64\" in place of \"text\" where it is no UTF-8.",
    .opts = opts,
    CMD_OPTS(Opts, .to = -1),
    .examples = "strata feed cat notes\n"
                "strata feed cat notes --from 10 --to 20 --json\n",
    .run = run,
};
