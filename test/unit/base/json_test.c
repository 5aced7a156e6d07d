#include "base/json.h"

#include <math.h>

#include "test/check.h"

static void commas_stand_where_they_belong(void)
{
    BUF_SCOPE(buf);
    JsonOut out = json_out(&buf);

    json_begin(&out, '{');
    json_key(&out, "a");
    json_begin(&out, '[');
    json_int(&out, 1);
    json_null(&out);
    json_begin(&out, '{');
    json_end(&out, '}');
    json_end(&out, ']');
    json_key(&out, "b");
    json_bool(&out, true);
    json_end(&out, '}');
    json_line(&out);
    json_raw(&out, STR("[]"));
    CHECK(str_eq(buf_str(&buf), STR("{\"a\":[1,null,{}],\"b\":true}\n[]")));
}

static void strings_are_escaped_and_always_utf8(void)
{
    static const struct {
        Str in;
        const char *out;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"a\"b\\c\n\t\x01", 8}, "\"a\\\"b\\\\c\\n\\t\\u0001\""},
        {{"caf\xc3\xa9", 5}, "\"caf\xc3\xa9\""},
        {{"\xff\xfe", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"\xe2\x82", 2}, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {{"x\0y", 3}, "\"x\\u0000y\""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(buf);
        json_put_quoted(&buf, rows[i].in);
        CHECK(str_eq_z(buf_str(&buf), rows[i].out));
    }
}

static void numbers_read_back_the_same(void)
{
    static const struct {
        double in;
        const char *out;
    } rows[] = {{0.1, "0.1"},      {1.0 / 3, "0.3333333333333333"},
                {1e300, "1e+300"}, {-9999, "-9999"},
                {NAN, "null"},     {INFINITY, "null"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(buf);
        JsonOut out = json_out(&buf);
        json_double(&out, rows[i].in);
        CHECK(str_eq_z(buf_str(&buf), rows[i].out));
    }
}

int main(void)
{
    RUN(commas_stand_where_they_belong);
    RUN(strings_are_escaped_and_always_utf8);
    RUN(numbers_read_back_the_same);
    DONE();
}
