/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cf_time -- numbers on a time axis to instants (CF conventions 1.10, section 4.4)
 *
 *     CfTime time;
 *     if (cf_time_init(&time, STR("Hours since 1900-1-1 0:0 +00:00"), STR("noleap"), &err) &&
 *         cf_time_instant(&time, 12.5, &at)) ...
 *
 * Units, in any case, singular or plural or UDUNITS' short form: nanosecond, microsecond, millisecond, second,
 * minute, hour, day, week, common_year (365 days), month, year. Months and years are steps on the calendar: month 1
 * since January 31st is the last of February, and a fraction is that part of the month (year) that begins
 * there. UDUNITS itself takes 30.436875 days; producers who write "months since" mean the calendar, and the
 * original read it so. "day as %Y%m%d.%f" (written by CDO) is understood as well.
 *
 * The date after "since" may lack digits, the time of day, seconds and the zone; it may be joined by `T`, end
 * in `Z`, `UTC` or `GMT`, or carry an offset such as +10, +10:00, +1000.
 *
 * Calendars: standard and gregorian (Julian before 1582-10-15), proleptic_gregorian, julian, noleap and
 * 365_day, all_leap and 366_day, 360_day. An instant carries the calendar's own year, month, day and time of
 * day, read as UTC. A day that the Gregorian month does not have (30 February of 360_day) becomes its last.
 * Results are rounded to milliseconds, unless the unit is shorter, because days as floating-point numbers
 * are not exact.
 */
#ifndef EXTRACT_CF_TIME_H
#define EXTRACT_CF_TIME_H

#include "base/time.h"

typedef enum CfCalendar {
    CF_STANDARD,
    CF_PROLEPTIC,
    CF_JULIAN,
    CF_NOLEAP,
    CF_ALL_LEAP,
    CF_360_DAY
} CfCalendar;

typedef struct CfTime {
    CfCalendar calendar;
    double step;   /* microseconds; 0 when the unit is months or a packed date */
    int months;    /* months a step has; 0 when it has a fixed length */
    bool packed;   /* values are yyyymmdd.fraction */
    int64_t day;   /* the date after "since", in days of the calendar */
    int64_t clock; /* and its time of day less its zone, microseconds; may be negative or above a day */
} CfTime;

/*
 * Read the `units` and `calendar` (empty: standard) attributes of a time axis.
 *
 * ERR_USAGE  they are not a time axis's, or the date or calendar is unknown
 */
bool cf_time_init(CfTime *time, Str units, Str calendar, Err *err) ATTR_MUST_USE;

/* Whether `units` look like those of a time axis: a unit, then "since" or "as". */
bool cf_time_is_time(Str units);

/* False when `value` is not finite, or the result is outside the years 1 to 9999. */
bool cf_time_instant(const CfTime *time, double value, Instant *out);

#endif
