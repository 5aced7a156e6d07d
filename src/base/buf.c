/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_release(Buf *buf)
{
    free(buf->ptr);
    *buf = (Buf){0};
}

char *buf_grow(Buf *buf, size_t more)
{
    if (more > SIZE_MAX / 4 - buf->len)
        abort();
    size_t size = buf->size < 256 ? 256 : buf->size * 2;
    if (size < buf->len + more)
        size = buf->len + more;
    char *ptr = realloc(buf->ptr, size);
    if (!ptr) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    buf->ptr = ptr;
    buf->size = size;
    return ptr + buf->len;
}

void buf_put_z(Buf *buf, const char *z)
{
    buf_put(buf, str_from_z(z));
}

void buf_put_int(Buf *buf, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do
        digits[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        buf_put_byte(buf, '-');
    buf_put(buf, (Str){digits + at, sizeof digits - at});
}

void buf_printf(Buf *buf, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len > 0) {
        (void)vsnprintf(buf_reserve(buf, (size_t)len + 1), (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_put_hex(Buf *buf, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    char *out = buf_reserve(buf, len * 2);

    for (size_t i = 0; i < len; i++) {
        *out++ = "0123456789abcdef"[p[i] >> 4];
        *out++ = "0123456789abcdef"[p[i] & 15];
    }
    buf->len += len * 2;
}

void buf_consume(Buf *buf, size_t n)
{
    if (n > buf->len)
        n = buf->len;
    if (n)
        memmove(buf->ptr, buf->ptr + n, buf->len - n);
    buf->len -= n;
}

void buf_put_base64(Buf *buf, Str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to = buf_reserve(buf, (bytes.len + 2) / 3 * 4);

    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t count = bytes.len - at < 3 ? bytes.len - at : 3;
        unsigned bits = 0;

        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < count ? (unsigned char)bytes.ptr[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            *to++ = i <= count ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
    buf->len += (bytes.len + 2) / 3 * 4;
}
