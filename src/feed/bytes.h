/* SPDX-License-Identifier: Apache-2.0 */
/* feed/bytes -- little-endian numbers in the files of a feed */
#ifndef FEED_BYTES_H
#define FEED_BYTES_H

#include "base/buf.h"

static inline void bytes_put(Buf *buf, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_put_byte(buf, (char)(number >> (8 * i)));
}

static inline uint64_t bytes_get(const char *from, int bytes)
{
    uint64_t number = 0;

    for (int i = bytes; i-- > 0;)
        number = number << 8 | (unsigned char)from[i];
    return number;
}

#endif
