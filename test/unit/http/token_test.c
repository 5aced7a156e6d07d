/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/os.h"
#include "test/check.h"

static char dir[] = "/tmp/strata-token-test-XXXXXX";
static char path[64];

/* One line: the hash of `token`, and what is behind it. */
static void put_line(Buf *file, const char *token, const char *rest)
{
    token_put_hash(file, str_from_z(token));
    buf_printf(file, " %s\n", rest);
}

static void write_file(const Buf *file)
{
    Err err = {0};

    CHECK(os_write_file(path, buf_str(file), 0600, &err));
}

static void hashes_are_sha256(void)
{
    BUF_SCOPE(hash);

    token_put_hash(&hash, STR("abc"));
    CHECK(str_eq_z(buf_str(&hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

static void a_token_is_who_the_file_says(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(file);
    Err err = {0};
    User user;

    buf_put_z(&file, "# tokens\n\n");
    put_line(&file, "one", "reader ann uid=1000 groups=100,200 # a comment");
    put_line(&file, "two", "admin  bob expires=2200-01-01T00:00:00Z");
    put_line(&file, "old", "writer eve expires=2001-01-01");
    write_file(&file);
    TokenFile *tokens = token_file_open(path, &err);
    CHECK(tokens && token_file_check(tokens, &err));

    CHECK(token_find(tokens, STR("one"), &arena, &user, &err));
    CHECK(user.role == READER && str_eq_z(user.name, "ann") && user.filtered && user.uid == 1000);
    CHECK(user.group_count == 2 && user.groups[1] == 200);
    CHECK(token_find(tokens, STR("two"), &arena, &user, &err) && user.role == ADMIN && !user.filtered);
    CHECK(!token_find(tokens, STR("three"), &arena, &user, &err) && err.code == ERR_UNAUTHORIZED);
    CHECK(!token_find(tokens, STR("old"), &arena, &user, &err) && strstr(err.text, "expired"));
    CHECK(!token_find(tokens, STR(""), &arena, &user, &err));
    token_file_close(tokens);
}

static void a_wrong_line_is_named(void)
{
    static const char *const rest[] = {
        "reader",
        "king ann",
        "reader ann uid=x",
        "reader ann uid=4294967295",
        "reader ann groups=1",
        "reader ann uid=1 groups=2 groups=3",
        "reader ann what",
        "reader ann expires=soon",
        "reader uid=1",
    };

    for (size_t i = 0; i < COUNT_OF(rest); i++) {
        BUF_SCOPE(file);
        Err err = {0};

        buf_put_byte(&file, '\n');
        put_line(&file, "one", rest[i]);
        write_file(&file);
        CHECK(!token_file_open(path, &err) && err.code == ERR_CONFIG && strstr(err.text, "line 2"));
    }
    Err err = {0};
    CHECK(os_write_file(path, STR("abc reader ann\n"), 0600, &err));
    CHECK(!token_file_open(path, &err) && strstr(err.text, "64"));
    CHECK(!token_file_open("/nonexistent/tokens", &err) && err.code == ERR_NOT_FOUND);
}

static void a_file_that_comes_later_stays_in_use(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(file);
    Err err = {0};
    User user;

    (void)unlink(path);
    TokenFile *tokens = token_file_await(path, &err);
    CHECK(tokens && !token_file_in_use(tokens) && token_file_check(tokens, &err));
    put_line(&file, "one", "reader ann");
    write_file(&file);
    time_sleep(MILLISECONDS(1100));
    CHECK(token_file_in_use(tokens) && token_find(tokens, STR("one"), &arena, &user, &err));
    CHECK(unlink(path) == 0);
    time_sleep(MILLISECONDS(1100));
    CHECK(token_file_in_use(tokens) && !token_find(tokens, STR("one"), &arena, &user, &err));
    token_file_close(tokens);

    CHECK(os_write_file(path, STR("rubbish\n"), 0600, &err));
    CHECK(!token_file_await(path, &err) && err.code == ERR_CONFIG);
}

static void others_must_not_write_to_it(void)
{
    Err err = {0};

    CHECK(os_write_file(path, STR(""), 0600, &err) && chmod(path, 0620) == 0);
    CHECK(!token_file_open(path, &err) && err.code == ERR_CONFIG);
}

static void a_change_is_seen_and_a_wrong_one_reported(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(file);
    Err err = {0};
    User user;

    put_line(&file, "one", "reader ann");
    write_file(&file);
    TokenFile *tokens = token_file_open(path, &err);
    CHECK(tokens != NULL);
    CHECK(token_find(tokens, STR("one"), &arena, &user, &err));

    buf_put_z(&file, "rubbish\n");
    write_file(&file);
    time_sleep(MILLISECONDS(1100));
    CHECK(token_find(tokens, STR("one"), &arena, &user, &err));
    CHECK(!token_file_check(tokens, &err) && err.code == ERR_CONFIG);

    CHECK(unlink(path) == 0);
    time_sleep(MILLISECONDS(1100));
    CHECK(!token_find(tokens, STR("one"), &arena, &user, &err));
    CHECK(!token_file_check(tokens, &err) && err.code == ERR_NOT_FOUND);

    buf_reset(&file);
    put_line(&file, "two", "reader ann");
    write_file(&file);
    time_sleep(MILLISECONDS(1100));
    CHECK(token_find(tokens, STR("two"), &arena, &user, &err) && token_file_check(tokens, &err));
    CHECK(!token_find(tokens, STR("one"), &arena, &user, &err));
    token_file_close(tokens);
}

static void new_tokens_differ(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Str a = {0}, b = {0};

    CHECK(token_new(&arena, &a, &err) && token_new(&arena, &b, &err));
    CHECK(a.len == 7 + 64 && str_starts(a, STR("strata_")) && !str_eq(a, b));
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof path, "%s/tokens", dir);
    RUN(hashes_are_sha256);
    RUN(a_token_is_who_the_file_says);
    RUN(a_wrong_line_is_named);
    RUN(others_must_not_write_to_it);
    RUN(a_change_is_seen_and_a_wrong_one_reported);
    RUN(a_file_that_comes_later_stays_in_use);
    RUN(new_tokens_differ);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
