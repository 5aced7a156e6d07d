/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/alpha.h"

#include <sodium.h>
#include <string.h>

#include "net/compact.h"

static bool is_none(Err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "the peer sent a message '%s' that is none", what);
}

static void put_raw(Buf *out, const void *bytes, size_t len)
{
    buf_put(out, (Str){bytes, len});
}

/* ---- open ---- */

enum { OPEN_SEEKS = 1 };

void alpha_put_open(Buf *out, const unsigned char capability[ALPHA_CAPABILITY_BYTES])
{
    compact_put_uint(out, OPEN_SEEKS);
    put_raw(out, capability, ALPHA_CAPABILITY_BYTES);
}

bool alpha_get_open(Str bytes, unsigned char capability[ALPHA_CAPABILITY_BYTES], Err *err)
{
    CompactIn in = compact_in(bytes);

    (void)compact_uint(&in);
    Str got = compact_raw(&in, ALPHA_CAPABILITY_BYTES);
    if (in.bad)
        return is_none(err, "open");
    memcpy(capability, got.ptr, ALPHA_CAPABILITY_BYTES);
    return true;
}

void alpha_capability(const unsigned char key[FEED_KEY_BYTES], const unsigned char handshake[64],
                      bool initiator, unsigned char out[ALPHA_CAPABILITY_BYTES])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, handshake, 64, ALPHA_CAPABILITY_BYTES);
    (void)crypto_generichash_update(
        &state, feed_space(initiator ? FEED_SPACE_INITIATOR : FEED_SPACE_RESPONDER), FEED_KEY_BYTES);
    (void)crypto_generichash_update(&state, key, FEED_KEY_BYTES);
    (void)crypto_generichash_final(&state, out, ALPHA_CAPABILITY_BYTES);
}

/* ---- sync ---- */

enum { SYNC_CAN_UPGRADE = 1, SYNC_UPLOADING = 2, SYNC_DOWNLOADING = 4, SYNC_HAS_MANIFEST = 8 };

void alpha_put_sync(Buf *out, const AlphaSync *sync)
{
    compact_put_uint(
        out, (sync->can_upgrade ? SYNC_CAN_UPGRADE : 0) | (sync->uploading ? SYNC_UPLOADING : 0) |
                 (sync->downloading ? SYNC_DOWNLOADING : 0) | (sync->has_manifest ? SYNC_HAS_MANIFEST : 0));
    compact_put_uint(out, sync->fork);
    compact_put_uint(out, sync->length);
    compact_put_uint(out, sync->remote_length);
}

bool alpha_get_sync(Str bytes, AlphaSync *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    uint64_t flags = compact_uint(&in);
    AlphaSync sync = {.can_upgrade = flags & SYNC_CAN_UPGRADE,
                      .uploading = flags & SYNC_UPLOADING,
                      .downloading = flags & SYNC_DOWNLOADING,
                      .has_manifest = flags & SYNC_HAS_MANIFEST};

    sync.fork = compact_uint(&in);
    sync.length = compact_uint(&in);
    sync.remote_length = compact_uint(&in);
    if (in.bad || sync.length > TREE_LENGTH_MAX)
        return is_none(err, "sync");
    *out = sync;
    return true;
}

/* ---- requests ---- */

enum { HAS_BLOCK = 1, HAS_HASH = 2, HAS_SEEK = 4, HAS_UPGRADE = 8, HAS_MANIFEST = 16, HAS_PRIORITY = 32 };

static uint64_t part_flag(FeedPart part)
{
    return part == FEED_PART_BLOCK ? HAS_BLOCK : part == FEED_PART_HASH ? HAS_HASH : 0;
}

void alpha_put_request(Buf *out, const AlphaRequest *request)
{
    const FeedRequest *what = &request->what;

    compact_put_uint(out, part_flag(what->part) | (what->seek ? HAS_SEEK : 0) |
                              (what->upgrade ? HAS_UPGRADE : 0) | (what->manifest ? HAS_MANIFEST : 0) |
                              (request->priority ? HAS_PRIORITY : 0));
    compact_put_uint(out, request->id);
    compact_put_uint(out, what->fork);
    if (what->part != FEED_PART_NONE) {
        compact_put_uint(out, what->index);
        compact_put_uint(out, what->nodes);
    }
    if (what->seek) {
        compact_put_uint(out, what->seek_bytes);
        compact_put_uint(out, 0); /* padding */
    }
    if (what->upgrade) {
        compact_put_uint(out, what->start);
        compact_put_uint(out, what->length);
    }
    if (request->priority)
        compact_put_uint(out, request->priority);
}

