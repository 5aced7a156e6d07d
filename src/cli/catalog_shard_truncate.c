/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

static bool run(const Call *call, Err *err)
{
    Db *db;

    if (!catalog_open(call, &db, err) || !shard_truncate(db, call->args[0], err))
        return false;
    out_record(call->out);
    out_field(call->out, "truncated", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_truncate = {
    .name = "catalog shard truncate",
    .args = "SHARD",
    .summary = "empty a shard",
    .description = "The shard stays, with no paths in it; the next crawl is a first one.",
    .examples = "strata catalog shard truncate usr\n",
    .run = run,
};
