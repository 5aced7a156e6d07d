/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Str str_from_z(const char *z)
{
    return z ? (Str){z, strlen(z)} : (Str){0};
}

bool str_eq(Str a, Str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_z(Str a, const char *z)
{
    return str_eq(a, str_from_z(z));
}

int str_cmp(Str a, Str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(Str s, Str prefix)
{
    return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(Str s, Str suffix)
{
    return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, s.len), suffix);
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_trim(Str s)
{
    while (s.len && blank(s.ptr[0]))
        s = str_sub(s, 1, s.len);
    while (s.len && blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

Str str_sub(Str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return s.ptr ? (Str){s.ptr + from, to - from} : s;
}

Str str_cut(Str s, char sep, Str *head)
{
    const char *at = s.len ? memchr(s.ptr, sep, s.len) : NULL;

    if (!at) {
        *head = s;
        return (Str){0};
    }
    *head = (Str){s.ptr, (size_t)(at - s.ptr)};
    return (Str){at + 1, s.len - head->len - 1};
}

static size_t after_last_slash(Str path)
{
    const char *at = path.len ? memrchr(path.ptr, '/', path.len) : NULL;

    return at ? (size_t)(at - path.ptr) + 1 : 0;
}

Str str_base_name(Str path)
{
    return str_sub(path, after_last_slash(path), path.len);
}

Str str_dir_name(Str path)
{
    size_t at = after_last_slash(path);

    if (at == 0)
        return STR(".");
    return str_sub(path, 0, at == 1 ? 1 : at - 1);
}

char *str_to_z(Arena *arena, Str s)
{
    char *z = arena_new(arena, char, s.len + 1);

    if (s.len)
        memcpy(z, s.ptr, s.len);
    return z;
}

Str str_copy(Arena *arena, Str s)
{
    return (Str){str_to_z(arena, s), s.len};
}

Str str_printf(Arena *arena, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    size_t size = (size_t)(len < 0 ? 0 : len) + 1;
    char *out = arena_new(arena, char, size);
    (void)vsnprintf(out, size, fmt, again);
    va_end(again);
    return (Str){out, size - 1};
}

enum { NUMBER_MAX = 63 }; /* characters; longer than any number that fits */

/* A NUL terminated copy in `out`, because strtol and friends need one. */
static bool number_to_z(Str s, char out[NUMBER_MAX + 1])
{
    if (s.len == 0 || s.len > NUMBER_MAX || blank(s.ptr[0]))
        return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    errno = 0;
    return strlen(out) == s.len;
}

bool str_to_int64(Str s, int64_t *out)
{
    char z[NUMBER_MAX + 1], *end;

    if (!number_to_z(s, z))
        return false;
    long long value = strtoll(z, &end, 10);
    if (errno || *end)
        return false;
    *out = value;
    return true;
}

bool str_to_uint64(Str s, uint64_t *out)
{
    char z[NUMBER_MAX + 1], *end;

    if (!number_to_z(s, z) || z[0] == '-')
        return false;
    unsigned long long value = strtoull(z, &end, 10);
    if (errno || *end)
        return false;
    *out = value;
    return true;
}

/* 16 for what is no digit. */
static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;
}

bool str_to_bytes(Str hex, void *out, size_t len)
{
    unsigned char *to = out;

    if (hex.len != 2 * len)
        return false;
    for (size_t i = 0; i < hex.len; i++)
        if (hex_value(hex.ptr[i]) > 15)
            return false;
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)(hex_value(hex.ptr[2 * i]) << 4 | hex_value(hex.ptr[2 * i + 1]));
    return true;
}

bool str_to_double(Str s, double *out)
{
    char z[NUMBER_MAX + 1], *end;

    if (!number_to_z(s, z))
        return false;
    double value = strtod(z, &end);
    if (errno || *end)
        return false;
    *out = value;
    return true;
}

/* Length of the valid UTF-8 sequence at the start of `p`, 0 when there is none. RFC 3629 section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0], low = 0x80, high = 0xbf;
    size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;

    if (len < 2)
        return len;
    if (len > left)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

size_t str_utf8_prefix(Str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t at = 0;

    while (at < s.len) {
        /* Eight plain bytes at a time: nearly all text that comes here is ASCII. */
        uint64_t eight;
        if (s.len - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                at += sizeof eight;
                continue;
            }
        }
        size_t len = utf8_sequence(p + at, s.len - at);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

int str_distance(Str a, Str b, int limit)
{
    enum { WORD_MAX = 64 };
    int row[WORD_MAX + 1];

    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return limit + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        int diagonal = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            int change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            int add = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = change < add ? change : add;
        }
    }
    return row[b.len] > limit ? limit + 1 : row[b.len];
}

Str str_nearest(Str word, const Str *names, size_t count)
{
    int best = (int)(word.len / 3) + 1;
    Str nearest = {0};

    for (size_t i = 0; i < count && best > 0; i++) {
        int distance = str_distance(word, names[i], best);

        if (distance <= best && distance < (int)names[i].len) {
            nearest = names[i];
            best = distance - 1;
        }
    }
    return nearest;
}
