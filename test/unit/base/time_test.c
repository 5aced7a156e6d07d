#include "base/time.h"

#include "test/check.h"

static void texts_and_instants_agree(void)
{
    static const struct {
        const char *in;
        Instant at;
        const char *out;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        {"2015-02-22T10:48:49Z", 1424602129000000, "2015-02-22T10:48:49Z"},
        {"2015-02-22 10:48:49.5", 1424602129500000, "2015-02-22T10:48:49.500Z"},
        {"2000-02-29", 951782400000000, "2000-02-29T00:00:00Z"},
        {"2020-01-01T10:00:00+10:00", 1577836800000000, "2020-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z"},
        {"0001-01-01T00:00:00Z", -62135596800000000, "0001-01-01T00:00:00Z"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Instant at = 0;
        char text[TIME_TEXT_MAX];

        CHECK(time_parse(str_from_z(rows[i].in), &at));
        CHECK(at == rows[i].at);
        CHECK(str_eq_z(time_format(at, text), rows[i].out));
    }
}

static void what_is_not_a_time_is_refused(void)
{
    static const char *const rows[] = {"",
                                       "garbage",
                                       "2015-13-01",
                                       "2015-02-29",
                                       "2015-02-22T25:00:00Z",
                                       "2015-02-22T",
                                       "2015-02-22T10:00Zx",
                                       "2015-02-22T10:00:00.",
                                       "15-02-22"};

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        CHECK(!time_parse(str_from_z(rows[i]), &(Instant){0}));
}

static void civil_dates_go_there_and_back(void)
{
    for (int64_t days = -800000; days < 800000; days += 37) {
        int64_t year;
        int month, day;

        time_civil_from_days(days, &year, &month, &day);
        CHECK(time_days_from_civil(year, month, day) == days);
    }
}

static void durations_need_their_unit(void)
{
    Duration out;

    CHECK(time_parse_duration(STR("1.5s"), &out) && out == 1500000);
    CHECK(time_parse_duration(STR("7d"), &out) && out == SECONDS(7 * 86400));
    CHECK(time_parse_duration(STR("90ms"), &out) && out == 90000);
    CHECK(!time_parse_duration(STR("10"), &out));
    CHECK(!time_parse_duration(STR("s"), &out));
    CHECK(!time_parse_duration(STR("1x"), &out));
}

int main(void)
{
    RUN(texts_and_instants_agree);
    RUN(what_is_not_a_time_is_refused);
    RUN(civil_dates_go_there_and_back);
    RUN(durations_need_their_unit);
    DONE();
}
