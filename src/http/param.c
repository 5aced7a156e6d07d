/* SPDX-License-Identifier: Apache-2.0 */
#include "http/param.h"

#include <math.h>
#include <stdio.h>

enum {
    SHOWN_MAX = 60,        /* how much of a refused value a message repeats, bytes */
    MEMBERS_MAX = 1 << 16, /* of any list: what is longer is refused before memory is taken for it */
};

/* Fills the one or two fields of `out` that belong to the type; false when `text` is not of that type. */
typedef bool ParseFn(const Param *param, Str text, Arena *arena, Value *out);

static bool parse_text(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)arena;
    out->number = (int64_t)text.len;
    return !memchr(text.ptr ? text.ptr : "", 0, text.len) &&
           (param->type == PARAM_RAW || str_utf8_prefix(text) == text.len);
}

static bool parse_int(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)arena;
    return str_to_int64(text, &out->number) && (param->type == PARAM_INT || text.ptr[0] != '-');
}

/* Decimal only: strtod() would read 0x10, inf and nan as well. */
static bool read_double(Str text, double *out)
{
    return !memchr(text.ptr ? text.ptr : "", 'x', text.len) &&
           !memchr(text.ptr ? text.ptr : "", 'X', text.len) && str_to_double(text, out) && isfinite(*out);
}

static bool parse_double(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)param;
    (void)arena;
    return read_double(text, &out->real);
}

static bool parse_bool(const Param *param, Str text, Arena *arena, Value *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"", true},    {"yes", true},    {"true", true}, {"1", true},   {"on", true},
                 {"no", false}, {"false", false}, {"0", false},   {"off", false}};

    (void)param;
    (void)arena;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq_z(text, words[i].word)) {
            out->number = words[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_time(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)param;
    (void)arena;
    return time_parse(text, &out->number);
}

static bool parse_duration(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)param;
    (void)arena;
    return time_parse_duration(text, &out->number);
}

static bool parse_size(const Param *param, Str text, Arena *arena, Value *out)
{
    static const char units[] = "KMGTP";
    double scale = 1, real;

    (void)param;
    (void)arena;
    if (str_to_int64(text, &out->number))
        return out->number >= 0;
    const char *unit = text.len ? memchr(units, text.ptr[text.len - 1], sizeof units - 1) : NULL;
    if (!unit || !read_double(str_sub(text, 0, text.len - 1), &real))
        return false;
    for (const char *u = units; u <= unit; u++)
        scale *= 1024;
    real *= scale;
    if (!(real >= 0 && real < 9e18))
        return false;
    out->number = (int64_t)real;
    return true;
}

static bool parse_enum(const Param *param, Str text, Arena *arena, Value *out)
{
    Str rest = str_from_z(param->choices);

    (void)arena;
    for (out->number = 0; rest.len; out->number++) {
        Str choice;

        rest = str_cut(rest, '|', &choice);
        if (str_eq(choice, text))
            return true;
    }
    return false;
}

static size_t count_members(Str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',';
    return count;
}

static bool parse_list(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)param;
    if (str_utf8_prefix(text) != text.len || memchr(text.ptr, 0, text.len))
        return false;
    out->count = count_members(text);
    out->number = (int64_t)out->count;
    if (out->count > MEMBERS_MAX)
        return false;
    out->list = arena_new(arena, Str, out->count);
    for (size_t i = 0; i < out->count; i++) {
        text = str_cut(text, ',', &out->list[i]);
        if (!out->list[i].len)
            return false;
    }
    return true;
}

static bool parse_doubles(const Param *param, Str text, Arena *arena, Value *out)
{
    (void)param;
    out->count = count_members(text);
    out->number = (int64_t)out->count;
    if (out->count > MEMBERS_MAX)
        return false;
    out->reals = arena_new(arena, double, out->count);
    for (size_t i = 0; i < out->count; i++) {
        Str member;

        text = str_cut(text, ',', &member);
        if (!read_double(member, &out->reals[i]))
            return false;
    }
    return true;
}

