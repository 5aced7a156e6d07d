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
    RUN(widths_are_columns_not_bytes);
    RUN(the_environment_says_how_wide_a_line_is);
    DONE();
}
