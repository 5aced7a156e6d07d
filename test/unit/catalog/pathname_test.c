/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/pathname.h"

#include "base/map.h"
#include "test/check.h"

static const struct {
    const char *raw, *text;
} escapes[] = {
    {"/g/data/x.nc", "/g/data/x.nc"},
    {"", ""},
    {"/a\tb\nc", "/a\\x09b\\x0ac"},
    {"/\x01\x1f\x7f", "/\\x01\\x1f\\x7f"},
    {"/gr\xc3\xbc\xc3\x9f", "/gr\xc3\xbc\xc3\x9f"},
    {"/\xe2\x82\xac\xf0\x9f\x98\x80", "/\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"/latin\xfc.txt", "/latin\\xfc.txt"},
    {"/cut\xe2\x82", "/cut\\xe2\\x82"},
    {"/overlong\xc0\xaf", "/overlong\\xc0\\xaf"},
    {"/surrogate\xed\xa0\x80", "/surrogate\\xed\\xa0\\x80"},
    {"/back\\slash\\", "/back\\slash\\"},
    {"/looks\\x41like", "/looks\\x5cx41like"},
    {"/looks\\xAb", "/looks\\x5cxAb"},
    {"/almost\\x4", "/almost\\x4"},
    {"/almost\\x4g", "/almost\\x4g"},
    {"/\\\xff", "/\\\\xff"},
    {"/\\x4\xff", "/\\x4\\xff"},
    {"/long-enough-for-the-quick-scan\x7f", "/long-enough-for-the-quick-scan\\x7f"},
};

static void text_is_the_path_but_for_what_no_text_can_hold(void)
{
    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        ARENA_SCOPE(arena);
        Str raw = str_from_z(escapes[i].raw), text = str_from_z(escapes[i].text);

        CHECK(str_eq(pathname_escape(&arena, raw), text));
        CHECK(str_eq(pathname_unescape(&arena, text), raw));
    }
}

static uint64_t random_state = 20261121;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

/* Bytes that meet the rules often: backslashes, x, hexadecimal digits, pieces of UTF-8. */
static Str random_raw(Arena *arena)
{
    static const char favourites[] = "\\\\\\\\xxxx0459aFf\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\x7f\x09/";
    size_t len = random_below(24);
    char *raw = arena_new(arena, char, len + 1);

    for (size_t i = 0; i < len; i++)
        raw[i] =
            random_below(5) ? favourites[random_below(sizeof favourites - 1)] : (char)(1 + random_below(255));
    return (Str){raw, len};
}

