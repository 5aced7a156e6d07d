/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/feeds.h"

static void put_bool(const Call *call, const char *name, bool value)
{
    out_field(call->out, name, OUT_BOOL);
    out_bool(call->out, value);
}

static void put_bytes(const Call *call, const char *name, uint64_t value)
{
    out_field(call->out, name, OUT_BYTES);
    out_int(call->out, (int64_t)value);
}

/* What the keys of this node tell: NULL where they cannot be read. */
typedef struct Keys {
    const ReadingState *reading;
    const bool *ours;
} Keys;

static void put_known(const Call *call, const char *name, const bool *value)
{
    out_field(call->out, name, OUT_BOOL);
    value ? out_bool(call->out, *value) : out_null(call->out);
}

static void print(const Call *call, const FeedInHand *in, Keys keys, uint64_t disk, uint64_t segments)
{
    const FeedState *state = feed_state(in->feed);
    const MetaFeed *about = &in->about.about;
    Out *out = call->out;

    out_record(out);
    feeds_put_hex(call, "key", about->key);
    feeds_put_hex(call, "discovery_key", about->discovery);
    out_field(out, "name", OUT_TEXT);
    about->name.len ? out_text(out, about->name) : out_null(out);
    out_field(out, "created", OUT_TIME);
    about->created ? out_int(out, about->created) : out_null(out);
    feeds_put_number(call, "length", state->roots.length);
    put_bytes(call, "bytes", state->roots.bytes);
    feeds_put_number(call, "held", state->held);
    feeds_put_number(call, "fork", state->fork);
    feeds_put_root(call, "root", &state->roots);
    put_bool(call, "compat", state->identity.compat);
    put_known(call, "encrypted", keys.reading && keys.reading->known ? &keys.reading->encrypted : NULL);
    put_known(call, "readable", keys.reading ? &keys.reading->readable : NULL);
    put_known(call, "writable", keys.ours);
    put_bool(call, "confirmed", !in->unconfirmed);
    put_bool(call, "cleared", feed_is_cleared(in->feed));
    put_bytes(call, "disk", disk);
    feeds_put_number(call, "segments", segments);
    out_field(out, "path", OUT_TEXT);
    out_z(out, in->about.path);
    out_end(out);
}

static bool run(const Call *call, Err *err)
{
    uint64_t disk, segments;
    ReadingState reading;
    FeedInHand in;
    bool ours;
    Keys keys = {&reading, &ours};
    Err why = {0};

    if (!feeds_take(call, FEED_READ, &in, err) || !feed_disk(in.feed, &disk, err) ||
        !feed_segments(in.feed, &segments, err))
        return false;
    if (!feeds_reading_state(call, &in, &reading, &why))
        keys.reading = NULL;
    if (!feeds_is_ours(call, &feed_state(in.feed)->identity, &ours, &why))
        keys.ours = NULL;
    if (why.code)
        out_warn(call->out, "what the keys of this node are good for cannot be said: %s", why.text);
    print(call, &in, keys, disk, segments);
    return true;
}

const Cmd cmd_feed_stat = {
    .name = "feed stat",
    .args = "KEY",
    .summary = "say how long a feed is, what of it is held, and where it is",
    .description =
        "KEY is a feed's key, the first digits of one (at least 4), or its name. 'bytes' are those of all blocks as they are kept, 'held' how many blocks "
        "are here, 'root' the hash that the signature is over, 'encrypted' whether the blocks are (empty, or null, of somebody else's feed whose reading key is not here: who only keeps a feed "
        "cannot tell), 'readable' whether they can be "
        "read here, 'writable' whether the key that signs is here (all three are empty, or null, when the keys cannot be read), 'confirmed' is no while the feed may be an old copy, so that append asks for "
        "--trust, 'cleared' whether blocks were taken away, 'disk' what the files "
        "take, and 'segments' how many files the log has.",
    .examples = "strata feed stat notes\n",
    .run = run,
};
