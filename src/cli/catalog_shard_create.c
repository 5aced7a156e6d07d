/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/shard.h"
#include "cli/catalog.h"

typedef struct Opts {
    bool unlogged;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "unlogged", 0, offsetof(Opts, unlogged), NULL,
     "load faster, and be empty after a crash of the server"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Db *db;
    Str path;

    if (!catalog_path(call, call->args[1], &path, err) || !catalog_open(call, &db, err) ||
        !shard_create(db, call->args[0], path, o->unlogged, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_field(call->out, "path", OUT_TEXT);
    out_text(call->out, path);
    out_field(call->out, "unlogged", OUT_BOOL);
    out_bool(call->out, o->unlogged);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_shard_create = {
    .name = "catalog shard create",
    .args = "NAME PATH",
    .summary = "make a shard for the paths in a directory",
    .description =
        "A shard is a schema of the database, named NAME: small letters, digits and _. It holds paths at and "
        "below PATH, which need not exist here.",
    .examples = "strata catalog shard create usr /usr\n",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .run = run,
};
