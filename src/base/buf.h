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

/* Makes room for `more` bytes and returns where they go; the caller then adds to buf->len. */
char *buf_reserve(Buf *buf, size_t more);

void buf_put(Buf *buf, Str s);
void buf_put_z(Buf *buf, const char *z);
void buf_put_byte(Buf *buf, char c);
void buf_put_int(Buf *buf, int64_t value); /* decimal */
void buf_printf(Buf *buf, const char *fmt, ...) ATTR_PRINTF(2, 3);
void buf_put_hex(Buf *buf, const void *bytes, size_t len); /* lower case */
void buf_put_base64(Buf *buf, Str bytes);                  /* RFC 4648 section 4, with padding, in one line */

/* Drops the first `n` bytes. */
void buf_consume(Buf *buf, size_t n);

#endif
