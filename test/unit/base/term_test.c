/* SPDX-License-Identifier: Apache-2.0 */
#include "base/term.h"

#include <stdlib.h>

#include "test/check.h"

static const struct {
    const char *text;
    int indent, columns;
    const char *lines;
} wraps[] = {
    {"", 0, 20, ""},
    {"one two three", 0, 9, "one two\nthree"},
    {"one two three", 2, 9, "one two\n  three"},
    {"a-word-that-is-longer than a line", 0, 10, "a-word-that-is-longer\nthan a\nline"},
    {"one\ntwo", 0, 20, "one two"},
    {"one\n\ntwo", 2, 20, "one\n\n  two"},
    {"list:\n  - a\n  - b\nend", 0, 20, "list:\n  - a\n  - b\nend"},
    {"\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc", 0, 7,
     "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc"},
};

static void text_is_broken_at_blanks(void)
{
    for (size_t i = 0; i < COUNT_OF(wraps); i++) {
        BUF_SCOPE(out);

        term_wrap(&out, str_from_z(wraps[i].text), wraps[i].indent, wraps[i].columns);
        CHECK(str_eq_z(buf_str(&out), wraps[i].lines));
        if (!str_eq_z(buf_str(&out), wraps[i].lines))
            printf("# %zu: '%.*s'\n", i, STR_ARG(buf_str(&out)));
    }
}

static const struct {
    const char *text;
    int columns;
    const char *lines;
} folds[] = {
    {"", 10, ""},
    {"one two", 10, "one two"},
    {"one two three", 9, "one two\nthree"},
    {"one two three", 7, "one two\nthree"},
    {"one  two", 4, "one \ntwo"},
    {"see DIR/run/http.url says which", 18, "see\nDIR/run/http.url\nsays which"},
    {"/data/with some/parts-of-it/file.csv", 12, "/data/with\nsome/\nparts-of-it/\nfile.csv"},
    {"/data/a long name/with/parts/file.csv", 20, "/data/a long name/\nwith/parts/file.csv"},
    {"[{\"type\":\"a\",\"n\":1},{\"type\":\"b\"}]", 15, "[{\"type\":\"a\",\n\"n\":1},\n{\"type\":\"b\"}]"},
    {"/aaaaaaaaaaaa", 5, "/aaaa\naaaaa\naaa"},
    {"ab cccccccccccc", 5, "ab\nccccc\nccccc\ncc"},
    {" aaaaaa", 3, " aa\naaa\na"},
    {"\xe6\xb5\x8b\xe6\xb5\x8b", 3, "\xe6\xb5\x8b\n\xe6\xb5\x8b"},
    {"\xe6\xb5\x8b\xe6\xb5\x8b", 1, "\xe6\xb5\x8b\n\xe6\xb5\x8b"},
};

static void values_are_broken_inside_words_only_where_one_is_too_long(void)
{
    for (size_t i = 0; i < COUNT_OF(folds); i++) {
        BUF_SCOPE(out);

        term_fold(&out, str_from_z(folds[i].text), folds[i].columns);
        CHECK(str_eq_z(buf_str(&out), folds[i].lines));
        if (!str_eq_z(buf_str(&out), folds[i].lines))
            printf("# %zu: '%.*s'\n", i, STR_ARG(buf_str(&out)));
    }
}

static void widths_are_columns_not_bytes(void)
{
    CHECK(term_width(STR("abc")) == 3);
    CHECK(term_width(STR("\xc3\xa4")) == 1);
    CHECK(term_width(STR("\xe6\xb5\x8b")) == 2);
    CHECK(term_width(STR("e\xcc\x81")) == 1); /* a letter and a combining accent */
    CHECK(term_width(STR("\xff\x01")) == 2);
    CHECK(str_eq(term_fit(STR("a\xe6\xb5\x8b"), 2), STR("a")));
    CHECK(str_eq(term_fit(STR("a\xe6\xb5\x8b"), 3), STR("a\xe6\xb5\x8b")));
}

static const struct {
    const char *value;
    int columns;
} environments[] = {{"40", 40}, {"132", 132}, {"5", TERM_WIDTH_MIN}, {"-1", 80},
                    {"0", 80},  {"x", 80},    {"99999", 80}};

static void the_environment_says_how_wide_a_line_is(void)
{
    for (size_t i = 0; i < COUNT_OF(environments); i++) {
        (void)setenv("COLUMNS", environments[i].value, 1);
        CHECK(term_columns(-1) == environments[i].columns);
    }
}

int main(void)
{
    term_init();
    RUN(text_is_broken_at_blanks);
    RUN(values_are_broken_inside_words_only_where_one_is_too_long);
    RUN(widths_are_columns_not_bytes);
    RUN(the_environment_says_how_wide_a_line_is);
    DONE();
}
