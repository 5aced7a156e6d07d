/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { MICROS = 1000000, DAY_SECONDS = 86400 };

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * MICROS + now.tv_nsec / 1000;
}

Instant time_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

Duration time_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void time_sleep(Duration duration)
{
    struct timespec left = {.tv_sec = duration / MICROS, .tv_nsec = duration % MICROS * 1000};

    while (duration > 0 && nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Source: H. Hinnant, "chrono-compatible low-level date algorithms": eras of 400 years, years from March. */
int64_t time_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void time_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

Str time_format(Instant at, char out[TIME_TEXT_MAX])
{
    int64_t seconds = at / MICROS - (at % MICROS < 0);
    int micros = (int)(at - seconds * MICROS);
    int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
    int of_day = (int)(seconds - days * DAY_SECONDS);
    int64_t year;
    int month, day;

    time_civil_from_days(days, &year, &month, &day);
    int len = snprintf(out, TIME_TEXT_MAX, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)year, month, day,
                       of_day / 3600, of_day / 60 % 60, of_day % 60);
    if (micros % 1000)
        len += snprintf(out + len, (size_t)(TIME_TEXT_MAX - len), ".%06d", micros);
    else if (micros)
        len += snprintf(out + len, (size_t)(TIME_TEXT_MAX - len), ".%03d", micros / 1000);
    out[len++] = 'Z';
    out[len] = '\0';
    return (Str){out, (size_t)len};
}

/* Takes exactly `digits` decimal digits from the front of *text. */
static bool take_number(Str *text, size_t digits, int *out)
{
    int value = 0;

    if (text->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return false;
        value = value * 10 + (text->ptr[i] - '0');
    }
    *text = str_sub(*text, digits, text->len);
    *out = value;
    return true;
}

static bool take_char(Str *text, const char *any_of)
{
    for (; text->len && *any_of; any_of++)
        if (text->ptr[0] == *any_of) {
            *text = str_sub(*text, 1, text->len);
            return true;
        }
    return false;
}

/* ".5", ".123456789": microseconds, the rest cut off. No fraction is 0. */
static bool take_fraction(Str *text, int *micros)
{
    int unit = MICROS / 10;

    *micros = 0;
    if (!take_char(text, "."))
        return true;
    if (!text->len || text->ptr[0] < '0' || text->ptr[0] > '9')
        return false;
    for (int digit; take_number(text, 1, &digit); unit /= 10)
        *micros += digit * unit;
    return true;
}

/* "Z", "+10:00", "-0330", "+10" or nothing; seconds east of UTC. */
static bool take_offset(Str *text, int *seconds)
{
    int hours, minutes = 0;

    *seconds = 0;
    if (text->len == 0 || take_char(text, "Zz"))
        return text->len == 0;
    int sign = text->ptr[0] == '-' ? -1 : 1;
    if (!take_char(text, "+-") || !take_number(text, 2, &hours))
        return false;
    (void)take_char(text, ":");
    if (text->len && !take_number(text, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return text->len == 0 && hours < 24 && minutes < 60;
}

static bool take_date(Str *text, int64_t *days)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;

    if (!take_number(text, 4, &year) || !take_char(text, "-") || !take_number(text, 2, &month) ||
        !take_char(text, "-") || !take_number(text, 2, &day))
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return false;
    *days = time_days_from_civil(year, month, day);
    return true;
}

bool time_parse(Str text, Instant *out)
{
    int64_t days;
    int hour = 0, minute = 0, second = 0, micros = 0, offset = 0;

    if (!take_date(&text, &days))
        return false;
    if (take_char(&text, "Tt ")) {
        if (!take_number(&text, 2, &hour) || !take_char(&text, ":") || !take_number(&text, 2, &minute))
            return false;
        if (take_char(&text, ":") && (!take_number(&text, 2, &second) || !take_fraction(&text, &micros)))
            return false;
    }
    (void)take_char(&text, " ");
    if (!take_offset(&text, &offset) || hour > 24 || minute > 59 || second > 60)
        return false;
    *out = (days * DAY_SECONDS + (int64_t)hour * 3600 + (int64_t)minute * 60 + second - offset) * MICROS +
           micros;
    return true;
}

bool time_parse_duration(Str text, Duration *out)
{
    static const struct {
        const char *unit;
        double micros;
    } units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}, {"h", 3.6e9}, {"d", 8.64e10}};
    size_t digits = 0;
    double value;

    while (digits < text.len &&
           ((text.ptr[digits] >= '0' && text.ptr[digits] <= '9') || text.ptr[digits] == '.'))
        digits++;
    if (!str_to_double(str_sub(text, 0, digits), &value))
        return false;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (str_eq_z(str_sub(text, digits, text.len), units[i].unit) && value * units[i].micros < 9e18) {
            *out = (Duration)(value * units[i].micros);
            return true;
        }
    return false;
}