static const struct {
    const char *name; /* "is not NAME" */
    ParseFn *parse;
    const char *bounded; /* what min and max count: "value 'x' BOUNDED 3" */
    bool own_bounds;     /* bounds are values of the type itself, otherwise plain counts */
    int64_t max;         /* without `max` in the row; 0 = none */
} types[] = {
    [PARAM_TEXT] = {"UTF-8 text", parse_text, "bytes", false, PARAM_TEXT_MAX},
    [PARAM_RAW] = {"a text without NUL bytes", parse_text, "bytes", false, PARAM_RAW_MAX},
    [PARAM_INT] = {"a whole number", parse_int, "", true, 0},
    [PARAM_UINT] = {"a whole number of at least 0", parse_int, "", true, 0},
    [PARAM_DOUBLE] = {"a finite number", parse_double, "", true, 0},
    [PARAM_BOOL] = {"yes or no", parse_bool, "", false, 0},
    [PARAM_TIME] = {"an RFC 3339 time or date", parse_time, "", true, 0},
    [PARAM_DURATION] = {"a duration such as 90ms, 10m or 7d", parse_duration, "", true, 0},
    [PARAM_SIZE] = {"a size in bytes such as 4096, 10K or 1.5G", parse_size, "", true, 0},
    [PARAM_ENUM] = {"one of its choices", parse_enum, "", false, 0},
    [PARAM_LIST] = {"a comma-separated list of texts", parse_list, "members", false, PARAM_LIST_MAX},
    [PARAM_DOUBLES] = {"a comma-separated list of finite numbers", parse_doubles, "members", false,
                       PARAM_LIST_MAX},
};

const char *param_type_name(ParamType type)
{
    return types[type].name;
}

/* A value as a message shows it: valid UTF-8, cut short. */
static Str shown(Str text)
{
    Str some = str_sub(text, 0, SHOWN_MAX);

    return str_sub(some, 0, str_utf8_prefix(some));
}

/* -1, 0 or 1: how `value` stands to a bound of the same type, written as text. */
static int compare_to_bound(const Param *param, const Value *value, const char *bound)
{
    Value limit = {0};
    Arena none = {0};

    if (types[param->type].own_bounds)
        (void)types[param->type].parse(param, str_from_z(bound), &none, &limit);
    else
        (void)str_to_int64(str_from_z(bound), &limit.number);
    if (param->type == PARAM_DOUBLE)
        return (value->real > limit.real) - (value->real < limit.real);
    return (value->number > limit.number) - (value->number < limit.number);
}

static bool check_bounds(const Param *param, const Value *value, Err *err)
{
    const char *what = types[param->type].bounded;
    char usual_max[24];

    (void)snprintf(usual_max, sizeof usual_max, "%lld", (long long)types[param->type].max);
    const char *max = param->max ? param->max : types[param->type].max ? usual_max : NULL;
    if (param->min && compare_to_bound(param, value, param->min) < 0)
        return err_set(err, ERR_USAGE, "parameter '%s' has %s than %s%s%s", param->name,
                       *what ? "less" : "a value lower", param->min, *what ? " " : "", what);
    if (max && compare_to_bound(param, value, max) > 0)
        return err_set(err, ERR_USAGE, "parameter '%s' has %s than %s%s%s", param->name,
                       *what ? "more" : "a value higher", max, *what ? " " : "", what);
    return true;
}

/* What would have passed, where the table says so. */
static bool hint_range(const Param *param, Err *err)
{
    if (param->choices)
        return err_hint(err, "the choices are %s", param->choices);
    if (types[param->type].own_bounds && param->min && param->max)
        return err_hint(err, "it goes from %s to %s", param->min, param->max);
    return false;
}

bool param_parse(const Param *param, Str text, Arena *arena, Value *out, Err *err)
{
    Value value = {.given = true, .text = text};
    Str some = shown(text);

    if (!types[param->type].parse(param, text, arena, &value)) {
        (void)err_set(err, ERR_USAGE, "parameter '%s' is not %s: '%.*s'%s", param->name,
                      types[param->type].name, STR_ARG(some), some.len < text.len ? "..." : "");
        return hint_range(param, err);
    }
    if (!check_bounds(param, &value, err))
        return hint_range(param, err);
    *out = value;
    return true;
}

static bool allows_empty(const Param *param)
{
    return param->type == PARAM_BOOL ||
           (param->type <= PARAM_RAW && param->min && strcmp(param->min, "0") == 0);
}

