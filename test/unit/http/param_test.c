/* SPDX-License-Identifier: Apache-2.0 */
#include "http/param.h"

#include "test/check.h"

static const Param text = {"p", PARAM_TEXT, .max = "5"}, raw = {"p", PARAM_RAW}, whole = {"p", PARAM_INT},
                   bounded = {"p", PARAM_INT, .min = "-3", .max = "10"}, count = {"p", PARAM_UINT},
                   real = {"p", PARAM_DOUBLE, .min = "-1.5", .max = "1e3"}, flag = {"p", PARAM_BOOL},
                   at = {"p", PARAM_TIME, .min = "1970-01-01"}, span = {"p", PARAM_DURATION, .max = "1h"},
                   size = {"p", PARAM_SIZE, .max = "1G"},
                   kind = {"p", PARAM_ENUM, .choices = "name|size|time"},
                   list = {"p", PARAM_LIST, .max = "3"}, box = {"p", PARAM_DOUBLES, .min = "4", .max = "4"};

static void each_type_takes_what_it_should_and_nothing_else(void)
{
    static const struct {
        const Param *param;
        const char *sent;
        bool good;
    } rows[] = {
        {&text, "abcde", true},      {&text, "abcdef", false},   {&text, "\xff", false},
        {&text, "\xc3\xa9", true},   {&raw, "\xff\xfe", true},   {&whole, "-9223372036854775808", true},
        {&whole, "12x", false},      {&whole, "", false},        {&whole, "9223372036854775808", false},
        {&whole, "1.0", false},      {&whole, " 1", false},      {&bounded, "-3", true},
        {&bounded, "-4", false},     {&bounded, "11", false},    {&count, "0", true},
        {&count, "-1", false},       {&count, "-0", false},      {&real, "1e2", true},
        {&real, "-1.5", true},       {&real, "-1.51", false},    {&real, "nan", false},
        {&real, "inf", false},       {&real, "1e999", false},    {&real, "0x10", false},
        {&flag, "", true},           {&flag, "yes", true},       {&flag, "0", true},
        {&flag, "maybe", false},     {&at, "2020-01-01", true},  {&at, "2020-01-01T00:00:00.5+10:00", true},
        {&at, "2020-13-01", false},  {&at, "1969-12-31", false}, {&at, "now", false},
        {&span, "90s", true},        {&span, "90", false},       {&span, "2h", false},
        {&size, "10K", true},        {&size, "1.5M", true},      {&size, "1G", true},
        {&size, "1025M", false},     {&size, "-1", false},       {&size, "K", false},
        {&size, "1X", false},        {&kind, "size", true},      {&kind, "siz", false},
        {&kind, "name|size", false}, {&list, "a,b,c", true},     {&list, "a,b,c,d", false},
        {&list, "a,,c", false},      {&list, ",", false},        {&list, "\xff", false},
        {&box, "1,2,3,4.5", true},   {&box, "1,2,3", false},     {&box, "1,2,3,x", false},
        {&box, "1,2,3,inf", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Value value;
        bool ok = param_parse(rows[i].param, str_from_z(rows[i].sent), &arena, &value, &err);

        if (ok != rows[i].good)
            printf("# row %zu: '%s': %s\n", i, rows[i].sent, err.text);
        CHECK(ok == rows[i].good);
        CHECK(ok || (err.code == ERR_USAGE && strstr(err.text, "'p'")));
    }
}

static void numbers_are_what_was_meant(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Value value;

    CHECK(param_parse(&size, STR("1.5K"), &arena, &value, &err) && value.number == 1536);
    CHECK(param_parse(&kind, STR("time"), &arena, &value, &err) && value.number == 2);
    CHECK(param_parse(&flag, STR(""), &arena, &value, &err) && value.number == 1);
    CHECK(param_parse(&span, STR("1.5s"), &arena, &value, &err) && value.number == 1500000);
    CHECK(param_parse(&at, STR("1970-01-02"), &arena, &value, &err) && value.number == SECONDS(86400));
}

static void lists_are_what_was_meant(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Value value;

    CHECK(param_parse(&list, STR("a,bc"), &arena, &value, &err) && value.count == 2 &&
          str_eq_z(value.list[1], "bc"));
    CHECK(param_parse(&box, STR("1,-2,3e1,.5"), &arena, &value, &err) && value.count == 4 &&
          value.reals[2] == 30);
    CHECK(!param_parse(&raw, (Str){"a\0b", 3}, &arena, &value, &err));
}

static const Param table[] = {
    {"shard", PARAM_TEXT, IN_PATH},
    {"path", PARAM_RAW, .required = true, .help = "The directory."},
    {"limit", PARAM_UINT, .min = "1", .max = "10", .default_text = "5"},
    {"all", PARAM_BOOL},
    {"note", PARAM_TEXT, IN_FORM},
};

static bool check(const char *query, const char *form, bool any, Value values[COUNT_OF(table)], Err *err)
{
    static Arena arena;
    Pairs in_query = {0}, in_form = {0};
    Str path = STR("geo");

    *err = (Err){0};
    return url_pairs(&arena, str_from_z(query), &in_query, err) &&
           url_pairs(&arena, str_from_z(form), &in_form, err) &&
           param_check(table, COUNT_OF(table), in_query, in_form, &path, any, &arena, values, err);
}

static void a_request_is_checked_against_the_table(void)
{
    Value v[COUNT_OF(table)] = {0};
    Err err;

    CHECK(check("path=/a%ff&all", "note=x", false, v, &err));
    CHECK(str_eq_z(v[0].text, "geo") && str_eq_z(v[1].text, "/a\xff") && v[2].number == 5 &&
          v[3].number == 1);
    CHECK(str_eq_z(v[4].text, "x"));
    CHECK(check("path=/a&limit=", "", false, v, &err) && v[2].number == 5 && !v[3].given);
    CHECK(check("path=/a&other=1", "", true, v, &err));

    static const struct {
        const char *query, *form, *says, *hint;
    } bad[] = {
        {"", "", "'path' is missing", "The directory"},
        {"path=", "", "'path' is missing", ""},
        {"path=/a&path=/b", "", "'path' is given more than once", ""},
        {"path=/%4", "", "'path' has a '%'", ""},
        {"path=%00", "", "'path' is not", ""},
        {"path=/a&limit=11", "", "'limit' has a value higher than 10", "from 1 to 10"},
        {"path=/a&limit=99999999999999999999", "", "'limit' is not", "from 1 to 10"},
        {"path=/a&limt=1", "", "no parameter 'limt'", "'limit'"},
        {"path=/a&note=x", "", "no parameter 'note'", ""},
        {"path=/a", "path=/b", "no parameter 'path'", ""},
        {"path=/a&shard=x", "", "no parameter 'shard'", ""},
        {"path=/a&\xff=1", "", "no parameter ''", ""},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK(!check(bad[i].query, bad[i].form, false, v, &err) && err.code == ERR_USAGE);
        CHECK(strstr(err.text, bad[i].says) && strstr(err.hint, bad[i].hint));
    }
}

static void a_wrong_table_is_found_when_it_is_mounted(void)
{
    static const Param bad[][2] = {
        {{"a", PARAM_ENUM}},
        {{"a", PARAM_INT, .min = "x"}},
        {{"a", PARAM_UINT, .max = "10", .default_text = "11"}},
        {{"a", PARAM_TIME, .max = "tomorrow"}},
        {{"a", PARAM_LIST, .max = "1", .example = "x,y"}},
    };
    static const Param twice[] = {{"a", PARAM_INT}, {"a", PARAM_TEXT}};
    Err err = {0};

    CHECK(param_table_check(table, COUNT_OF(table), &err));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!param_table_check(bad[i], 1, &err) && err.code == ERR_BUG);
    CHECK(!param_table_check(twice, 2, &err) && err.code == ERR_BUG);
}

int main(void)
{
    RUN(each_type_takes_what_it_should_and_nothing_else);
    RUN(numbers_are_what_was_meant);
    RUN(lists_are_what_was_meant);
    RUN(a_request_is_checked_against_the_table);
    RUN(a_wrong_table_is_found_when_it_is_mounted);
    DONE();
}
