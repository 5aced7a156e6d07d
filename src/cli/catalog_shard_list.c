/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"name", OUT_TEXT},
                                        {"path", OUT_TEXT, .cut = true},
                                        {"unlogged", OUT_BOOL},
                                        {"loading", OUT_BOOL},
                                        {"created", OUT_TIME}};
    Db *db;
    ShardInfo *shards;
    size_t count;

    if (!catalog_open(call, &db, err) || !shard_list(db, call->arena, &shards, &count, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        out_text(call->out, shards[i].name);
        out_text(call->out, shards[i].path);
        out_bool(call->out, shards[i].unlogged);
        out_bool(call->out, shards[i].loading);
        out_int(call->out, shards[i].created);
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_list = {
    .name = "catalog shard list",
    .summary = "list the shards",
    .description = "'loading' is said of a shard whose first load is under way or was cut off.",
    .examples = "strata catalog shard list\n",
    .run = run,
};
