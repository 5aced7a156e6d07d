/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/posix.h"

#include <unistd.h>

#include "test/check.h"

static const PosixFacts whole = {
    .has = (POSIX_HAS_TYPE << 1) - 1,
    .type = POSIX_LINK,
    .mode = 07777,
    .intact = true,
    .uid = UINT32_MAX,
    .gid = 5641,
    .nlink = 3,
    .size = UINT64_MAX,
    .inode = UINT64_C(18446744073709551557),
    .dev = 64768,
    .atime = {-1, 999999999},
    .mtime = {1480296416, 0},
    .ctime = {INT64_MAX, 1},
    .btime = {INT64_MIN, 5},
    .user = {"a\"b\\", 4},
    .group = {"gr\xc3\xbc", 4},
    .target = {"../x y", 6},
    .xattrs = {"{\"user.a\":\"b\"}", 14},
};

static const char whole_json[] =
    "{\"type\":\"link\",\"size\":18446744073709551615,\"mode\":\"lrwsrwsrwt\",\"inode\":18446744073709551557,"
    "\"nlink\":3,\"dev\":64768,\"uid\":4294967295,\"gid\":5641,\"user\":\"a\\\"b\\\\\",\"group\":\"gr\xc3\xbc\","
    "\"atime\":-1,\"mtime\":1480296416,\"ctime\":9223372036854775807,\"atime_ns\":999999999,\"ctime_ns\":1,"
    "\"btime\":-9223372036854775808,\"btime_ns\":5,\"target\":\"../x y\",\"intact\":true,"
    "\"xattrs\":{\"user.a\":\"b\"}}";

static bool same(const PosixFacts *a, const PosixFacts *b)
{
    return a->has == b->has && a->type == b->type && a->mode == b->mode && a->intact == b->intact &&
           a->uid == b->uid && a->gid == b->gid && a->nlink == b->nlink && a->size == b->size &&
           a->inode == b->inode && a->dev == b->dev && posix_time_eq(a->atime, b->atime) &&
           posix_time_eq(a->mtime, b->mtime) && posix_time_eq(a->ctime, b->ctime) &&
           posix_time_eq(a->btime, b->btime) && str_eq(a->user, b->user) && str_eq(a->group, b->group) &&
           str_eq(a->target, b->target) && str_eq(a->xattrs, b->xattrs);
}

static void a_record_has_its_keys_in_order_and_reads_back_the_same(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(json);
    Err err = {0};
    PosixFacts back;

    posix_put_json(&json, &whole);
    CHECK(str_eq_z(buf_str(&json), whole_json));
    CHECK(posix_parse(&arena, buf_str(&json), &back, &err) && same(&back, &whole));
}

static void texts_of_any_length_and_content_fit(void)
{
    for (size_t len = 0; len < 3000; len += 7) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(json);
        Err err = {0};
        char *text = arena_new(&arena, char, len + 1);
        PosixFacts facts = whole, back;

        for (size_t i = 0; i < len; i++)
            text[i] = (char)(1 + i % 126);
        facts.user = facts.group = facts.target = (Str){text, len};
        posix_put_json(&json, &facts);
        CHECK(posix_parse(&arena, buf_str(&json), &back, &err) && same(&back, &facts));
    }
}

static void every_set_of_fields_reads_back(void)
{
    for (uint32_t has = 0; has < POSIX_HAS_TYPE; has += 37) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(json);
        Err err = {0};
        PosixFacts facts = whole, back, again;

        facts.has = has | POSIX_HAS_TYPE;
        posix_put_json(&json, &facts);
        CHECK(posix_parse(&arena, buf_str(&json), &back, &err) && back.has == facts.has);
        buf_reset(&json);
        posix_put_json(&json, &back);
        CHECK(posix_parse(&arena, buf_str(&json), &again, &err) && same(&again, &back));
    }
}

static void mode_text_is_that_of_ls(void)
{
    static const struct {
        PosixType type;
        uint16_t mode;
        const char *text;
    } cases[] = {{POSIX_DIRECTORY, 0771, "drwxrwx--x"},  {POSIX_FILE, 04755, "-rwsr-xr-x"},
                 {POSIX_FILE, 04644, "-rwSr--r--"},      {POSIX_FILE, 02750, "-rwxr-s---"},
                 {POSIX_FILE, 02740, "-rwxr-S---"},      {POSIX_DIRECTORY, 01777, "drwxrwxrwt"},
                 {POSIX_DIRECTORY, 01776, "drwxrwxrwT"}, {POSIX_BLOCK, 0660, "brw-rw----"},
                 {POSIX_CHAR, 0, "c---------"},          {POSIX_FIFO, 0600, "prw-------"},
                 {POSIX_SOCKET, 0755, "srwxr-xr-x"}};
    char text[POSIX_MODE_TEXT];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        posix_mode_text(cases[i].type, cases[i].mode, text);
        CHECK(memcmp(text, cases[i].text, sizeof text) == 0);
    }
    for (uint16_t mode = 0; mode <= 07777; mode++) {
        PosixType type;
        uint16_t back;

        posix_mode_text(POSIX_FILE, mode, text);
        CHECK(posix_mode_from_text((Str){text, sizeof text}, &type, &back) && back == mode);
    }
}

static void a_mode_that_ls_does_not_print_is_refused(void)
{
    static const char *const bad[] = {"",           "rwxrwxrwx",  "-rwxrwxrw",  "?rwxrwxrwx",
                                      "-wrxrwxrwx", "-rwtrwxrwx", "-rwxrwxrws", "-rwxrwxrwx+"};
    PosixType type;
    uint16_t mode;

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!posix_mode_from_text(str_from_z(bad[i]), &type, &mode));
}

