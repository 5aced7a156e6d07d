/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/cf_time.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define DAY_US 86400e6

typedef struct CfUnit {
    const char *name; /* lower case; a final s is optional when longer than two letters */
    double step;      /* microseconds */
    int months;
} CfUnit;

static const CfUnit units_known[] = {
    {"nanosecond", 1e-3, 0},
    {"ns", 1e-3, 0},
    {"microsecond", 1, 0},
    {"microsec", 1, 0},
    {"us", 1, 0},
    {"millisecond", 1e3, 0},
    {"millisec", 1e3, 0},
    {"msec", 1e3, 0},
    {"ms", 1e3, 0},
    {"second", 1e6, 0},
    {"sec", 1e6, 0},
    {"s", 1e6, 0},
    {"minute", 60e6, 0},
    {"min", 60e6, 0},
    {"hour", 3600e6, 0},
    {"hr", 3600e6, 0},
    {"hrs", 3600e6, 0},
    {"h", 3600e6, 0},
    {"day", DAY_US, 0},
    {"d", DAY_US, 0},
    {"week", 7 * DAY_US, 0},
    {"common_year", 365 * DAY_US, 0},
    {"month", 0, 1},
    {"mon", 0, 1},
    {"year", 0, 12},
    {"yr", 0, 12},
};

static const struct {
    const char *name;
    CfCalendar calendar;
} calendars[] = {
    {"standard", CF_STANDARD}, {"gregorian", CF_STANDARD}, {"proleptic_gregorian", CF_PROLEPTIC},
    {"julian", CF_JULIAN},     {"noleap", CF_NOLEAP},      {"no_leap", CF_NOLEAP},
    {"365_day", CF_NOLEAP},    {"all_leap", CF_ALL_LEAP},  {"366_day", CF_ALL_LEAP},
    {"360_day", CF_360_DAY},   {"none", CF_STANDARD},
};

/* --- calendars: a civil date to a count of days that only differences matter of, and back --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* Days before each month of a year that is not (0) or is (1) a leap year. */
static const int month_start[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
};

