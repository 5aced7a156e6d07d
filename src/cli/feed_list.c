/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

typedef struct Opts {
    bool lengths;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "lengths", 'l', offsetof(Opts, lengths), NULL,
     "also how long each one is and how much of it is held: opens every feed"},
    {.type = OPT_END},
};

static void put_hex(Out *out, const unsigned char bytes[FEED_KEY_BYTES])
{
    BUF_SCOPE(hex);

    buf_put_hex(&hex, bytes, FEED_KEY_BYTES);
    out_text(out, buf_str(&hex));
}

static void put_about(Out *out, const Keystore *keys, const StoreFeed *feed)
{
    ReadingState reading = reading_state(keys, &feed->about);

    put_hex(out, feed->about.key);
    feed->about.name.len ? out_text(out, feed->about.name) : out_null(out);
    out_int(out, feed->about.created);
    put_hex(out, feed->about.discovery);
    reading.known ? out_bool(out, reading.encrypted) : out_null(out);
    out_bool(out, reading.readable);
}

static bool put_lengths(Out *out, FeedStore *store, const Keystore *keys, const StoreFeed *about, Err *err)
{
    Feed *feed;

    if (!store_feed(store, about->about.key, FEED_READ, &feed, err))
        return false;
    put_about(out, keys, about);
    out_int(out, (int64_t)feed_state(feed)->roots.length);
    out_int(out, (int64_t)feed_state(feed)->held);
    out_int(out, (int64_t)feed_state(feed)->roots.bytes);
    store_release(store, feed);
    return true;
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {
        {"key", OUT_TEXT, .cut = true, .least = OUT_KEY_LEAST},
        {"name", OUT_TEXT},
        {"created", OUT_TIME, .spare = 2},
        {"discovery_key", OUT_TEXT, .cut = true, .least = OUT_KEY_LEAST, .spare = 4},
        {"encrypted", OUT_BOOL, .spare = 3},
        {"readable", OUT_BOOL, .spare = 1},
        {"length", OUT_INT},
        {"held", OUT_INT},
        {"bytes", OUT_BYTES}};
    enum { ABOUT_COLUMNS = 6 };
    const Opts *o = call->opts;
    size_t count, bad = 0;
    StoreFeed *feeds;
    FeedStore *store;
    Keystore *keys;
    Err first = {0};

    if (!feeds_open(call, &store, err) || !keys_open(call, (Str){0}, &keys, err) ||
        !store_list(store, call->arena, &feeds, &count, err))
        return false;
    out_list(call->out, columns, o->lengths ? COUNT_OF(columns) : ABOUT_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        Err why = {0};

        if (!o->lengths)
            put_about(call->out, keys, &feeds[i]);
        else if (!put_lengths(call->out, store, keys, &feeds[i], &why) && bad++ == 0)
            first = why;
    }
    out_end(call->out);
    if (!feeds_warn_strays(call, store, err))
        return false;
    return bad == 0 ||
           err_set(err, first.code, "%zu of %zu feeds cannot be read: %s", bad, count, first.text);
}

const Cmd cmd_feed_list = {
    .name = "feed list",
    .summary = "list the feeds of this node",
    .description =
        "The oldest first. 'encrypted' is whether the blocks are, as far as this node knows, 'readable' whether they can be read "
        "here. A terminal that is too narrow for all of it shows less; --json has everything.",
    .opts = opts,
    CMD_OPTS(Opts, .lengths = false),
    .examples = "strata feed list\n"
                "strata feed list --lengths --json\n",
    .run = run,
};
