/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of rule sets: it is refused with a sentence, or it can be matched with a path. */
#include <stdint.h>
#include <stdlib.h>

#include "extract/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Rules rules;
    RuleMatch match;
    Str path = STR("/g/data/S2A/T55HBU_20190412T000231_B04.jp2");

    if (!rules_parse(&arena, (Str){(const char *)data, size}, "rules", &rules, &err)) {
        if (err.code != ERR_CONFIG || err.text[0] == '\0')
            abort();
        return 0;
    }
    rules_match(&rules, path, &match);
    if (match.rule && match.rule->geo_loc)
        (void)rules_fill(&arena, &match.rule->geo_loc->x, path);
    return 0;
}
