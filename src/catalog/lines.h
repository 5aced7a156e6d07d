/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines -- a file's lines, unpacked on the way: plain, gzip or zstd by its first bytes
 *
 * Packed parts may stand one after another, as crawl files have them. A NUL byte, an overlong line and
 * bytes that are not text are the reader's to judge: a line is whatever stands between two newlines.
 */
#ifndef CATALOG_LINES_H
#define CATALOG_LINES_H

#include <stdatomic.h>

#include "base/str.h"

enum { LINES_MAX_BYTES = 256 * 1024 * 1024 }; /* of one line, unpacked */

typedef struct Lines Lines;

/*
 * Read from an open descriptor, which stays the caller's. `stop` ends a wait for a pipe or a terminal; it may be NULL.
 * Released with the arena.
 */
Lines *lines_new(Arena *arena, int fd, const atomic_bool *stop);

/*
 * The next line without its newline, valid until the next call; *end turns true instead when there is none.
 *
 * ERR_IO           it cannot be read
 * ERR_CORRUPT      what is packed is damaged or cut off; lines before that were given
 * ERR_LIMIT        a line is longer than LINES_MAX_BYTES
 * ERR_INTERRUPTED  `stop` turned true
 */
bool lines_next(Lines *lines, Str *out, bool *end, Err *err) ATTR_MUST_USE;

/* Number of the line given last, from 1. */
int64_t lines_number(const Lines *lines);

/* Bytes read of the descriptor, packed as they are: for progress. */
int64_t lines_bytes(const Lines *lines);

#endif
