/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_scan -- the parts of JSON (RFC 8259) one after another, from a text that is UTF-8
 *
 * Each passes what it takes, and blanks in front of it where it says so. On failure the Err names the byte.
 */
#ifndef CATALOG_POSIX_SCAN_H
#define CATALOG_POSIX_SCAN_H

#include "base/str.h"

typedef struct Scan {
    Str json;
    size_t at;
    Arena *arena; /* for strings that hold escapes */
    Err *err;
} Scan;

/* ERR_USAGE with the place. */
bool scan_refuse(Scan *scan, const char *what);

/* The byte that stands here, 0 at the end. */
static inline char scan_peek(const Scan *scan)
{
    return scan->at < scan->json.len ? scan->json.ptr[scan->at] : '\0';
}

/* Passes blanks; the byte behind them. */
char scan_blanks(Scan *scan);

/* Passes blanks and `c`; what is missing otherwise is `what`. */
bool scan_take(Scan *scan, char c, const char *what);

/* Blanks and a string, or what follows as it stands: a number, `true`, a whole number of plain digits. */
bool scan_string(Scan *scan, Str *out);
bool scan_number(Scan *scan, Str *out);
bool scan_word(Scan *scan, Str word);
bool scan_plain_uint(Scan *scan, uint64_t *out); /* false, with nothing passed, for any other number */

/* Passes blanks and any value; `nesting` is that of the value itself, and limited. */
bool scan_skip(Scan *scan, int nesting);

#endif
