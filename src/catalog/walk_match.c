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
    WalkMatch match = {.patterns = arena_new(arena, WalkPattern, count + 1), .count = count};

    for (size_t i = 0; i < count; i++) {
        match.patterns[i] = pattern_new(arena, patterns[i]);
        match.of_path |= match.patterns[i].of_path;
    }
    return match;
}

bool walk_match_any(const WalkMatch *match, const char *path, const char *name)
{
    for (size_t i = 0; i < match->count; i++)
        if (fnmatch(match->patterns[i].glob, match->patterns[i].of_path ? path : name, 0) == 0)
            return true;
    return false;
}

bool walk_match_below(const WalkMatch *match, Str root, Str path, bool above)
{
    ARENA_SCOPE(scratch);
    size_t from = root.len > 1 ? root.len + 1 : 1;

    if (match->count == 0 || path.len <= from)
        return false;
    char *below = str_to_z(&scratch, str_sub(path, from, path.len)), *name = below;
    for (char *at = below;; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if ((above || end == '\0') && walk_match_any(match, below, name))
            return true;
        if (end == '\0')
            return false;
        *at = end;
        name = at + 1;
    }
}
