/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes -- little-endian numbers in files
 *
 * A BytesIn reads bytes from anywhere: what is not there makes it `bad`, from then on it gives zeros and empty pieces, and
 * whoever reads asks once, at the end: bytes_done().
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>

#include "base/buf.h"

/* `bytes` is at most 8: eight are written where there is room for them, and so many of them stay. */
static inline void bytes_put(Buf *buf, uint64_t number, int bytes)
{
    uint64_t raw = htole64(number);

    memcpy(buf_reserve(buf, sizeof raw), &raw, sizeof raw);
    buf->len += (size_t)bytes;
}

static inline uint64_t bytes_get(const char *from, int bytes)
{
    uint64_t raw = 0;

    memcpy(&raw, from, (size_t)bytes);
    return le64toh(raw);
}

typedef struct BytesIn {
    Str rest;
    bool bad;
} BytesIn;

/* The next `len` bytes, in place. */
static inline Str bytes_take_str(BytesIn *in, size_t len)
{
    if (in->bad || in->rest.len < len) {
        in->bad = true;
        return (Str){"", 0};
    }
    Str piece = {in->rest.ptr, len};
    in->rest = (Str){in->rest.ptr + len, in->rest.len - len};
    return piece;
}

static inline uint64_t bytes_take(BytesIn *in, int bytes)
{
    Str piece = bytes_take_str(in, (size_t)bytes);

    return in->bad ? 0 : bytes_get(piece.ptr, bytes);
}

/* Copies the next `len` bytes, or zeros. */
static inline void bytes_take_to(BytesIn *in, void *out, size_t len)
{
    Str piece = bytes_take_str(in, len);

    memset(out, 0, len);
    if (piece.len)
        memcpy(out, piece.ptr, len);
}

/* Whether all has been read, and nothing was missing. */
static inline bool bytes_done(const BytesIn *in)
{
    return !in->bad && in->rest.len == 0;
}

#endif
