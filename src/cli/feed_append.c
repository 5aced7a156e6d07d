/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/stop.h"
#include "cli/feed_input.h"
#include "cli/feed_peers.h"

typedef struct Opts {
    int framing;
    bool buffered, live, trust;
    Str passphrase_file;
} Opts;

static const Opt opts[] = {
    {OPT_ENUM, "framing", 0, offsetof(Opts, framing), "FRAMING", "what a block is", .values = feeds_framings},
    {OPT_FLAG, "buffered", 0, offsetof(Opts, buffered), NULL,
     "do not wait for the disk: what is appended survives the end of this process, not that of the machine"},
    {OPT_FLAG, "live", 0, offsetof(Opts, live), NULL,
     "append what has come whenever the input pauses, and answer each time"},
    FEEDS_TRUST_OPT(Opts),
    KEYS_OPT(Opts),
    {.type = OPT_END},
};

typedef struct Appending {
    const Call *call;
    const Opts *opts;
    Feed *feed;
    SignPair pair;
    Reading reading;
    FeedInput input;
    uint64_t first; /* block, of all that is appended */
} Appending;

static void print(const Appending *in, uint64_t first)
{
    const FeedState *state = feed_state(in->feed);
    const Call *call = in->call;

    out_record(call->out);
    feeds_put_number(call, "first", first);
    feeds_put_number(call, "length", state->roots.length);
    feeds_put_root(call, "root", &state->roots);
    out_end(call->out);
}

static bool append_batch(Appending *in, const Str *blocks, size_t count, Err *err)
{
    uint64_t first = feed_state(in->feed)->roots.length;

    if (!reading_append(&in->reading, in->feed, &in->pair, blocks, count,
                        in->opts->buffered ? FEED_BUFFERED : FEED_DURABLE, err))
        return false;
    if (!in->opts->live)
        return true;
    print(in, first);
    return out_flush(in->call->out, err);
}

static bool append_all(Appending *in, Err *err)
{
    for (;;) {
        ARENA_SCOPE(scratch);
        Str *blocks;
        size_t count;

        if (!feed_input_batch(&in->input, &scratch, &blocks, &count, err))
            return false;
        if (count == 0)
            return true;
        if (!append_batch(in, blocks, count, err) || !stop_check(err))
            return false;
    }
}

/* Batches before the one that failed are kept, and who reads the message has to know how far they go. */
static bool say_how_far(const Appending *in, Err *err)
{
    uint64_t length = feed_state(in->feed)->roots.length, count = length - in->first;

    if (count == 0)
        return err_wrap(err, "nothing is appended");
    if (err->code == ERR_USAGE || err->code == ERR_LIMIT)
        err->code = ERR_PARTIAL;
    return err_wrap(err, "%llu blocks are appended, and the feed has %llu", (unsigned long long)count,
                    (unsigned long long)length);
}

static bool append_in(Appending *in, Err *err)
{
    in->first = feed_state(in->feed)->roots.length;
    bool ok = append_all(in, err);

    if (!in->opts->live && (ok || feed_state(in->feed)->roots.length > in->first)) {
        Err unwritten = {0};

        print(in, in->first);
        if (!out_flush(in->call->out, &unwritten) && ok) {
            *err = unwritten;
            ok = false;
        }
    }
    return ok || say_how_far(in, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Appending in = {.call = call,
                    .opts = o,
                    .input = {.fd = STDIN_FILENO, .framing = (FeedFraming)o->framing, .live = o->live}};
    FeedInHand hand;
    bool ok = stop_init(err) && feeds_take(call, FEED_WRITE, &hand, err) &&
              feeds_pair(call, o->passphrase_file, &hand, &in.pair, err) &&
              feeds_reading(call, o->passphrase_file, false, &hand, &in.reading, err) &&
              feed_peers_check_trust(call, &hand, o->trust, err);

    if (ok) {
        in.feed = hand.feed;
        ok = append_in(&in, err);
    }
    sign_wipe(&in.pair);
    reading_close(&in.reading);
    feed_input_release(&in.input);
    return ok;
}

const Cmd cmd_feed_append = {
    .name = "feed append",
    .args = "KEY",
    .summary = "append standard input to a feed",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. With framing 'lines' each line without its newline is a "
        "block (an empty line is an empty one, and a last line needs no newline); with 'u32' a block is 4 bytes of length, "
        "little-endian, and so many bytes; with 'whole' all of the input is one block. A block has at most 15 MiB.\n\n"
        "Input is appended in batches of up to 8 MiB and 131072 blocks: a batch is in the feed whole or not at all, whatever happens, so "
        "input that is not larger is all or nothing. What was appended before something failed, or before Ctrl-C, stays; the message "
        "says how far it goes. When the command answers, all is on the disk, unless --buffered.\n\n"
        "Blocks of an encrypted feed are encrypted with its reading key, which has to be among the keys of this node.\n\n"
        "Peers that [feeds] peers in strata.ini names are asked first whether they have more of the feed, for at most peers_wait. If one "
        "shows that, what is here is an old copy, and nothing is appended; one that does not answer is a warning.\n\n"
        "One process at a time can append to a feed; others can read it meanwhile.",
    .opts = opts,
    CMD_OPTS(Opts, .framing = FRAMING_LINES),
    .examples = "echo hello | strata feed append notes\n"
                "strata feed append --framing whole notes \\\n"
                "    < picture.jpg\n"
                "# each line as it comes\n"
                "tail -f app.log | strata feed append --live log\n",
    .run = run,
};
