/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

static bool run(const Call *call, Err *err)
{
    Db *db;

    if (!catalog_open(call, &db, err) || !shard_rename(db, call->args[0], call->args[1], err))
        return false;
    out_record(call->out);
    out_field(call->out, "renamed", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_field(call->out, "name", OUT_TEXT);
    out_text(call->out, call->args[1]);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_rename = {
    .name = "catalog shard rename",
    .args = "SHARD NEW",
    .summary = "give a shard another name",
    .description = "The schema is renamed with it; paths and records stay.",
    .examples = "strata catalog shard rename usr system\n",
    .run = run,
};
