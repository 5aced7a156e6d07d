/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "extract/rules.h"

#include <pcre2.h>
#include <string.h>

#include "extract/rules_json.h"

/* Steps of backtracking after which a pattern counts as not found in a name. */
enum { MATCH_LIMIT = 100000 };

bool rules_built_in(Arena *arena, Rules *out, Err *err)
{
    return rules_parse(arena, (Str){rules_json, sizeof rules_json - 1}, "built-in rules", out, err);
}

static void drop_match(pcre2_match_data **match)
{
    pcre2_match_data_free(*match);
}

static void drop_context(pcre2_match_context **context)
{
    pcre2_match_context_free(*context);
}

/* The match, or NULL. */
static pcre2_match_data *find(const pcre2_code *pattern, Str subject)
{
    ATTR_CLEANUP(drop_context) pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern, NULL);

    (void)pcre2_set_match_limit(context, MATCH_LIMIT);
    if (pcre2_match(pattern, (PCRE2_SPTR)(subject.ptr ? subject.ptr : ""), subject.len, 0, 0, match,
                    context) > 0)
        return match;
    pcre2_match_data_free(match);
    return NULL;
}

/* The text of a named group, or empty when there is none of that name or it took no part. */
static Str group(const pcre2_code *pattern, pcre2_match_data *match, Str subject, const char *name)
{
    int number = pcre2_substring_number_from_name(pattern, (PCRE2_SPTR)name);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);

    if (number < 0 || (uint32_t)number >= pcre2_get_ovector_count(match) ||
        ends[(size_t)number * 2] == PCRE2_UNSET)
        return (Str){0};
    return str_sub(subject, ends[(size_t)number * 2], ends[(size_t)number * 2 + 1]);
}

/* A group as a number within limits; `missing` when there is no such group, and false when it is out of them. */
static bool number(const pcre2_code *pattern, pcre2_match_data *match, Str subject, const char *name,
                   int64_t least, int64_t most, int64_t missing, int64_t *out)
{
    Str text = group(pattern, match, subject, name);

    *out = missing;
    if (text.len == 0)
        return true;
    return str_to_int64(text, out) && *out >= least && *out <= most;
}

/* The day of the month's, the year's, or the first one of what is known. */
static bool date_of(const pcre2_code *pattern, pcre2_match_data *match, Str subject, int64_t *days)
{
    int64_t year, month, day, of_year, civil_year;
    int civil_month, civil_day;

    if (!number(pattern, match, subject, "year", 1, 9999, 0, &year) || year == 0 ||
        !number(pattern, match, subject, "month", 1, 12, 1, &month) ||
        !number(pattern, match, subject, "day", 1, 31, 1, &day) ||
        !number(pattern, match, subject, "julian_day", 1, 366, 0, &of_year))
        return false;
    if (of_year > 0) {
        *days = time_days_from_civil(year, 1, 1) + of_year - 1;
        return true;
    }
    *days = time_days_from_civil(year, (int)month, (int)day);
    time_civil_from_days(*days, &civil_year, &civil_month, &civil_day);
    return civil_day == day; /* no 30th of February */
}

static bool time_of(const pcre2_code *pattern, pcre2_match_data *match, Str subject, Instant *out)
{
    int64_t days, hour, minute, second;

    if (!date_of(pattern, match, subject, &days) ||
        !number(pattern, match, subject, "hour", 0, 23, 0, &hour) ||
        !number(pattern, match, subject, "minute", 0, 59, 0, &minute) ||
        !number(pattern, match, subject, "second", 0, 60, 0, &second))
        return false;
    *out = (((days * 24 + hour) * 60 + minute) * 60 + second) * SECONDS(1);
    return true;
}

void rules_match(const Rules *rules, Str path, RuleMatch *out)
{
    *out = (RuleMatch){0};
    for (size_t i = 0; i < rules->len; i++) {
        const Rule *rule = &rules->at[i];
        Str subject = rule->match_full_path ? path : str_base_name(path);
        ATTR_CLEANUP(drop_match) pcre2_match_data *match = find(rule->pattern, subject);

        if (!match)
            continue;
        out->rule = rule;
        out->name_space = group(rule->pattern, match, subject, "namespace");
        out->has_time = time_of(rule->pattern, match, subject, &out->time);
        return;
    }
}

/* Puts the group that "{{.name}}" at the start of `rest` asks for; returns what is behind it. */
static Str put_group(Buf *out, const pcre2_code *pattern, pcre2_match_data *match, Str path, Str rest,
                     Arena *scratch)
{
    size_t end = 2;
    Str name;

    while (end + 1 < rest.len && !(rest.ptr[end] == '}' && rest.ptr[end + 1] == '}'))
        end++;
    name = str_trim(str_sub(rest, 2, end));
    if (str_starts(name, STR(".")))
        name = str_sub(name, 1, name.len);
    buf_put(out, group(pattern, match, path, str_to_z(scratch, name)));
    return str_sub(rest, end + 2, rest.len);
}

Str rules_fill(Arena *arena, const RuleTemplate *filled, Str path)
{
    ATTR_CLEANUP(drop_match) pcre2_match_data *match = find(filled->pattern, path);
    BUF_SCOPE(out);

    if (!match)
        return (Str){0};
    for (Str rest = filled->text; rest.len > 0;) {
        if (str_starts(rest, STR("{{"))) {
            rest = put_group(&out, filled->pattern, match, path, rest, arena);
            continue;
        }
        buf_put_byte(&out, rest.ptr[0]);
        rest = str_sub(rest, 1, rest.len);
    }
    return str_copy(arena, buf_str(&out));
}
