/* SPDX-License-Identifier: Apache-2.0 */
/* walk_match -- include and exclude patterns, made ready once; see WalkOptions */
#ifndef CATALOG_WALK_MATCH_H
#define CATALOG_WALK_MATCH_H

#include "base/str.h"

typedef struct WalkMatch {
    struct WalkPattern *patterns;
    size_t count;
} WalkMatch;

WalkMatch walk_match_new(Arena *arena, const Str *patterns, size_t count);

/* `path` is below the root, without a slash at its start; both end with a NUL. */
bool walk_match_any(const WalkMatch *match, const char *path, const char *name);

#endif
