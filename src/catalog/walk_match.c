/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk_match.h"

#include <fnmatch.h>
#include <string.h>

typedef struct WalkPattern {
    const char *glob;
    bool of_path; /* not of the name alone */
} WalkPattern;

static WalkPattern pattern_new(Arena *arena, Str given)
{
    if (given.len > 1 && str_ends(given, STR("/")))
        given.len--;
    bool of_path = given.len && memchr(given.ptr, '/', given.len);
    if (str_starts(given, STR("/")))
        given = str_sub(given, 1, given.len);
    return (WalkPattern){str_to_z(arena, given), of_path};
}

WalkMatch walk_match_new(Arena *arena, const Str *patterns, size_t count)
{
    WalkMatch match = {arena_new(arena, WalkPattern, count + 1), count};

    for (size_t i = 0; i < count; i++)
        match.patterns[i] = pattern_new(arena, patterns[i]);
    return match;
}

bool walk_match_any(const WalkMatch *match, const char *path, const char *name)
{
    for (size_t i = 0; i < match->count; i++)
        if (fnmatch(match->patterns[i].glob, match->patterns[i].of_path ? path : name, 0) == 0)
            return true;
    return false;
}
