/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include "test/check.h"

static void a_target_is_split_at_the_question_mark(void)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {
        {"/a/b?x=1", "/a/b", "x=1"},
        {"/a?b?c", "/a", "b?c"},
        {"/a#f?x", "/a", ""},
        {"/", "/", ""},
        {"?x", "/", "x"},
        {"//g/data?intersects", "//g/data", "intersects"},
        {"http://host:80/a?b", "/a", "b"},
        {"http://host?b", "/", "b"},
        {"/a?u=http://x/y", "/a", "u=http://x/y"},
        {"*", "*", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Str path, query;

        url_split(str_from_z(rows[i].target), &path, &query);
        CHECK(str_eq_z(path, rows[i].path));
        CHECK(str_eq_z(query, rows[i].query));
    }
}

static void percent_signs_are_decoded_exactly(void)
{
    ARENA_SCOPE(arena);
    Str out;

    CHECK(url_decode(&arena, STR("a%20b+c%2Fd"), false, &out) && str_eq_z(out, "a b+c/d"));
    CHECK(url_decode(&arena, STR("a%20b+c%2fd"), true, &out) && str_eq_z(out, "a b c/d"));
    CHECK(url_decode(&arena, STR("%ff%00x"), false, &out) && out.len == 3 &&
          memcmp(out.ptr, "\xff\0x", 3) == 0);
    CHECK(url_decode(&arena, STR("(1,2):3"), true, &out) && str_eq_z(out, "(1,2):3"));
    CHECK(!url_decode(&arena, STR("50%"), false, &out) && str_eq_z(out, "50%"));
    CHECK(!url_decode(&arena, STR("%4"), false, &out) && str_eq_z(out, "%4"));
    CHECK(!url_decode(&arena, STR("%zz%41"), false, &out) && str_eq_z(out, "%zzA"));
}

static void pairs_keep_their_order_and_say_when_they_are_malformed(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Pairs pairs;

    CHECK(url_pairs(&arena, STR("intersects&&a=1&a=2&b%3D=%25&c=x=y&d=%&wkt=POLYGON+((0 0,1%201))"), &pairs,
                    &err));
    CHECK(pairs.count == 7);
    CHECK(str_eq_z(pairs.at[0].name, "intersects") && pairs.at[0].value.len == 0);
    CHECK(str_eq_z(pairs_find(pairs, "a")->value, "1"));
    CHECK(str_eq_z(pairs_find(pairs, "b=")->value, "%"));
    CHECK(str_eq_z(pairs_find(pairs, "c")->value, "x=y"));
    CHECK(pairs_find(pairs, "d")->malformed && !pairs_find(pairs, "c")->malformed);
    CHECK(str_eq_z(pairs_find(pairs, "wkt")->value, "POLYGON ((0 0,1 1))"));
    CHECK(!pairs_find(pairs, "A"));
}

static void too_many_pairs_are_refused(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    Err err = {0};
    Pairs pairs;

    for (int i = 0; i < URL_PAIRS_MAX; i++)
        buf_put_z(&text, "a=&");
    CHECK(url_pairs(&arena, buf_str(&text), &pairs, &err) && pairs.count == URL_PAIRS_MAX);
    buf_put_z(&text, "b");
    CHECK(!url_pairs(&arena, buf_str(&text), &pairs, &err) && err.code == ERR_USAGE);
}

static void what_is_encoded_decodes_to_itself(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    char all[256];
    Str out;

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    url_encode(&text, (Str){all, sizeof all});
    CHECK(url_decode(&arena, buf_str(&text), true, &out) && out.len == 256 && memcmp(out.ptr, all, 256) == 0);
}

int main(void)
{
    RUN(a_target_is_split_at_the_question_mark);
    RUN(percent_signs_are_decoded_exactly);
    RUN(pairs_keep_their_order_and_say_when_they_are_malformed);
    RUN(too_many_pairs_are_refused);
    RUN(what_is_encoded_decodes_to_itself);
    DONE();
}