static void the_originals_record_is_understood(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    PosixFacts facts;

    CHECK(posix_parse(&arena,
                      STR(" { \"file_path\" : \"/g/x.nc\", \"inode\":144115497095480001,\"size\":12,"
                          "\"mtime\":\"2016-11-28T01:26:56.123456789Z\",\"ctime\":\"1969-12-31T23:59:59.5Z\","
                          "\"file_id\":\"ab\", \"extra\":[1,{\"a\":[]},null,-1.5e-3,true] } "),
                      &facts, &err));
    CHECK(facts.has == (POSIX_HAS_INODE | POSIX_HAS_SIZE | POSIX_HAS_MTIME | POSIX_HAS_CTIME));
    CHECK(facts.type == POSIX_FILE && facts.inode == UINT64_C(144115497095480001) && facts.size == 12);
    CHECK(facts.mtime.sec == 1480296416 && facts.mtime.nsec == 123456789);
    CHECK(facts.ctime.sec == -1 && facts.ctime.nsec == 500000000);
}

static void numbers_and_texts_are_read_as_others_write_them(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    PosixFacts facts;

    CHECK(posix_parse(&arena,
                      STR("{\"size\":\"12\",\"inode\":1.44e15,\"mtime\":1480296416.25,\"atime\":-0.5,"
                          "\"mode\":\"drwxr-x--x+\",\"user\":\"\\u0061\\ud83d\\ude00\\n\",\"group\":null}"),
                      &facts, &err));
    CHECK(facts.size == 12 && facts.mtime.sec == 1480296416 && facts.mtime.nsec == 250000000);
    CHECK(facts.atime.sec == -1 && facts.atime.nsec == 500000000);
    CHECK(facts.type == POSIX_DIRECTORY && facts.mode == 0751);
    CHECK(str_eq(facts.user, STR("a\xf0\x9f\x98\x80\n")) && !(facts.has & POSIX_HAS_GROUP));
    CHECK(posix_parse(&arena, STR("{}"), &facts, &err) && facts.has == 0);
}

static void what_is_no_posix_record_is_refused_with_the_place(void)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"size\"}",
                                      "{\"size\":}",
                                      "{\"size\":1",
                                      "{\"size\":1,}",
                                      "{\"size\":1}x",
                                      "{\"size\":01}",
                                      "{\"size\":-1}",
                                      "{\"size\":1.5}",
                                      "{\"size\":1e99}",
                                      "{\"size\":18446744073709551616}",
                                      "{\"uid\":4294967296}",
                                      "{\"type\":\"File\"}",
                                      "{\"type\":1}",
                                      "{\"mode\":\"rwx\"}",
                                      "{\"mtime\":\"yesterday\"}",
                                      "{\"mtime_ns\":1000000000}",
                                      "{\"intact\":1}",
                                      "{\"xattrs\":[]}",
                                      "{\"user\":\"a\nb\"}",
                                      "{\"user\":\"\\q\"}",
                                      "{\"user\":\"\\u12\"}",
                                      "{\"user\":\"\\ud800\"}",
                                      "{\"user\":\"\\ud800\\u0041\"}",
                                      "{\"user\":\"\\u0000\"}",
                                      "{\"user\":\"\xff\"}",
                                      "{\"x\":tru}",
                                      "{\"x\":1.}",
                                      "{\"x\":1e}",
                                      "{'x':1}",
                                      "{\"x\":[1 2]}"};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        PosixFacts facts = whole;

        CHECK(!posix_parse(&arena, str_from_z(bad[i]), &facts, &err));
        CHECK(err.code == ERR_USAGE && strstr(err.text, "byte ") && same(&facts, &whole));
    }
}

static void nesting_has_a_limit(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(json);
    Err err = {0};
    PosixFacts facts;

    buf_put(&json, STR("{\"x\":"));
    for (int i = 0; i < 100000; i++)
        buf_put_byte(&json, '[');
    CHECK(!posix_parse(&arena, buf_str(&json), &facts, &err) && strstr(err.text, "too deep"));
}

static void names_are_those_of_the_system_or_the_number(void)
{
    ARENA_SCOPE(arena);
    PosixNames *names = posix_names_new(&arena);

    CHECK(str_eq(posix_user_name(names, 0), STR("root")) && str_eq(posix_group_name(names, 0), STR("root")));
    CHECK(str_eq(posix_user_name(names, 3999999999u), STR("3999999999")));
    CHECK(posix_user_name(names, 0).ptr == posix_user_name(names, 0).ptr);
}

static void attribute_values_can_be_had_back(void)
{
    BUF_SCOPE(json);

    posix_put_xattr(&json, STR("user.a"), STR("plain \"text\""));
    posix_put_xattr(&json, STR("user.b"), STR("\0\xff"));
    posix_put_xattr(&json, STR("user.c"), STR("0x"));
    CHECK(str_eq(buf_str(&json),
                 STR("\"user.a\":\"plain \\\"text\\\"\"\"user.b\":\"0x00ff\"\"user.c\":\"0x3078\"")));
}

int main(void)
{
    RUN(a_record_has_its_keys_in_order_and_reads_back_the_same);
    RUN(texts_of_any_length_and_content_fit);
    RUN(every_set_of_fields_reads_back);
    RUN(mode_text_is_that_of_ls);
    RUN(a_mode_that_ls_does_not_print_is_refused);
    RUN(the_originals_record_is_understood);
    RUN(numbers_and_texts_are_read_as_others_write_them);
    RUN(what_is_no_posix_record_is_refused_with_the_place);
    RUN(nesting_has_a_limit);
    RUN(names_are_those_of_the_system_or_the_number);
    RUN(attribute_values_can_be_had_back);
    DONE();
}
