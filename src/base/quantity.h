/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity -- amounts as people write them: 64K, 1.5GiB, 90s, 2h
 *
 * Bytes: K M G T P and KiB MiB ... are powers of 1024, kB KB MB GB ... powers of 1000; none means bytes.
 * Durations are read by time_parse_duration().
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include "base/time.h"

enum { QUANTITY_TEXT_MAX = 32 };

/* False when the text is no such amount, or passes INT64_MAX. */
bool quantity_parse_bytes(Str text, int64_t *out);

/* "17 B", "1.5 KiB", "228 GiB": at most four digits. Return `out`. */
Str quantity_format_bytes(int64_t bytes, char out[QUANTITY_TEXT_MAX]);
/* "850 us", "90 ms", "1.5 s", "2 min 5 s", "3 h 20 min", "4 d 2 h". */
Str quantity_format_duration(Duration duration, char out[QUANTITY_TEXT_MAX]);
/* "950", "12.3k", "4.56M": for rates and counts that change while one looks. */
Str quantity_format_count(double count, char out[QUANTITY_TEXT_MAX]);

#endif
