#include "base/buf.h"

#include "test/check.h"

static void bytes_are_kept_in_order_however_large(void)
{
    BUF_SCOPE(buf);

    for (int i = 0; i < 10000; i++)
        buf_put(&buf, STR("0123456789"));
    CHECK(buf.len == 100000);
    CHECK(memcmp(buf.ptr + 99990, "0123456789", 10) == 0);
    buf_consume(&buf, 99995);
    CHECK(str_eq(buf_str(&buf), STR("56789")));
    buf_consume(&buf, 99);
    CHECK(buf.len == 0);
}

static void numbers_are_decimal_to_the_ends_of_their_range(void)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {
        {0, "0"}, {-1, "-1"}, {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(buf);
        buf_put_int(&buf, rows[i].value);
        CHECK(str_eq_z(buf_str(&buf), rows[i].text));
    }
}

static void formats_and_hex_are_appended(void)
{
    BUF_SCOPE(buf);

    buf_printf(&buf, "%s-%d ", "a", 7);
    buf_put_hex(&buf, "\x00\xff\x1a", 3);
    CHECK(str_eq(buf_str(&buf), STR("a-7 00ff1a")));
}

static void base64_has_padding(void)
{
    const struct {
        Str bytes;
        const char *text;
    } rows[] = {{STR(""), ""},        {STR("f"), "Zg=="},          {STR("fo"), "Zm8="},
                {STR("foo"), "Zm9v"}, {STR("foobar"), "Zm9vYmFy"}, {STR("\xfb\xff\xfe"), "+//+"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(buf);

        buf_put_base64(&buf, rows[i].bytes);
        CHECK(str_eq_z(buf_str(&buf), rows[i].text));
    }
}

int main(void)
{
    RUN(bytes_are_kept_in_order_however_large);
    RUN(numbers_are_decimal_to_the_ends_of_their_range);
    RUN(formats_and_hex_are_appended);
    RUN(base64_has_padding);
    DONE();
}
