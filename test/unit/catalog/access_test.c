/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/access.h"

#include "catalog/find.h"
#include "catalog/usage.h"
#include "test/unit/catalog/tree.h"

#include "test/check.h"

static Arena arena;
static const int64_t groups[] = {1, 2};
static const AccessUser users[] = {{0, groups, 0}, {1, groups, 1}, {2, groups, 2}, {7, groups, 0}};

static void decides_as_posix_does(void)
{
    static const int64_t two[] = {10, 20};
    static const struct {
        int64_t uid, owner, group;
        int mode, need;
        bool may;
    } cases[] = {
        {0, 5, 5, 0000, 7, true},   {1, 1, 99, 0700, 5, true}, {1, 1, 99, 0077, 5, false},
        {1, 1, 10, 0077, 4, false}, {1, 2, 10, 0050, 5, true}, {1, 2, 20, 0010, 1, true},
        {1, 2, 10, 0707, 4, false}, {1, 2, 30, 0005, 5, true}, {1, 2, 30, 0770, 1, false},
        {1, 2, 30, 0004, 5, false}, {1, 2, 30, 0001, 1, true}, {1, 2, 30, 01777, 7, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AccessUser user = {cases[i].uid, two, 2};
        bool may = access_may(&user, cases[i].need, cases[i].owner, cases[i].group, cases[i].mode);
        Str query = str_printf(&arena, "select catalog.may(%d, %lld, '{10,20}', %lld, %lld, %d)",
                               cases[i].need, (long long)cases[i].uid, (long long)cases[i].owner,
                               (long long)cases[i].group, cases[i].mode);

        CHECK(may == cases[i].may);
        CHECK_ASK(query.ptr, cases[i].may ? "t" : "f");
    }
    CHECK_ASK("select catalog.may(1, 5, '{}', null, null, null)", "f");
    CHECK_ASK("select catalog.may(7, 0, '{}', null, null, null)", "t");
}

/* ---- by hand ---- */

static bool may_at(const AccessUser *user, int i, int need)
{
    return access_may(user, need, tree[i].facts.uid, tree[i].facts.gid, tree[i].facts.mode);
}

/* Can the kernel get there? */
static bool reaches(const AccessUser *user, int i)
{
    for (i = tree[i].parent; i >= 0; i = tree[i].parent)
        if (!may_at(user, i, 1))
            return false;
    return true;
}

/* Does a walk from `top`, which can be reached and listed, come to it? */
static bool walks_to(const AccessUser *user, int top, int i)
{
    for (i = tree[i].parent; i >= 0; i = tree[i].parent) {
        if (!may_at(user, i, 5))
            return false;
        if (i == top)
            return true;
    }
    return false;
}

static bool is_directory(int i)
{
    return tree[i].facts.type == POSIX_DIRECTORY;
}

/* ---- asked ---- */

static int came[TREE_MAX], strangers;

static bool take(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    (void)ctx, (void)shape, (void)err;
    for (int i = 0; i < tree_count; i++) {
        if (str_eq(tree[i].text, cells[0].text)) {
            came[i]++;
            return true;
        }
    }
    strangers++;
    return true;
}

static ListSink sink_new(void)
{
    memset(came, 0, sizeof came);
    strangers = 0;
    return (ListSink){.row = take, .arena = &arena};
}

static Access enter(const AccessUser *user)
{
    Access access = {0};
    Err err = {0};

    CHECK(access_open(&arena, shards_db, STR("t"), user, &access, &err));
    return access;
}

static void stat_reaches_what_the_kernel_reaches(void)
{
    int denied = 0;

    for (size_t u = 0; u < COUNT_OF(users); u++) {
        Access access = enter(&users[u]);

        for (int i = 0; i < tree_count; i++) {
            Err err = {0};
            ListSink sink = sink_new();
            bool ok = list_stat(&access, tree[i].raw, &sink, &err), expected = reaches(&users[u], i);

            CHECK(ok == expected && came[i] == (int)expected && (ok || err.code == ERR_DENIED));
            denied += !ok;
        }
    }
    CHECK(denied > 20);
}

static void what_is_hidden_does_not_say_whether_it_exists(void)
{
    for (int i = 0; i < tree_count; i++) {
        Access access = enter(&users[3]);
        Str missing = pathname_join(&arena, tree[i].raw, STR("is not there"));
        Err err = {0};
        ListSink sink = sink_new();

        if (!is_directory(i))
            continue;
        bool open = reaches(&users[3], i) && may_at(&users[3], i, 1);
        CHECK(!list_stat(&access, missing, &sink, &err) && err.code == (open ? ERR_NOT_FOUND : ERR_DENIED));
    }
}

static void ls_lists_what_may_be_listed(void)
{
    for (size_t u = 0; u < COUNT_OF(users); u++) {
        Access access = enter(&users[u]);

        for (int d = 0; d < tree_count; d++) {
            Err err = {0};
            ListSink sink = sink_new();
            int bad = 0;

            if (!is_directory(d))
                continue;
            bool ok = list_directory(&access, tree[d].raw, LIST_BY_NAME, 0, &sink, &err);
            bool expected = reaches(&users[u], d) && may_at(&users[u], d, 5);
            for (int i = 0; i < tree_count; i++)
                bad += came[i] != (int)(expected && tree[i].parent == d);
            CHECK(ok == expected && bad == 0 && strangers == 0);
        }
    }
}

typedef bool Search(const Access *access, Str path, ListSink *sink, Err *err);

static bool search_find(const Access *access, Str path, ListSink *sink, Err *err)
{
    return find(access, &(FindQuery){.path = path}, sink, err);
}

static bool search_du(const Access *access, Str path, ListSink *sink, Err *err)
{
    return usage_below(access, path, USAGE_DEPTH_MAX, sink, err);
}

/* From every directory, by every user; `self` and `only_directories` say what it gives. */
static void compare(Search *search, bool self, bool only_directories)
{
    int hidden = 0;

    for (size_t u = 0; u < COUNT_OF(users); u++) {
        Access access = enter(&users[u]);

        for (int d = 0; d < tree_count; d++) {
            Err err = {0};
            ListSink sink = sink_new();
            int bad = 0;

            if (!is_directory(d))
                continue;
            bool ok = search(&access, tree[d].raw, &sink, &err);
            bool may = reaches(&users[u], d) && may_at(&users[u], d, 5);
            for (int i = 0; i < tree_count; i++) {
                bool expected =
                    may && ((self && i == d) || walks_to(&users[u], d, i)) &&
                    (!only_directories || (is_directory(i) && (i == d || may_at(&users[u], i, 5))));

                bad += came[i] != (int)expected;
                hidden += !expected;
            }
            if (ok != may || bad)
                printf("# user %d, %.*s: %d wrong, %s\n", (int)users[u].uid, STR_ARG(tree[d].text), bad,
                       err.text);
            CHECK(ok == may && bad == 0 && strangers == 0);
        }
    }
    CHECK(hidden > 100);
}

static void find_finds_what_a_walk_finds(void)
{
    compare(search_find, false, false);
}

static void du_goes_where_a_walk_goes(void)
{
    compare(search_du, true, true);
}

static void an_answers_path_can_be_given_back(void)
{
    Access access = enter(NULL);

    for (int i = 0; i < tree_count; i++) {
        AccessPath raw, text;
        Err err = {0};

        CHECK(access_path(&access, tree[i].raw, ACCESS_STAT, &raw, &err) && str_eq(raw.text, tree[i].text));
        CHECK(access_path(&access, tree[i].text, ACCESS_STAT, &text, &err) &&
              str_eq(text.text, tree[i].text));
    }
}

static void paths_are_normalised_and_refused(void)
{
    static const struct {
        const char *path;
        ErrCode code;
    } cases[] = {{"/t", ERR_NONE},           {"/t/", ERR_NONE},     {"//t///", ERR_NONE},
                 {"/t/.", ERR_NONE},         {"", ERR_NONE},        {"t", ERR_USAGE},
                 {"/t/../t", ERR_USAGE},     {"/", ERR_NOT_FOUND},  {"/u", ERR_NOT_FOUND},
                 {"/t/nono", ERR_NOT_FOUND}, {"/tt", ERR_NOT_FOUND}};
    Access access = enter(NULL), nothing;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AccessPath path;
        Err err = {0};

        bool ok = access_path(&access, str_from_z(cases[i].path), ACCESS_LIST, &path, &err);
        CHECK(ok == (cases[i].code == ERR_NONE) && err.code == cases[i].code);
        CHECK(ok || err.code == ERR_USAGE || err.hint[0]);
    }
    Err err = {0};
    CHECK(!access_open(&arena, shards_db, STR("public"), NULL, &nothing, &err) && err.code == ERR_NOT_FOUND);
}

int main(void)
{
    static const uint16_t modes[] = {0755, 0755, 0750, 0700, 0711, 0705, 0070, 0744, 0000, 0777};

    shards_start();
    shards_new("t", "/t");
    tree_make("/t", 300);
    for (int i = 1; i < tree_count; i++)
        if (is_directory(i) && tree_random(2))
            tree[i].facts.mode = modes[tree_random(COUNT_OF(modes))];
    tree_load("t", NULL);
    RUN(decides_as_posix_does);
    RUN(stat_reaches_what_the_kernel_reaches);
    RUN(what_is_hidden_does_not_say_whether_it_exists);
    RUN(ls_lists_what_may_be_listed);
    RUN(find_finds_what_a_walk_finds);
    RUN(du_goes_where_a_walk_goes);
    RUN(an_answers_path_can_be_given_back);
    RUN(paths_are_normalised_and_refused);
    arena_free(&arena);
    DONE();
}
