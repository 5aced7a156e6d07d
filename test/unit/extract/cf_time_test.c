/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/cf_time.h"

#include <math.h>

#include "test/check.h"

typedef struct Case {
    const char *units, *calendar;
    double value;
    const char *expected; /* NULL: not a time */
} Case;

static bool result(const Case *c, Str *out, char text[TIME_TEXT_MAX])
{
    Err err = {0};
    CfTime time;
    Instant at;

    if (!cf_time_init(&time, str_from_z(c->units), str_from_z(c->calendar), &err))
        return false;
    if (!cf_time_instant(&time, c->value, &at))
        return false;
    *out = time_format(at, text);
    return true;
}

static void check_cases(const Case *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char text[TIME_TEXT_MAX];
        Str got = {0};
        bool good = result(&cases[i], &got, text);

        if (good != (cases[i].expected != NULL) || (good && !str_eq_z(got, cases[i].expected)))
            printf("# %s (%s) %.10g: got %.*s\n", cases[i].units, cases[i].calendar, cases[i].value,
                   STR_ARG(got));
        CHECK(good == (cases[i].expected != NULL));
        CHECK(!good || str_eq_z(got, cases[i].expected));
    }
}

#define CHECK_CASES(cases) check_cases(cases, COUNT_OF(cases))

static void units_are_read_in_any_case_and_number(void)
{
    static const Case cases[] = {
        {"microseconds since 2000-01-01", "", 1500000, "2000-01-01T00:00:01.500Z"},
        {"nanoseconds since 1970-01-01", "", 1.6e18, "2020-09-13T12:26:40Z"},
        {"milliseconds since 2000-01-01", "", 1, "2000-01-01T00:00:00.001Z"},
        {"msec since 2000-01-01", "", 1, "2000-01-01T00:00:00.001Z"},
        {"seconds since 1970-01-01 00:00:00 +00:00", "", 1566482400, "2019-08-22T14:00:00Z"},
        {"SECOND since 1970-01-01", "", 1, "1970-01-01T00:00:01Z"},
        {"s since 1970-01-01", "", 61, "1970-01-01T00:01:01Z"},
        {"minutes since 1970-01-01", "", 90, "1970-01-01T01:30:00Z"},
        {"Minute since 1970-01-01", "", 1, "1970-01-01T00:01:00Z"},
        {"min since 1970-01-01", "", 1, "1970-01-01T00:01:00Z"},
        {"Hour since 2001-12-31T23:00:00Z", "", 146468, "2018-09-16T19:00:00Z"},
        {"hours since 1900-01-01 00:00:00.0", "gregorian", 1031257, "2017-08-24T01:00:00Z"},
        {"hrs since 1970-01-01", "", 0.5, "1970-01-01T00:30:00Z"},
        {"h since 1970-01-01", "", 25, "1970-01-02T01:00:00Z"},
        {"Days since 1970-01-01", "", 1.25, "1970-01-02T06:00:00Z"},
        {"d since 1970-01-01", "", -1, "1969-12-31T00:00:00Z"},
        {"weeks since 1970-01-01", "", 2, "1970-01-15T00:00:00Z"},
        {"common_years since 2001-01-01", "", 1, "2002-01-01T00:00:00Z"},
        {"  days   since   1970-01-01  ", "", 1, "1970-01-02T00:00:00Z"},
        {"days after 1970-01-01", "", 1, "1970-01-02T00:00:00Z"},
        {"hours", "", 1, NULL},
        {"days since", "", 1, NULL},
        {"furlongs since 1970-01-01", "", 1, NULL},
        {"degrees_north", "", 1, NULL},
        {"", "", 1, NULL},
        {"mseconds since 1970-01-01", "", 1, NULL},
    };

    CHECK_CASES(cases);
}

