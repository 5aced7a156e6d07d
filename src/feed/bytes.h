/* SPDX-License-Identifier: Apache-2.0 */
/* feed/bytes -- little-endian numbers in the files of a feed */
#ifndef FEED_BYTES_H
#define FEED_BYTES_H

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

#endif