bool alpha_get_request(Str bytes, AlphaRequest *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    uint64_t flags = compact_uint(&in), padding = 0;
    AlphaRequest request = {.id = compact_uint(&in)};
    FeedRequest *what = &request.what;

    what->fork = compact_uint(&in);
    what->part = flags & HAS_BLOCK ? FEED_PART_BLOCK : flags & HAS_HASH ? FEED_PART_HASH : FEED_PART_NONE;
    what->seek = flags & HAS_SEEK;
    what->upgrade = flags & HAS_UPGRADE;
    what->manifest = flags & HAS_MANIFEST;
    if (what->part != FEED_PART_NONE) {
        what->index = compact_uint(&in);
        what->nodes = compact_uint(&in);
    }
    if (what->seek) {
        what->seek_bytes = compact_uint(&in);
        padding = compact_uint(&in);
    }
    if (what->upgrade) {
        what->start = compact_uint(&in);
        what->length = compact_uint(&in);
    }
    if (flags & HAS_PRIORITY)
        request.priority = compact_uint(&in);
    /* Padding belongs to encrypted blocks of npm's own making: where it is asked for, the offset means something else. */
    if (in.bad || padding != 0 || ((flags & HAS_BLOCK) && (flags & HAS_HASH)))
        return is_none(err, "request");
    *out = request;
    return true;
}

void alpha_put_cancel(Buf *out, uint64_t id)
{
    compact_put_uint(out, id);
}

bool alpha_get_cancel(Str bytes, uint64_t *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    uint64_t id = compact_uint(&in);

    if (in.bad)
        return is_none(err, "cancel");
    *out = id;
    return true;
}

/* ---- data ---- */

static void put_nodes(Buf *out, FeedNodeList nodes)
{
    compact_put_uint(out, nodes.count);
    for (size_t i = 0; i < nodes.count; i++) {
        compact_put_uint(out, nodes.at[i].index);
        compact_put_uint(out, nodes.at[i].size);
        put_raw(out, nodes.at[i].hash, TREE_HASH_BYTES);
    }
}

static FeedNodeList get_nodes(CompactIn *in, Arena *arena)
{
    uint64_t count = compact_count(in, 2 + TREE_HASH_BYTES);

    if (count > FEED_PROOF_NODES_MAX)
        in->bad = true;
    if (in->bad)
        return (FeedNodeList){0};
    TreeNode *nodes = arena_new(arena, TreeNode, count + 1);
    for (uint64_t i = 0; i < count; i++) {
        nodes[i].index = compact_uint(in);
        nodes[i].size = compact_uint(in);
        Str hash = compact_raw(in, TREE_HASH_BYTES);
        if (nodes[i].index > 2 * TREE_LENGTH_MAX)
            in->bad = true;
        if (!in->bad)
            memcpy(nodes[i].hash, hash.ptr, TREE_HASH_BYTES);
    }
    return (FeedNodeList){nodes, (size_t)count};
}

void alpha_put_data(Buf *out, const AlphaData *data)
{
    const FeedProof *proof = &data->proof;

    compact_put_uint(out, part_flag(proof->part) | (proof->seek ? HAS_SEEK : 0) |
                              (proof->upgrade ? HAS_UPGRADE : 0) | (proof->manifest.len ? HAS_MANIFEST : 0));
    compact_put_uint(out, data->id);
    compact_put_uint(out, proof->fork);
    if (proof->part != FEED_PART_NONE) {
        compact_put_uint(out, proof->index);
        if (proof->part == FEED_PART_BLOCK)
            compact_put_buffer(out, proof->value);
        put_nodes(out, proof->nodes);
    }
    if (proof->seek) {
        compact_put_uint(out, proof->seek_bytes);
        put_nodes(out, proof->seek_nodes);
    }
    if (proof->upgrade) {
        compact_put_uint(out, proof->start);
        compact_put_uint(out, proof->length);
        put_nodes(out, proof->upgrade_nodes);
        put_nodes(out, proof->more_nodes);
        compact_put_buffer(out, proof->signature);
    }
    buf_put(out, proof->manifest);
}

