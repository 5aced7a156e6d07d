#include "base/str.h"

#include "test/check.h"

static void cut_splits_at_the_first_separator(void)
{
    static const struct {
        const char *in, *head, *tail;
    } rows[] = {{"a/b/c", "a", "b/c"}, {"abc", "abc", ""}, {"/abc", "", "abc"}, {"", "", ""}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Str head;
        Str tail = str_cut(str_from_z(rows[i].in), '/', &head);

        CHECK(str_eq_z(head, rows[i].head));
        CHECK(str_eq_z(tail, rows[i].tail));
    }
}

static void paths_have_a_name_and_a_directory(void)
{
    static const struct {
        const char *in, *dir, *base;
    } rows[] = {{"/a/b", "/a", "b"}, {"/a", "/", "a"}, {"a", ".", "a"}, {"/", "/", ""}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK(str_eq_z(str_dir_name(str_from_z(rows[i].in)), rows[i].dir));
        CHECK(str_eq_z(str_base_name(str_from_z(rows[i].in)), rows[i].base));
    }
}

static void numbers_are_whole_and_in_range(void)
{
    static const struct {
        const char *in;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-12", true, -12},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t value = 0;

        CHECK(str_to_int64(str_from_z(rows[i].in), &value) == rows[i].ok);
        CHECK(value == rows[i].value);
    }
    uint64_t large;
    CHECK(str_to_uint64(STR("18446744073709551615"), &large) && large == UINT64_MAX);
    CHECK(!str_to_uint64(STR("-1"), &large));
    CHECK(!str_to_int64((Str){"1\0"
                              "2",
                              3},
                        &(int64_t){0}));
}

static void hexadecimal_is_taken_whole_or_not_at_all(void)
{
    static const char *const wrong[] = {"",       "0",      "00ff1",    "00ff1g",   "00ff1 ",
                                        " 0ff10", "0x0ff1", "00ff1001", "00ff1\xb9"};
    unsigned char bytes[3] = {1, 2, 3};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(!str_to_bytes(str_from_z(wrong[i]), bytes, 3) && memcmp(bytes, "\1\2\3", 3) == 0);
    CHECK(str_to_bytes(STR("09afAF"), bytes, 3) && memcmp(bytes, "\x09\xaf\xaf", 3) == 0);
    CHECK(str_to_bytes(STR(""), bytes, 0));
}

static void utf8_ends_at_the_first_wrong_byte(void)
{
    static const struct {
        const char *in;
        size_t valid;
    } rows[] = {
        {"plain ascii, long enough for words", 34},
        {"\xc3\xa9x", 3},
        {"\xc0\x80", 0},         /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\xf0\x9f\x98\x80", 4},
        {"abcdefgh\xff", 8},
        {"ab\xe2\x82", 2},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        CHECK(str_utf8_prefix(str_from_z(rows[i].in)) == rows[i].valid);
}

static void distance_counts_edits_up_to_its_limit(void)
{
    CHECK(str_distance(STR("crawl"), STR("crawl"), 3) == 0);
    CHECK(str_distance(STR("carwl"), STR("crawl"), 3) == 2);
    CHECK(str_distance(STR("crwl"), STR("crawl"), 3) == 1);
    CHECK(str_distance(STR("status"), STR("x"), 2) == 3);
}

int main(void)
{
    RUN(cut_splits_at_the_first_separator);
    RUN(paths_have_a_name_and_a_directory);
    RUN(numbers_are_whole_and_in_range);
    RUN(hexadecimal_is_taken_whole_or_not_at_all);
    RUN(utf8_ends_at_the_first_wrong_byte);
    RUN(distance_counts_edits_up_to_its_limit);
    DONE();
}
