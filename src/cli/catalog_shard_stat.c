/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

static void put(Out *out, const char *name, OutKind kind, int64_t value)
{
    out_field(out, name, kind);
    out_int(out, value);
}

static bool run(const Call *call, Err *err)
{
    Db *db;
    ShardStat stat;

    if (!catalog_open(call, &db, err) || !shard_stat(db, call->args[0], &stat, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_text(call->out, call->args[0]);
    put(call->out, "files", OUT_INT, stat.files);
    put(call->out, "directories", OUT_INT, stat.directories);
    put(call->out, "links", OUT_INT, stat.links);
    put(call->out, "datasets", OUT_INT, stat.datasets);
    put(call->out, "bytes", OUT_BYTES, stat.bytes);
    put(call->out, "problems", OUT_INT, stat.problems);
    put(call->out, "disk_bytes", OUT_BYTES, stat.disk_bytes);
    out_field(call->out, "crawled", OUT_TIME);
    if (stat.crawled)
        out_int(call->out, stat.crawled);
    else
        out_null(call->out);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_stat = {
    .name = "catalog shard stat",
    .args = "SHARD",
    .summary = "say how much a shard holds",
    .description = "'bytes' are those of the files, 'disk_bytes' what the shard takes in the database.",
    .examples = "strata catalog shard stat usr\n",
    .run = run,
};
