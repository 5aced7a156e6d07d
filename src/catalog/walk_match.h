/* SPDX-License-Identifier: Apache-2.0 */
/* walk_match -- include and exclude patterns, made ready once; see WalkOptions */
#ifndef CATALOG_WALK_MATCH_H
#define CATALOG_WALK_MATCH_H

#include "base/str.h"

typedef struct WalkMatch {
    struct WalkPattern *patterns;
    size_t count;
    bool of_path; /* some are of the path and not of the name alone */
} WalkMatch;

WalkMatch walk_match_new(Arena *arena, const Str *patterns, size_t count);

/* `path` is below the root, without a slash at its start; both end with a NUL. */
bool walk_match_any(const WalkMatch *match, const char *path, const char *name);

/* The same for a path below the directory `root`, both absolute; with `above` also for the directories between. */
bool walk_match_below(const WalkMatch *match, Str root, Str path, bool above);

#endif