bool alpha_get_data(Str bytes, Arena *arena, AlphaData *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    uint64_t flags = compact_uint(&in);
    AlphaData data = {.id = compact_uint(&in)};
    FeedProof *proof = &data.proof;

    proof->fork = compact_uint(&in);
    proof->part = flags & HAS_BLOCK ? FEED_PART_BLOCK : flags & HAS_HASH ? FEED_PART_HASH : FEED_PART_NONE;
    proof->seek = flags & HAS_SEEK;
    proof->upgrade = flags & HAS_UPGRADE;
    if (proof->part != FEED_PART_NONE) {
        proof->index = compact_uint(&in);
        if (proof->part == FEED_PART_BLOCK)
            proof->value = compact_buffer(&in);
        proof->nodes = get_nodes(&in, arena);
    }
    if (proof->seek) {
        proof->seek_bytes = compact_uint(&in);
        proof->seek_nodes = get_nodes(&in, arena);
    }
    if (proof->upgrade) {
        proof->start = compact_uint(&in);
        proof->length = compact_uint(&in);
        proof->upgrade_nodes = get_nodes(&in, arena);
        proof->more_nodes = get_nodes(&in, arena);
        proof->signature = compact_buffer(&in);
    }
    if (flags & HAS_MANIFEST) {
        proof->manifest = in.rest; /* its reader knows where it ends */
        in.bad |= proof->manifest.len == 0;
    }
    if (in.bad || proof->index > 2 * TREE_LENGTH_MAX || ((flags & HAS_BLOCK) && (flags & HAS_HASH)))
        return is_none(err, "data");
    *out = data;
    return true;
}

enum { NO_DATA_REASON = 1 };

void alpha_put_no_data(Buf *out, const AlphaNoData *no_data)
{
    compact_put_uint(out, no_data->id);
    if (no_data->reason) {
        compact_put_uint(out, NO_DATA_REASON);
        compact_put_uint(out, no_data->reason);
    }
}

bool alpha_get_no_data(Str bytes, AlphaNoData *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    AlphaNoData no_data = {.id = compact_uint(&in)};

    if (!in.bad && in.rest.len > 0 && compact_uint(&in) & NO_DATA_REASON)
        no_data.reason = compact_uint(&in);
    if (in.bad)
        return is_none(err, "no data");
    *out = no_data;
    return true;
}

/* ---- what is held ---- */

static void put_pair(Buf *out, uint64_t start, uint64_t length)
{
    compact_put_uint(out, start);
    compact_put_uint(out, length);
}

void alpha_put_want(Buf *out, const AlphaRange *want)
{
    put_pair(out, want->start, want->length);
}

static bool is_range(const CompactIn *in, const AlphaRange *range)
{
    return !in->bad && range->start <= TREE_LENGTH_MAX && range->length <= TREE_LENGTH_MAX;
}

bool alpha_get_want(Str bytes, AlphaRange *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    AlphaRange want = {.start = compact_uint(&in)};

    want.length = compact_uint(&in);
    if (!is_range(&in, &want))
        return is_none(err, "want");
    *out = want;
    return true;
}

enum { WORD = 4 };

void alpha_put_bitfield(Buf *out, const AlphaBitfield *bitfield)
{
    put_pair(out, bitfield->start, bitfield->words.len / WORD);
    buf_put(out, bitfield->words);
}

bool alpha_get_bitfield(Str bytes, AlphaBitfield *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    AlphaBitfield bitfield = {.start = compact_uint(&in)};
    uint64_t count = compact_count(&in, WORD);

    bitfield.words = compact_raw(&in, count * WORD);
    if (in.bad || bitfield.start > TREE_LENGTH_MAX)
        return is_none(err, "bitfield");
    *out = bitfield;
    return true;
}

enum { RANGE_DROP = 1, RANGE_ONE = 2 };

void alpha_put_range(Buf *out, const AlphaRange *range)
{
    compact_put_uint(out, (range->drop ? RANGE_DROP : 0) | (range->length == 1 ? RANGE_ONE : 0));
    compact_put_uint(out, range->start);
    if (range->length != 1)
        compact_put_uint(out, range->length);
}

bool alpha_get_range(Str bytes, AlphaRange *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    uint64_t flags = compact_uint(&in);
    AlphaRange range = {.start = compact_uint(&in), .length = 1, .drop = flags & RANGE_DROP};

    if (!(flags & RANGE_ONE))
        range.length = compact_uint(&in);
    if (!is_range(&in, &range))
        return is_none(err, "range");
    *out = range;
    return true;
}

void alpha_put_extension(Buf *out, const AlphaExtension *extension)
{
    compact_put_buffer(out, extension->name);
    buf_put(out, extension->bytes);
}

bool alpha_get_extension(Str bytes, AlphaExtension *out, Err *err)
{
    CompactIn in = compact_in(bytes);
    AlphaExtension extension = {.name = compact_buffer(&in)};

    extension.bytes = in.rest;
    if (in.bad)
        return is_none(err, "extension");
    *out = extension;
    return true;
}