/* The one pair called `name`; *out is NULL when there is none. */
static bool find_once(Pairs pairs, const char *name, const Pair **out, Err *err)
{
    const Pair *found = pairs_find(pairs, name);

    for (const Pair *pair = found ? found + 1 : NULL; pair && pair < pairs.at + pairs.count; pair++)
        if (str_eq(pair->name, found->name))
            return err_set(err, ERR_USAGE, "parameter '%s' is given more than once", name);
    if (found && found->malformed)
        return err_set(err, ERR_USAGE, "parameter '%s' has a '%%' without two hex digits behind it", name);
    *out = found;
    return true;
}

static bool take_one(const Param *param, Pairs pairs, Arena *arena, Value *out, Err *err)
{
    const Pair *pair = NULL;

    if (!find_once(pairs, param->name, &pair, err))
        return false;
    if (pair && (pair->value.len || allows_empty(param)))
        return param_parse(param, pair->value, arena, out, err);
    if (param->required) {
        (void)err_set(err, ERR_USAGE, "parameter '%s' is missing", param->name);
        return param->help ? err_hint(err, "%s: %s", param->name, param->help) : false;
    }
    if (param->default_text)
        return param_parse(param, str_from_z(param->default_text), arena, out, err);
    *out = (Value){0};
    return true;
}

/* The name of the table nearest to a mistyped one, or NULL. */
static const char *nearest(const Param *params, size_t count, Str name)
{
    const char *best = NULL;
    int best_distance = 3;

    for (size_t i = 0; i < count; i++) {
        int distance = str_distance(str_from_z(params[i].name), name, 3);

        if (params[i].in != IN_PATH && distance < best_distance) {
            best = params[i].name;
            best_distance = distance;
        }
    }
    return best;
}

static bool refuse_unknown(const Param *params, size_t count, ParamIn in, Pairs pairs, Err *err)
{
    for (size_t p = 0; p < pairs.count; p++) {
        Str name = pairs.at[p].name, some = shown(name);
        size_t i = 0;

        while (i < count && !(params[i].in == in && str_eq_z(name, params[i].name)))
            i++;
        if (i < count)
            continue;
        const char *near = nearest(params, count, name);
        (void)err_set(err, ERR_USAGE, "there is no parameter '%.*s'", STR_ARG(some));
        return near ? err_hint(err, "did you mean '%s'?", near) : false;
    }
    return true;
}

bool param_check(const Param *params, size_t count, Pairs query, Pairs form, const Str *path, bool any,
                 Arena *arena, Value *values, Err *err)
{
    size_t in_path = 0;

    if (!any && (!refuse_unknown(params, count, IN_QUERY, query, err) ||
                 !refuse_unknown(params, count, IN_FORM, form, err)))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool ok = params[i].in == IN_PATH
                      ? param_parse(&params[i], path[in_path++], arena, &values[i], err)
                      : take_one(&params[i], params[i].in == IN_FORM ? form : query, arena, &values[i], err);

        if (!ok)
            return false;
    }
    return true;
}

/* Whether a text of the table, named `what`, is a value that passes. */
static bool check_own(const Param *param, const char *text, const char *what, Err *err)
{
    ARENA_SCOPE(arena);
    Value value;

    if (!text || param_parse(param, str_from_z(text), &arena, &value, err))
        return true;
    err->code = ERR_BUG;
    return err_wrap(err, "the %s is wrong", what);
}

static bool check_bound(const Param *param, const char *bound, const char *which, Err *err)
{
    Value value = {0};
    Arena none = {0};
    bool ok = !bound || (types[param->type].own_bounds
                             ? types[param->type].parse(param, str_from_z(bound), &none, &value)
                             : str_to_int64(str_from_z(bound), &value.number));

    return ok || err_set(err, ERR_BUG, "the %s of parameter '%s' is wrong: '%s'", which, param->name, bound);
}

bool param_table_check(const Param *params, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++) {
        const Param *param = &params[i];

        if (param->type == PARAM_ENUM && !param->choices)
            return err_set(err, ERR_BUG, "parameter '%s' has no choices", param->name);
        if (!check_bound(param, param->min, "minimum", err) ||
            !check_bound(param, param->max, "maximum", err) ||
            !check_own(param, param->default_text, "default", err) ||
            !check_own(param, param->example, "example", err))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(param->name, params[j].name) == 0 && param->in == params[j].in)
                return err_set(err, ERR_BUG, "parameter '%s' is twice in its table", param->name);
    }
    return true;
}
