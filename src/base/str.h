/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str -- a view of bytes: pointer and length, not necessarily NUL terminated, never owned
 *
 * Pass by value. A Str lives as long as what it points into, usually an Arena.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct Str {
    const char *ptr;
    size_t len;
} Str;

/* A Str from a literal, and the two halves of printf: "%.*s", STR_ARG(s). */
#define STR(literal) ((Str){(literal), sizeof(literal) - 1})
#define STR_ARG(s)   (int)(s).len, (s).ptr

Str str_from_z(const char *z); /* NULL gives the empty Str */
bool str_eq(Str a, Str b);
bool str_eq_z(Str a, const char *z);
int str_cmp(Str a, Str b); /* by bytes, as memcmp; a prefix comes first */
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
Str str_trim(Str s);                        /* without the blanks at both ends */
Str str_sub(Str s, size_t from, size_t to); /* [from, to), both cut to the length */

/* Splits at the first `sep`; *head gets what is before it, and what is after it is returned. */
Str str_cut(Str s, char sep, Str *head);

/* The last part of a path and all before it, as basename(1) and dirname(1) of a path without a trailing slash. */
Str str_base_name(Str path);
Str str_dir_name(Str path);

/* Copies: NUL terminated, for the calls that need one; and as a Str (NUL terminated as well). */
char *str_to_z(Arena *arena, Str s);
Str str_copy(Arena *arena, Str s);
Str str_printf(Arena *arena, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Whole decimal numbers, nothing before or behind; false when they are not, or do not fit. */
bool str_to_int64(Str s, int64_t *out);
bool str_to_uint64(Str s, uint64_t *out);
bool str_to_double(Str s, double *out);

/* Exactly `len` bytes in hexadecimal, of either case; false, with `out` as it was, when it is anything else. */
bool str_to_bytes(Str hex, void *out, size_t len);

/* How many bytes at the start of `s` are valid UTF-8 (RFC 3629; no surrogates, no overlong forms). */
size_t str_utf8_prefix(Str s);

/* The edit distance of two words, for "did you mean"; at most `limit` + 1. */
int str_distance(Str a, Str b, int limit);

/* The name that `word` was probably meant to be, or the empty Str where none is near. */
Str str_nearest(Str word, const Str *names, size_t count);

#endif
