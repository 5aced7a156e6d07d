/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include "test/check.h"

#define NAME                        \
    {                               \
        "name", PARAM_TEXT, IN_PATH \
    }
#define REST                       \
    {                              \
        "rest", PARAM_RAW, IN_PATH \
    }

static const Route routes[] = {
    {"GET", "/", "root"},
    {"GET", "/a/fixed", "word"},
    {"GET", "/a/{name}", "one", PARAMS(NAME)},
    {"POST", "/a/{name}", "posted", PARAMS(NAME)},
    {"GET", "/a/{name}/b", "below", PARAMS(NAME)},
    {"GET", "/a/{rest...}", "rest", PARAMS(REST)},
    {"DELETE", "/d/{name}", "deleted", PARAMS(NAME)},
};

static Router *make(Arena *arena)
{
    Router *router = router_new(arena);
    Err err = {0};

    for (size_t i = 0; i < COUNT_OF(routes); i++)
        CHECK(router_add(router, &routes[i], NULL, &err));
    return router;
}

static void the_most_precise_pattern_wins(void)
{
    static const struct {
        const char *method, *path, *summary, *value;
    } rows[] = {
        {"GET", "/", "root", NULL},
        {"HEAD", "/a/fixed", "word", NULL},
        {"GET", "/a/fixed/", "word", NULL},
        {"GET", "/a/other", "one", "other"},
        {"GET", "/a/x%2Fy%ff", "one", "x/y\xff"},
        {"GET", "/a/fixed/b", "below", "fixed"},
        {"GET", "/a/x/c/d", "rest", "x/c/d"},
        {"GET", "/a/x/b/c", "rest", "x/b/c"},
        {"GET", "/a/", "rest", ""},
        {"POST", "/a/fixe%64", "posted", "fixed"},
    };
    ARENA_SCOPE(arena);
    Router *router = make(&arena);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        RouteMatch match = {0};
        Str allow;
        Err err = {0};
        bool ok = router_find(router, str_from_z(rows[i].method), str_from_z(rows[i].path), &arena, &match,
                              &allow, &err);

        CHECK(ok && strcmp(match.route->summary, rows[i].summary) == 0);
        CHECK(!ok || !rows[i].value || str_eq_z(match.path[0], rows[i].value));
    }
}

static void what_does_not_fit_says_why(void)
{
    static const struct {
        const char *method, *path;
        ErrCode code;
        const char *allow;
    } rows[] = {
        {"GET", "/b", ERR_NOT_FOUND, NULL},
        {"GET", "//a/x", ERR_NOT_FOUND, NULL},
        {"GET", "/d", ERR_NOT_FOUND, NULL},
        {"GET", "/d/", ERR_NOT_FOUND, NULL},
        {"GET", "/d/x/y", ERR_NOT_FOUND, NULL},
        {"GET", "/d/x", ERR_METHOD, "DELETE, OPTIONS"},
        {"PUT", "/a/x", ERR_METHOD, "GET, HEAD, POST, OPTIONS"},
        {"GET", "/a/%4", ERR_USAGE, NULL},
    };
    ARENA_SCOPE(arena);
    Router *router = make(&arena);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        RouteMatch match;
        Str allow;
        Err err = {0};

        CHECK(!router_find(router, str_from_z(rows[i].method), str_from_z(rows[i].path), &arena, &match,
                           &allow, &err));
        CHECK(err.code == rows[i].code);
        CHECK(!rows[i].allow || str_eq_z(allow, rows[i].allow));
    }
}

static const Route wrong[] = {
    {"GET", "a"},
    {"GET", "/x/{name}"},
    {"GET", "/x/{other}", "", PARAMS(NAME)},
    {"GET", "/x", "", PARAMS(NAME)},
    {"GET", "/x/{rest...}/y", "", PARAMS(REST)},
    {"GET", "/a/fixed"},
    {"GET", "/x", "", PARAMS({"p", PARAM_ENUM})},
};

static void a_wrong_row_is_refused(void)
{
    ARENA_SCOPE(arena);
    Router *router = make(&arena);

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        Err err = {0};

        CHECK(!router_add(router, &wrong[i], NULL, &err) && err.code == ERR_BUG);
    }
}

int main(void)
{
    RUN(the_most_precise_pattern_wins);
    RUN(what_does_not_fit_says_why);
    RUN(a_wrong_row_is_refused);
    DONE();
}
