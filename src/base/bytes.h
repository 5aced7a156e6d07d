/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes -- little-endian numbers in files
 *
 * A BytesIn reads bytes from anywhere: what is not there makes it `bad`, from then on it gives zeros and empty pieces, and
 * whoever reads asks once, at the end: bytes_done().
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/buf.h"

static inline void bytes_put(Buf *buf, uint64_t number, int bytes)
{
    char raw[8];

    for (int i = 0; i < 8; i++)
        raw[i] = (char)(number >> (8 * i));
    buf_put(buf, (Str){raw, (size_t)bytes});
}

static inline uint64_t bytes_get(const char *from, int bytes)
{
    uint64_t number = 0;

    for (int i = bytes; i-- > 0;)
        number = number << 8 | (unsigned char)from[i];
    return number;
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
