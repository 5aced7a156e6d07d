/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

static bool run(const Call *call, Err *err)
{
    Db *db;

    if (!catalog_open(call, &db, err) || !shard_drop(db, call->args[0], err))
        return false;
    out_record(call->out);
    out_field(call->out, "dropped", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_drop = {
    .name = "catalog shard drop",
    .args = "SHARD",
    .summary = "remove a shard and all it holds",
    .description =
        "What is on disk stays as it is; only the catalogue forgets it. Readers of other shards are not kept waiting.",
    .examples = "strata catalog shard drop usr\n",
    .run = run,
};
