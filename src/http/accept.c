/* SPDX-License-Identifier: Apache-2.0 */
#include "http/accept.h"

#include <string.h>
#include <strings.h>

static bool is_word(Str s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.ptr, word, s.len) == 0;
}

/* Whether the parameters behind a list member say q=0. */
static bool is_refused(Str params)
{
    double quality;

    while (params.len) {
        Str one, name;

        params = str_cut(params, ';', &one);
        Str value = str_trim(str_cut(str_trim(one), '=', &name));
        if (is_word(str_trim(name), "q"))
            return str_to_double(value, &quality) && quality <= 0;
    }
    return false;
}

/* 1: taken, 0: refused, -1: not in the list. */
static int look_up(Str list, const char *word)
{
    while (list.len) {
        Str member, name;

        list = str_cut(list, ',', &member);
        Str params = str_cut(member, ';', &name);
        if (is_word(str_trim(name), word))
            return !is_refused(params);
    }
    return -1;
}

bool accept_names(Str list, const char *word)
{
    return look_up(list, word) == 1;
}

bool accept_has(Str list, const char *word)
{
    int found = list.len ? look_up(list, word) : 0;

    if (found < 0)
        found = look_up(list, "*");
    if (found < 0)
        found = look_up(list, "*/*");
    return found == 1;
}

bool accept_etag(Str list, Str tag)
{
    while (list.len) {
        Str one;

        list = str_cut(list, ',', &one);
        one = str_trim(one);
        if (str_eq_z(one, "*"))
            return true;
        if (str_starts(one, STR("W/")))
            one = str_sub(one, 2, one.len);
        if (one.len == tag.len + 2 && one.ptr[0] == '"' && str_eq(str_sub(one, 1, one.len - 1), tag))
            return true;
    }
    return false;
}