static bool holds_control_byte(Str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static void any_bytes_come_back_and_no_two_give_the_same_text(void)
{
    enum { TURNS = 200000 };
    ARENA_SCOPE(arena);
    Map seen = {0};

    for (int i = 0; i < TURNS; i++) {
        Str raw = random_raw(&arena), text = pathname_escape(&arena, raw);
        Str back = pathname_unescape(&arena, text);
        Str **slot = (Str **)map_slot(&seen, &arena, text);

        CHECK(str_eq(back, raw));
        CHECK(str_utf8_prefix(text) == text.len && !holds_control_byte(text));
        if (*slot) {
            CHECK(str_eq(**slot, raw));
        } else {
            *slot = arena_new(&arena, Str, 1);
            **slot = raw;
        }
    }
}

static void escaping_names_is_escaping_the_path(void)
{
    for (int i = 0; i < 20000; i++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(joined);
        Str raw = random_raw(&arena), rest = raw, name;

        while (rest.len > 0) {
            bool slash = memchr(rest.ptr, '/', rest.len) != NULL;

            rest = str_cut(rest, '/', &name);
            pathname_put_escaped(&joined, name);
            if (slash)
                buf_put_byte(&joined, '/');
        }
        CHECK(str_eq(buf_str(&joined), pathname_escape(&arena, raw)));
    }
}

static void a_zero_byte_never_comes_out_of_a_text(void)
{
    ARENA_SCOPE(arena);

    CHECK(str_eq(pathname_unescape(&arena, STR("/a\\x00b\\x41")), STR("/a\\x00bA")));
}

static const struct {
    const char *given, *normal; /* NULL: refused */
} normals[] = {
    {"/", "/"},
    {"/g/data", "/g/data"},
    {"//g//data//", "/g/data"},
    {"/./g/./data/.", "/g/data"},
    {"///", "/"},
    {"/.", "/"},
    {"/...", "/..."},
    {"/.hidden", "/.hidden"},
    {"g/data", NULL},
    {"", NULL},
    {"/g/../data", NULL},
    {"/..", NULL},
    {"/g/data/..", NULL},
    {"/..g", "/..g"},
};

static void paths_are_made_normal_or_refused(void)
{
    for (size_t i = 0; i < COUNT_OF(normals); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        Str given = str_from_z(normals[i].given), out;

        CHECK(pathname_is_normal(given) ==
              (normals[i].normal && strcmp(normals[i].given, normals[i].normal) == 0));
        if (normals[i].normal)
            CHECK(pathname_normalise(&arena, given, &out, &err) && str_eq_z(out, normals[i].normal));
        else
            CHECK(!pathname_normalise(&arena, given, &out, &err) && err.code == ERR_USAGE);
    }
}

static void a_path_with_a_zero_byte_or_too_long_is_refused(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    char *longest = arena_new(&arena, char, PATHNAME_MAX + 1);
    Str out;

    CHECK(!pathname_normalise(&arena, STR("/a\0b"), &out, &err) && err.code == ERR_USAGE);
    memset(longest, 'a', PATHNAME_MAX + 1);
    longest[0] = '/';
    CHECK(pathname_normalise(&arena, (Str){longest, PATHNAME_MAX}, &out, &err));
    CHECK(!pathname_normalise(&arena, (Str){longest, PATHNAME_MAX + 1}, &out, &err) && err.code == ERR_LIMIT);
}

static bool hash_is(PathHash hash, const char *hex)
{
    BUF_SCOPE(buf);

    buf_put_hex(&buf, hash.bytes, sizeof hash.bytes);
    return str_eq_z(buf_str(&buf), hex);
}

/* The values are md5sum's. */
static void hashes_are_md5_of_the_text_and_of_what_is_above(void)
{
    PathHash above[2];

    CHECK(hash_is(pathname_hash(STR("/g/data3/lb4")), "3e1a4cf9f0ec945c16975fcc76f556c0"));
    CHECK(pathname_depth(STR("/g/data/x")) == 2);
    pathname_ancestors(STR("/g/data/x"), above);
    CHECK(memcmp(&above[0], &(PathHash[]){pathname_hash(STR("/g"))}[0], sizeof above[0]) == 0);
    CHECK(memcmp(&above[1], &(PathHash[]){pathname_hash(STR("/g/data"))}[0], sizeof above[1]) == 0);
    CHECK(pathname_depth(STR("/g")) == 0 && pathname_depth(STR("/")) == 0);
}

static void parent_and_name_split_a_path(void)
{
    ARENA_SCOPE(arena);

    CHECK(str_eq(pathname_parent(STR("/g/data/x")), STR("/g/data")));
    CHECK(str_eq(pathname_name(STR("/g/data/x")), STR("x")));
    CHECK(str_eq(pathname_parent(STR("/g")), STR("/")) && str_eq(pathname_name(STR("/g")), STR("g")));
    CHECK(pathname_parent(STR("/")).len == 0 && pathname_name(STR("/")).len == 0);
    CHECK(str_eq(pathname_join(&arena, STR("/g"), STR("x")), STR("/g/x")));
    CHECK(str_eq(pathname_join(&arena, STR("/"), STR("x")), STR("/x")));
}

static void within_means_by_whole_names(void)
{
    CHECK(pathname_is_within(STR("/g/data"), STR("/g")) && pathname_is_within(STR("/g"), STR("/g")));
    CHECK(pathname_is_within(STR("/g"), STR("/")) && pathname_is_within(STR("/"), STR("/")));
    CHECK(!pathname_is_within(STR("/g1"), STR("/g")) && !pathname_is_within(STR("/"), STR("/g")));
}

int main(void)
{
    RUN(text_is_the_path_but_for_what_no_text_can_hold);
    RUN(any_bytes_come_back_and_no_two_give_the_same_text);
    RUN(escaping_names_is_escaping_the_path);
    RUN(a_zero_byte_never_comes_out_of_a_text);
    RUN(paths_are_made_normal_or_refused);
    RUN(a_path_with_a_zero_byte_or_too_long_is_refused);
    RUN(hashes_are_md5_of_the_text_and_of_what_is_above);
    RUN(parent_and_name_split_a_path);
    RUN(within_means_by_whole_names);
    DONE();
}
