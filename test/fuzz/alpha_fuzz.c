/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message of hypercore/alpha, its type first: what is read is the same when it is written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "feed/alpha.h"

typedef union Message {
    AlphaSync sync;
    AlphaRequest request;
    uint64_t cancel;
    AlphaData data;
    AlphaNoData no_data;
    AlphaRange range;
    AlphaBitfield bitfield;
    AlphaExtension extension;
    unsigned char open[ALPHA_CAPABILITY_BYTES];
} Message;

/* False: it is none. */
static bool again(unsigned type, Str in, Arena *arena, Buf *out)
{
    Message as;
    Err err = {0};

    switch (type) {
    case ALPHA_SYNC:
        return alpha_get_sync(in, &as.sync, &err) && (alpha_put_sync(out, &as.sync), true);
    case ALPHA_REQUEST:
        return alpha_get_request(in, &as.request, &err) && (alpha_put_request(out, &as.request), true);
    case ALPHA_CANCEL:
        return alpha_get_cancel(in, &as.cancel, &err) && (alpha_put_cancel(out, as.cancel), true);
    case ALPHA_DATA:
        return alpha_get_data(in, arena, &as.data, &err) && (alpha_put_data(out, &as.data), true);
    case ALPHA_NO_DATA:
        return alpha_get_no_data(in, &as.no_data, &err) && (alpha_put_no_data(out, &as.no_data), true);
    case ALPHA_WANT:
    case ALPHA_UNWANT:
        return alpha_get_want(in, &as.range, &err) && (alpha_put_want(out, &as.range), true);
    case ALPHA_BITFIELD:
        return alpha_get_bitfield(in, &as.bitfield, &err) && (alpha_put_bitfield(out, &as.bitfield), true);
    case ALPHA_RANGE:
        return alpha_get_range(in, &as.range, &err) && (alpha_put_range(out, &as.range), true);
    case ALPHA_EXTENSION:
        return alpha_get_extension(in, &as.extension, &err) &&
               (alpha_put_extension(out, &as.extension), true);
    default:
        return alpha_get_open(in, as.open, &err) && (alpha_put_open(out, as.open), true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(one);
    BUF_SCOPE(other);

    if (size == 0 || !again(data[0], (Str){(const char *)data + 1, size - 1}, &arena, &one))
        return 0;
    if (!again(data[0], buf_str(&one), &arena, &other) || !str_eq(buf_str(&one), buf_str(&other)))
        abort();
    return 0;
}
