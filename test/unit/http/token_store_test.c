/* SPDX-License-Identifier: Apache-2.0 */
#include "http/token_store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/os.h"
#include "test/check.h"

static char dir[] = "/tmp/strata-store-test-XXXXXX";
static char path[64];

static bool add(Role role, const char *name, Str *token, Arena *arena, Err *err)
{
    TokenLine line = {.user = {.role = role, .name = str_from_z(name)}};

    return token_store_add(path, &line, arena, token, err);
}

static void what_is_added_can_be_used(void)
{
    ARENA_SCOPE(arena);
    static const gid_t groups[] = {100, 200};
    TokenLine line = {.user = {.role = READER,
                               .name = STR("ann"),
                               .filtered = true,
                               .uid = 1000,
                               .groups = groups,
                               .group_count = 2}};
    Err err = {0};
    Str token, second;
    User user = {0};

    CHECK(token_store_add(path, &line, &arena, &token, &err));
    CHECK(add(ADMIN, "", &second, &arena, &err));
    TokenFile *file = token_file_open(path, &err);
    CHECK(file && token_find(file, token, &arena, &user, &err));
    CHECK(user.uid == 1000 && user.group_count == 2 && user.groups[1] == 200);
    CHECK(token_find(file, second, &arena, &user, &err) && user.role == ADMIN && !user.filtered);
    token_file_close(file);
    CHECK(unlink(path) == 0);
}

static void what_is_added_is_listed(void)
{
    ARENA_SCOPE(arena);
    TokenLine line = {.user = {.role = READER, .name = STR("ann")}, .expires = SECONDS(4102444800)};
    TokenLine *lines = NULL;
    Err err = {0};
    size_t count;
    Str token;

    CHECK(token_store_list(path, &arena, &lines, &count, &err) && count == 0);
    CHECK(token_store_add(path, &line, &arena, &token, &err) && add(ADMIN, "", &token, &arena, &err));
    CHECK(token_store_list(path, &arena, &lines, &count, &err) && count == 2);
    CHECK(str_eq_z(lines[0].user.name, "ann") && lines[0].expires == SECONDS(4102444800));
    CHECK(str_starts(lines[1].user.name, STR("admin-")) && lines[1].user.name.len == 14);
}

/* Of the two that are there. */
static void a_token_is_taken_back_once(void)
{
    ARENA_SCOPE(arena);
    TokenLine *lines = NULL;
    Err err = {0};
    size_t count;

    CHECK(token_store_remove(path, STR("ann"), &err));
    CHECK(!token_store_remove(path, STR("ann"), &err) && err.code == ERR_NOT_FOUND);
    CHECK(token_store_list(path, &arena, &lines, &count, &err) && count == 1);
    CHECK(lines[0].user.role == ADMIN);
}

static void comments_stay_and_only_the_owner_may_read_it(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    Err err = {0};
    struct stat st;
    Str token;

    CHECK(os_write_file(path, STR("# of the east wing"), 0644, &err));
    CHECK(add(READER, "one", &token, &arena, &err) && add(READER, "two", &token, &arena, &err));
    CHECK(token_store_remove(path, STR("one"), &err));
    CHECK(os_read_file(path, 10000, &text, &err) && str_starts(buf_str(&text), STR("# of the east wing\n")));
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
}

static void names_are_checked(void)
{
    static const char *const wrong[] = {
        "a b", "a=b", "a#b", "a\nb",
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    ARENA_SCOPE(arena);
    Err err = {0};
    Str token;

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK(!add(READER, wrong[i], &token, &arena, &err) && err.code == ERR_USAGE);
    CHECK(add(READER, "same", &token, &arena, &err));
    CHECK(!add(ADMIN, "same", &token, &arena, &err) && err.code == ERR_CONFLICT);
}

static void a_wrong_file_is_left_alone(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    Err err = {0};
    TokenLine *lines = NULL;
    size_t count;
    Str token;

    CHECK(os_write_file(path, STR("rubbish\n"), 0600, &err));
    CHECK(!add(READER, "one", &token, &arena, &err) && err.code == ERR_CONFIG);
    CHECK(!token_store_list(path, &arena, &lines, &count, &err) && err.code == ERR_CONFIG);
    CHECK(!token_store_remove(path, STR("one"), &err) && err.code == ERR_CONFIG);
    CHECK(os_read_file(path, 10000, &text, &err) && str_eq_z(buf_str(&text), "rubbish\n"));
}

static void every_fault_is_reported_and_leaves_a_right_file(void)
{
    ARENA_SCOPE(arena);
    size_t failed = 0, count;
    TokenLine *lines;
    Err err = {0};
    Str token;

    FOR_EACH_FAULT(EIO) {
        bool ok = add(READER, "", &token, &arena, &err);
        bool fired = fault_fired();

        fault_arm(0, 0);
        CHECK(ok == !fired && (ok || err.code == ERR_IO));
        CHECK(token_store_list(path, &arena, &lines, &count, &err));
        failed += !ok;
    }
    CHECK(failed >= 7); /* the lock; open, write, fsync, rename, open and fsync of the directory */
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(path, sizeof path, "%s/tokens", dir);
    RUN(what_is_added_can_be_used);
    RUN(what_is_added_is_listed);
    RUN(a_token_is_taken_back_once);
    RUN(comments_stay_and_only_the_owner_may_read_it);
    RUN(names_are_checked);
    RUN(a_wrong_file_is_left_alone);
    CHECK(unlink(path) == 0);
    RUN(every_fault_is_reported_and_leaves_a_right_file);
    CHECK(os_remove_tree(dir, &err));
    DONE();
}
