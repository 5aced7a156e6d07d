/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf -- bytes that grow at the end
 *
 * A Buf owns its memory (malloc, so that growing a large one can be done in place) until buf_release(),
 * which BUF_SCOPE calls. buf_str() is valid until the next byte is put.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <string.h>

#include "base/str.h"

typedef struct Buf {
    char *ptr;
    size_t len, size;
} Buf;

#define BUF_SCOPE(name) ATTR_CLEANUP(buf_release) Buf name = {0}

void buf_release(Buf *buf);
static inline void buf_reset(Buf *buf)
{
    buf->len = 0;
}
static inline Str buf_str(const Buf *buf)
{
    return (Str){buf->ptr, buf->len};
}

char *buf_grow(Buf *buf, size_t more); /* buf_reserve() where there is no room */

/* Makes room for `more` bytes and returns where they go; the caller then adds to buf->len. */
static inline char *buf_reserve(Buf *buf, size_t more)
{
    return buf->size - buf->len >= more ? buf->ptr + buf->len : buf_grow(buf, more);
}

static inline void buf_put(Buf *buf, Str s)
{
    if (s.len == 0)
        return;
    memcpy(buf_reserve(buf, s.len), s.ptr, s.len);
    buf->len += s.len;
}

static inline void buf_put_byte(Buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->len++;
}

void buf_put_z(Buf *buf, const char *z);
void buf_put_int(Buf *buf, int64_t value); /* decimal */
void buf_printf(Buf *buf, const char *fmt, ...) ATTR_PRINTF(2, 3);
void buf_put_hex(Buf *buf, const void *bytes, size_t len); /* lower case */
void buf_put_base64(Buf *buf, Str bytes);                  /* RFC 4648 section 4, with padding, in one line */

/* Drops the first `n` bytes. */
void buf_consume(Buf *buf, size_t n);

#endif
