/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time -- instants and durations in microseconds
 *
 * An instant counts from 1970-01-01T00:00:00Z without leap seconds. Texts are RFC 3339 in UTC.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/str.h"

typedef int64_t Instant;  /* microseconds since 1970-01-01T00:00:00Z */
typedef int64_t Duration; /* microseconds */

#define MILLISECONDS(n) ((Duration)(n)*1000)
#define SECONDS(n)      ((Duration)(n)*1000000)

Instant time_now(void);
Duration time_monotonic(void); /* from an arbitrary start; never goes back */
void time_sleep(Duration duration);

enum { TIME_TEXT_MAX = 40 };

/* "2026-11-21T02:20:32Z", with 3 or 6 digits of a fraction when it is not whole. Returns `out`. */
Str time_format(Instant at, char out[TIME_TEXT_MAX]);

/* RFC 3339 with `T` or a blank, any offset, a fraction, or a date alone (midnight UTC). */
bool time_parse(Str text, Instant *out);

/* Civil date to days since 1970-01-01 (proleptic Gregorian) and back. month 1..12, day 1..31. */
int64_t time_days_from_civil(int64_t year, int month, int day);
void time_civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* "90ms", "1.5s", "10m", "2h", "7d"; a bare number is refused. */
bool time_parse_duration(Str text, Duration *out);

#endif