static void start_dates_are_read_in_every_spelling(void)
{
    static const Case cases[] = {
        {"days since 1970-1-1", "", 0, "1970-01-01T00:00:00Z"},
        {"days since 1970-1-1 0:0:0", "", 0, "1970-01-01T00:00:00Z"},
        {"days since 1970-01-01 00:00:00 UTC", "", 0, "1970-01-01T00:00:00Z"},
        {"days since 1970-01-01 00:00:00 GMT", "", 0, "1970-01-01T00:00:00Z"},
        {"days since 1970-01-01 00:00:00Z", "", 0, "1970-01-01T00:00:00Z"},
        {"days since 1970-01-01T06:30:15.25Z", "", 0, "1970-01-01T06:30:15.250Z"},
        {"days since 1970-01-01t06:30", "", 0, "1970-01-01T06:30:00Z"},
        {"days since 1970-01-01 6", "", 0, "1970-01-01T06:00:00Z"},
        {"days since 1970-01-01 06:00:00 +10", "", 0, "1969-12-31T20:00:00Z"},
        {"days since 1970-01-01 06:00:00 +10:00", "", 0, "1969-12-31T20:00:00Z"},
        {"days since 1970-01-01 06:00:00+1030", "", 0, "1969-12-31T19:30:00Z"},
        {"days since 1970-01-01 06:00:00 -3:30", "", 0, "1970-01-01T09:30:00Z"},
        {"days since 1970-01-01 06:00:00 -6", "", 0, "1970-01-01T12:00:00Z"},
        {"days since 1992-10-8 15:15:42.5 -6:00", "", 0, "1992-10-08T21:15:42.500Z"},
        {"days since 19700102", "", 0, "1970-01-02T00:00:00Z"},
        {"days since 19700102T060504", "", 0, "1970-01-02T06:05:04Z"},
        {"days since 1970", "", 1, "1970-01-02T00:00:00Z"},
        {"days since 1970-02", "", 1, "1970-02-02T00:00:00Z"},
        {"days since 1970-13-01", "", 0, NULL},
        {"days since 19709901", "", 0, NULL},
        {"days since 19700199", "", 0, NULL},
        {"days since 1970-02-30", "", 0, NULL},
        {"days since 1970-01-01 25:00:00", "", 0, NULL},
        {"days since 1970-01-01 00:61", "", 0, NULL},
        {"days since 1970-01-01 00:00 Mars", "", 0, NULL},
        {"days since 1970-01-01 00:00 +99", "", 0, NULL},
        {"days since yesterday", "", 0, NULL},
        {"day as %Y%m%d.%f", "", 19990102.25, "1999-01-02T06:00:00Z"},
        {"day as %Y%m%d.%f", "", 19991302, NULL},
        {"day as %Y%m%d.%f", "", -1e30, NULL},
    };

    CHECK_CASES(cases);
}

/* Expected values: the calendars' definitions in CF 1.10 section 4.4.1, counted by hand. */
static void calendars_are_followed(void)
{
    static const Case cases[] = {
        {"days since 2000-02-28", "standard", 1, "2000-02-29T00:00:00Z"},
        {"days since 2000-02-28", "noleap", 1, "2000-03-01T00:00:00Z"},
        {"days since 2000-02-28", "365_day", 366, "2001-03-01T00:00:00Z"},
        {"days since 2001-02-28", "all_leap", 1, "2001-02-28T00:00:00Z"}, /* its 29th: clamped */
        {"days since 2001-02-28", "366_day", 2, "2001-03-01T00:00:00Z"},
        {"days since 2000-01-01", "366_day", 366, "2001-01-01T00:00:00Z"},
        {"days since 2000-01-01", "360_day", 30, "2000-02-01T00:00:00Z"},
        {"days since 2000-01-01", "360_day", 58.5, "2000-02-29T12:00:00Z"},
        {"days since 2000-01-01", "360_day", 59, "2000-02-29T00:00:00Z"}, /* its 30th: clamped */
        {"days since 2000-02-30", "360_day", 1, "2000-03-01T00:00:00Z"},
        {"days since 2000-01-01", "360_day", 360, "2001-01-01T00:00:00Z"},
        {"days since 1850-01-01", "noleap", 60225.5, "2015-01-01T12:00:00Z"},
        {"days since 1850-01-01", "NoLeap", -1, "1849-12-31T00:00:00Z"},
        {"days since 0001-01-01", "standard", 0, "0001-01-01T00:00:00Z"},
        {"days since 1-1-1", "standard", 730121,
         "2000-01-01T00:00:00Z"}, /* Julian years are longer: two days more */
        {"days since 0001-01-01", "proleptic_gregorian", 730119, "2000-01-01T00:00:00Z"},
        {"days since 1582-10-04", "gregorian", 1, "1582-10-15T00:00:00Z"},
        {"days since 1582-10-04", "proleptic_gregorian", 1, "1582-10-05T00:00:00Z"},
        {"days since 1582-10-04", "julian", 1, "1582-10-05T00:00:00Z"},
        {"days since 1900-02-28", "julian", 1, "1900-02-28T00:00:00Z"}, /* its 29th */
        {"days since 1900-02-28", "julian", 2, "1900-03-01T00:00:00Z"},
        {"days since 2000-01-01", "mayan", 1, NULL},
        {"days since 0000-01-01", "noleap", 0, NULL}, /* there is no year 0 to write */
        {"days since 0000-01-01", "noleap", 365, "0001-01-01T00:00:00Z"},
        {"days since 2000-01-01", "", 1e7, NULL}, /* after the year 9999 */
    };

    CHECK_CASES(cases);
}

