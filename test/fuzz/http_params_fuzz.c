/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's target and form can hold: split, decoded, routed, and checked against every type of parameter.
 *
 * Input: a target, a line feed, a form. Whatever comes, each parameter is given a value within its bounds or the
 * request is refused with a sentence that is UTF-8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: the fuzzer's name */

static const Route routes[] = {
    {"POST", "/a/{shard}/{rest...}", "All types",
     PARAMS({"shard", PARAM_TEXT, IN_PATH, .min = "1", .max = "20"}, {"rest", PARAM_RAW, IN_PATH},
            {"raw", PARAM_RAW}, {"int", PARAM_INT, .min = "-5", .max = "5"}, {"uint", PARAM_UINT},
            {"real", PARAM_DOUBLE, .max = "10"}, {"flag", PARAM_BOOL}, {"at", PARAM_TIME},
            {"span", PARAM_DURATION}, {"size", PARAM_SIZE, .max = "1T"},
            {"kind", PARAM_ENUM, .choices = "x|yy|z"}, {"list", PARAM_LIST, .max = "5"},
            {"box", PARAM_DOUBLES, .min = "4", .max = "6"},
            {"note", PARAM_TEXT, IN_FORM, .default_text = "-"}, PARAM_LIMIT("100", "10"), PARAM_AFTER)},
    {"GET", "/a/b/c", "A word"},
    {"GET", "/a/{shard}", "One", PARAMS({"shard", PARAM_TEXT, IN_PATH})},
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_within(const Value *value, int64_t low, int64_t high)
{
    return !value->given || (value->number >= low && value->number <= high);
}

static void check_values(const Value *values)
{
    Str shard = values[0].text, raw = values[2].text;

    must(shard.len >= 1 && shard.len <= 20 && str_utf8_prefix(shard) == shard.len);
    must(!raw.len || !memchr(raw.ptr, 0, raw.len));
    must(is_within(&values[3], -5, 5) && is_within(&values[4], 0, INT64_MAX) && values[5].real <= 10);
    must(is_within(&values[9], 0, (int64_t)1 << 40) && is_within(&values[10], 0, 2));
    must(is_within(&values[11], 1, 5) && is_within(&values[12], 4, 6));
    must(values[13].given && values[14].given && is_within(&values[14], 1, 100));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Str form_raw, target, path, query_raw, allow, decoded;
    Pairs query, form;
    RouteMatch match;
    Value values[20] = {0};
    Router *router = router_new(&arena);

    for (size_t i = 0; i < COUNT_OF(routes); i++)
        must(router_add(router, &routes[i], NULL, &err));
    form_raw = str_cut((Str){(const char *)data, size}, '\n', &target);
    url_split(target, &path, &query_raw);
    (void)url_decode(&arena, path, false, &decoded);
    must(decoded.len <= path.len);
    bool ok = url_pairs(&arena, query_raw, &query, &err) && url_pairs(&arena, form_raw, &form, &err) &&
              router_find(router, STR("POST"), path, &arena, &match, &allow, &err) &&
              param_check(match.route->params, match.route->param_count, query, form, match.path, false,
                          &arena, values, &err);
    if (ok)
        check_values(values);
    else
        must(err.code != ERR_NONE && str_utf8_prefix(str_from_z(err.text)) == strlen(err.text));
    return 0;
}
