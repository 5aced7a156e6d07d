/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads that append to one feed: include/strata.h on feed/group.h. A strata_appender is a Group. */
#include "api/api.h"
#include "feed/group.h"

strata_appender *strata_appender_open(strata_feed *feed, strata_error *error)
{
    Err err = {0};

    if (api_may_change(feed, &err) && api_open_reading(feed, &err))
        return (strata_appender *)group_new(feed->feed, &feed->pair, &feed->reading);
    (void)api_fail(&err, error);
    return NULL;
}

bool strata_appender_append(strata_appender *appender, const strata_block *blocks, size_t count,
                            uint64_t *first, strata_error *error)
{
    ARENA_SCOPE(scratch);
    uint64_t number;
    Err err = {0};

    if (!group_append((Group *)appender, api_blocks(&scratch, blocks, count), count, &number, &err))
        return api_fail(&err, error);
    if (first)
        *first = number;
    return true;
}

void strata_appender_close(strata_appender *appender)
{
    group_free((Group *)appender);
}