static void months_and_years_are_steps_of_the_calendar(void)
{
    static const Case cases[] = {
        {"months since 2000-01-01", "", 1, "2000-02-01T00:00:00Z"},
        {"Month since 2000-01-31", "", 1, "2000-02-29T00:00:00Z"},
        {"months since 2000-01-31", "", 13, "2001-02-28T00:00:00Z"},
        {"months since 2000-01-01", "", -1, "1999-12-01T00:00:00Z"},
        {"months since 2000-01-01", "", 0.5, "2000-01-16T12:00:00Z"},
        {"months since 2000-01-01", "360_day", 1.5, "2000-02-16T00:00:00Z"},
        {"years since 2000-01-01", "", 1, "2001-01-01T00:00:00Z"},
        {"year since 2000-02-29", "", 1, "2001-02-28T00:00:00Z"},
        {"years since 2001-01-01", "", 0.5, "2001-07-02T12:00:00Z"},
        {"yr since 1900-06-15 12:00", "", 100, "2000-06-15T12:00:00Z"},
        {"months since 2000-01-01", "", 1e9, NULL},
    };

    CHECK_CASES(cases);
}

static void values_that_are_no_numbers_are_no_times(void)
{
    static const Case cases[] = {
        {"days since 2000-01-01", "", NAN, NULL},
        {"days since 2000-01-01", "", INFINITY, NULL},
        {"seconds since 2000-01-01", "", -INFINITY, NULL},
        {"days since 2000-01-01", "", 9.969209968386869e+36, NULL},
        {"microseconds since 2000-01-01", "", 1e30, NULL},
        {"months since 2000-01-01", "", NAN, NULL},
        {"day as %Y%m%d.%f", "", NAN, NULL},
    };

    CHECK_CASES(cases);
}

static void fractions_of_days_are_rounded_to_milliseconds(void)
{
    static const Case cases[] = {
        {"days since 1970-01-01", "", 1.0 / 24, "1970-01-01T01:00:00Z"},
        {"days since 1970-01-01", "", 20000 + 1.0 / 3, "2024-10-04T08:00:00Z"},
        {"hours since 1900-01-01", "", 1000000 + 1.0 / 60, "2014-01-29T16:01:00Z"},
    };

    CHECK_CASES(cases);
}

/* Every day of 400 years there and back in each calendar: consecutive values give consecutive days. */
static void days_follow_each_other_in_every_calendar(void)
{
    static const char *const names[] = {"standard", "proleptic_gregorian", "julian", "noleap", "all_leap",
                                        "360_day"};

    for (size_t c = 0; c < COUNT_OF(names); c++) {
        Err err = {0};
        CfTime time;
        Instant before = INT64_MIN, at;

        CHECK(cf_time_init(&time, STR("days since 1400-01-01"), str_from_z(names[c]), &err));
        for (int day = 0; day < 400 * 366; day++) {
            if (!cf_time_instant(&time, day, &at) || at < before)
                CHECK(false);
            before = at;
        }
    }
}

int main(void)
{
    RUN(units_are_read_in_any_case_and_number);
    RUN(start_dates_are_read_in_every_spelling);
    RUN(calendars_are_followed);
    RUN(months_and_years_are_steps_of_the_calendar);
    RUN(values_that_are_no_numbers_are_no_times);
    RUN(fractions_of_days_are_rounded_to_milliseconds);
    RUN(days_follow_each_other_in_every_calendar);
    DONE();
}