static bool leap_year(CfCalendar calendar, int64_t year)
{
    switch (calendar) {
    case CF_NOLEAP:
    case CF_360_DAY:
        return false;
    case CF_ALL_LEAP:
        return true;
    case CF_JULIAN:
        return (year & 3) == 0;
    case CF_STANDARD:
        if (year <= 1582)
            return (year & 3) == 0;
        break;
    case CF_PROLEPTIC:
        break;
    }
    return (year & 3) == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(CfCalendar calendar, int64_t year, int month)
{
    const int *start = month_start[leap_year(calendar, year)];

    return calendar == CF_360_DAY ? 30 : start[month] - start[month - 1];
}

/* Julian dates, counted like time_days_from_civil: the day of 1970-01-01 (Gregorian) is 0. */
static int64_t julian_days(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t within = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return 365 * y + floor_div(y, 4) + within - 719470;
}

static void julian_civil(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719470; /* from 0000-03-01 */
    int64_t y = floor_div(4 * shifted + 3, 1461);
    int64_t within = shifted - 365 * y - floor_div(y, 4);
    int64_t m = (5 * within + 2) / 153;

    *day = (int)(within - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + (*month <= 2);
}

static int64_t fixed_year_days(CfCalendar calendar)
{
    return calendar == CF_360_DAY ? 360 : calendar == CF_NOLEAP ? 365 : 366;
}

/* The first Gregorian day of the standard calendar, 1582-10-15. */
enum { GREGORIAN_START = -141427 };

static int64_t days_of(CfCalendar calendar, int64_t year, int month, int day)
{
    switch (calendar) {
    case CF_STANDARD:
        if (year < 1582 || (year == 1582 && (month < 10 || (month == 10 && day < 15))))
            return julian_days(year, month, day);
        return time_days_from_civil(year, month, day);
    case CF_PROLEPTIC:
        return time_days_from_civil(year, month, day);
    case CF_JULIAN:
        return julian_days(year, month, day);
    case CF_360_DAY:
        return year * 360 + (month - 1) * (int64_t)30 + day - 1;
    case CF_NOLEAP:
    case CF_ALL_LEAP:
        break;
    }
    return year * fixed_year_days(calendar) + month_start[calendar == CF_ALL_LEAP][month - 1] + day - 1;
}

static void civil_of(CfCalendar calendar, int64_t days, int64_t *year, int *month, int *day)
{
    if (calendar == CF_PROLEPTIC || (calendar == CF_STANDARD && days >= GREGORIAN_START)) {
        time_civil_from_days(days, year, month, day);
        return;
    }
    if (calendar == CF_JULIAN || calendar == CF_STANDARD) {
        julian_civil(days, year, month, day);
        return;
    }
    *year = floor_div(days, fixed_year_days(calendar));
    days -= *year * fixed_year_days(calendar);
    for (*month = 1; days >= month_days(calendar, *year, *month); (*month)++)
        days -= month_days(calendar, *year, *month);
    *day = (int)days + 1;
}

/* --- units --- */

static bool same_word(Str word, const char *name, bool plural)
{
    size_t len = strlen(name);

    if (plural && word.len == len + 1 && len > 2 && (word.ptr[len] | 0x20) == 's')
        word.len--;
    return word.len == len && strncasecmp(word.ptr, name, len) == 0;
}

static Str next_word(Str *rest)
{
    Str all = str_trim(*rest);
    size_t n = 0;

    while (n < all.len && all.ptr[n] != ' ' && all.ptr[n] != '\t')
        n++;
    *rest = str_trim(str_sub(all, n, all.len));
    return str_sub(all, 0, n);
}

static bool find_unit(Str word, CfTime *time)
{
    for (size_t i = 0; i < COUNT_OF(units_known); i++)
        if (same_word(word, units_known[i].name, true)) {
            time->step = units_known[i].step;
            time->months = units_known[i].months;
            return true;
        }
    return false;
}

static bool since_word(Str word)
{
    static const char *const words[] = {"since", "after", "from", "ref", "@"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (same_word(word, words[i], false))
            return true;
    return false;
}

bool cf_time_is_time(Str units)
{
    CfTime time;
    Str unit = next_word(&units), since = next_word(&units);

    return find_unit(unit, &time) && (since_word(since) || same_word(since, "as", false));
}

/* --- the date after "since" --- */

/* Up to `max` digits; false when there is none. */
static bool take_digits(Str *rest, size_t max, int64_t *out)
{
    size_t n = 0;

    while (n < rest->len && n < max && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        n++;
    if (n == 0 || !str_to_int64(str_sub(*rest, 0, n), out))
        return false;
    *rest = str_sub(*rest, n, rest->len);
    return true;
}

static bool take_byte(Str *rest, char c)
{
    if (rest->len == 0 || (rest->ptr[0] | 0x20) != (c | 0x20))
        return false;
    *rest = str_sub(*rest, 1, rest->len);
    return true;
}

static size_t leading_digits(Str s)
{
    size_t n = 0;

    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

static bool take_dashed_date(Str *rest, int64_t date[3])
{
    bool negative = take_byte(rest, '-');

    (void)take_byte(rest, '+');
    if (!take_digits(rest, 6, &date[0]))
        return false;
    if (negative)
        date[0] = -date[0];
    if (!take_byte(rest, '-'))
        return true;
    return take_digits(rest, 2, &date[1]) && (!take_byte(rest, '-') || take_digits(rest, 2, &date[2]));
}

/* "1970-1-1", "1970-01", "1970" or "19700101" */
static bool take_date(Str *rest, int64_t date[3])
{
    bool packed = leading_digits(*rest) == 8;

    date[1] = date[2] = 1;
    if (packed ? !(take_digits(rest, 4, &date[0]) && take_digits(rest, 2, &date[1]) &&
                   take_digits(rest, 2, &date[2]))
               : !take_dashed_date(rest, date))
        return false;
    return date[1] >= 1 && date[1] <= 12 && date[2] >= 1 && date[2] <= 31;
}

/* "12", "12:0", "12:00:05.25", "120005": microseconds of the day */
static bool take_clock(Str *rest, int64_t *clock)
{
    int64_t part[3] = {0};
    double fraction = 0, scale = 0.1;
    bool packed = leading_digits(*rest) > 2;

    for (int i = 0; i < 3; i++) {
        if (i > 0 && !packed && !take_byte(rest, ':'))
            break;
        if (!take_digits(rest, 2, &part[i])) {
            if (i == 0 || !packed)
                return false;
            break;
        }
    }
    if (take_byte(rest, '.'))
        while (leading_digits(*rest) > 0) {
            fraction += (rest->ptr[0] - '0') * scale;
            scale /= 10;
            *rest = str_sub(*rest, 1, rest->len);
        }
    *clock = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000000 + llround(fraction * 1e6);
    return part[0] <= 24 && part[1] <= 59 && part[2] <= 60;
}

/* "", "Z", "UTC", "GMT", "+10", "-3:30", "+1000": microseconds east of Greenwich */
static bool take_zone(Str zone, int64_t *east)
{
    static const char *const names[] = {"z", "utc", "gmt", "ut"};
    int64_t hours = 0, minutes = 0;
    bool west = zone.len > 0 && zone.ptr[0] == '-';

    *east = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (zone.len == 0 || same_word(zone, names[i], false))
            return true;
    if (!west && zone.ptr[0] != '+' && leading_digits(zone) == 0)
        return false;
    if (west || zone.ptr[0] == '+')
        zone = str_sub(zone, 1, zone.len);
    if (!take_digits(&zone, 2, &hours))
        return false;
    (void)take_byte(&zone, ':');
    if (zone.len > 0 && !take_digits(&zone, 2, &minutes))
        return false;
    *east = (hours * 60 + minutes) * 60000000 * (west ? -1 : 1);
    return zone.len == 0 && hours <= 14 && minutes <= 59;
}

static bool set_start(CfTime *time, Str text)
{
    int64_t date[3], clock = 0, east = 0;

    if (!take_date(&text, date) || date[2] > month_days(time->calendar, date[0], (int)date[1]))
        return false;
    if (!take_byte(&text, 't'))
        text = str_trim(text);
    if (leading_digits(text) > 0 && !take_clock(&text, &clock))
        return false;
    if (!take_zone(str_trim(text), &east))
        return false;
    time->day = days_of(time->calendar, date[0], (int)date[1], (int)date[2]);
    time->clock = clock - east;
    return true;
}

static bool set_calendar(CfTime *time, Str name)
{
    name = str_trim(name);
    if (name.len == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(calendars); i++)
        if (same_word(name, calendars[i].name, false)) {
            time->calendar = calendars[i].calendar;
            return true;
        }
    return false;
}

bool cf_time_init(CfTime *out, Str units, Str calendar, Err *err)
{
    CfTime time = {0};
    Str rest = units, unit = next_word(&rest), since = next_word(&rest);

    if (!set_calendar(&time, calendar))
        return err_set(err, ERR_USAGE, "the calendar '%.*s' is unknown", STR_ARG(calendar));
    if (!find_unit(unit, &time))
        return err_set(err, ERR_USAGE, "the time unit '%.*s' is unknown", STR_ARG(units));
    if (same_word(since, "as", false) && str_starts(rest, STR("%Y%m%d"))) {
        time.packed = true;
        time.step = time.months = 0;
    } else if (!since_word(since)) {
        return err_set(err, ERR_USAGE, "the time unit '%.*s' has no start date", STR_ARG(units));
    } else if (!set_start(&time, rest)) {
        return err_set(err, ERR_USAGE, "the start date of '%.*s' cannot be read", STR_ARG(units));
    }
    *out = time;
    return true;
}

/* --- values --- */

static bool put_instant(CfCalendar calendar, int64_t day, int64_t clock, Instant *out)
{
    int64_t year;
    int month, of_month, last;

    day += floor_div(clock, (int64_t)DAY_US);
    clock -= floor_div(clock, (int64_t)DAY_US) * (int64_t)DAY_US;
    civil_of(calendar, day, &year, &month, &of_month);
    if (year < 1 || year > 9999)
        return false;
    last = month_days(CF_PROLEPTIC, year, month);
    *out = time_days_from_civil(year, month, of_month < last ? of_month : last) * (int64_t)DAY_US + clock;
    return true;
}

/* Steps of months: whole ones on the calendar, then a part of the month or year that begins there. */
static bool month_instant(const CfTime *time, double value, Instant *out)
{
    double whole = floor(value);
    int64_t year, next_year, at, day, next;
    int month, of_month, last;

    civil_of(time->calendar, time->day, &year, &month, &of_month);
    at = year * 12 + month - 1 + (int64_t)whole * time->months;
    year = floor_div(at, 12);
    month = (int)(at - year * 12) + 1;
    last = month_days(time->calendar, year, month);
    day = days_of(time->calendar, year, month, of_month < last ? of_month : last);
    at += time->months;
    next_year = floor_div(at, 12);
    next = days_of(time->calendar, next_year, (int)(at - next_year * 12) + 1, 1) -
           days_of(time->calendar, year, month, 1);
    return put_instant(time->calendar, day,
                       time->clock + llround((value - whole) * (double)next * DAY_US / 1000) * 1000, out);
}

static bool packed_instant(const CfTime *time, double value, Instant *out)
{
    int64_t date = (int64_t)floor(value);
    int month = (int)(date / 100 % 100), day = (int)(date % 100);

    if (date < 10101 || month < 1 || month > 12 || day < 1 ||
        day > month_days(time->calendar, date / 10000, month))
        return false;
    return put_instant(time->calendar, days_of(time->calendar, date / 10000, month, day),
                       llround((value - floor(value)) * DAY_US / 1e6) * 1000000, out);
}

bool cf_time_instant(const CfTime *time, double value, Instant *out)
{
    /* Far more than ten thousand years of any unit, and far from the end of an int64_t. */
    const double limit = 4e17;
    double whole, offset;

    if (!isfinite(value))
        return false;
    if (time->packed)
        return value > 0 && value < 1e9 && packed_instant(time, value, out);
    if (time->months > 0)
        return fabs(value) < 1e6 && month_instant(time, value, out);
    if (fabs(value * time->step) > limit)
        return false;
    if (time->step < 1)
        return put_instant(time->calendar, time->day, time->clock + llround(value * time->step), out);
    /* Whole steps first: they are exact, and only the fraction is rounded. */
    whole = floor(value);
    offset = (value - whole) * time->step;
    offset = time->step > 1000 ? round(offset / 1000) * 1000 : round(offset);
    return put_instant(time->calendar, time->day,
                       time->clock + (int64_t)whole * (int64_t)time->step + (int64_t)offset, out);
}
