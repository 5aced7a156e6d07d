/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "catalog/refresh.h"
#include "cli/catalog.h"

typedef struct Opts {
    bool full;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "full", 0, offsetof(Opts, full), NULL,
     "make everything anew from the paths and their records"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    const char *dsn;
    RefreshTotals totals = {0};

    if (!stop_init(err) || !catalog_dsn(call, &dsn, err) || !refresh_complete(dsn, call->args[0], err) ||
        (o->full && !refresh_full(dsn, call->args[0], stop_flag(), &totals, err)))
        return false;
    out_record(call->out);
    out_field(call->out, "shard", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_field(call->out, "paths", OUT_INT);
    out_int(call->out, totals.paths);
    out_field(call->out, "refused", OUT_INT);
    out_int(call->out, totals.refused);
    out_end(call->out);
    return true;
}

const Cmd cmd_catalog_refresh = {
    .name = "catalog refresh",
    .args = "SHARD",
    .summary = "complete, or make anew, what is derived from a shard's records",
    .description =
        "A shard is kept current as records arrive, so this is seldom needed: it completes a first load that "
        "was cut off, and with --full makes files, directories, links, polygons and all counts anew, for "
        "those who wrote into the tables 'paths' and 'records' themselves.",
    .examples = "strata catalog refresh usr --full\n",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .run = run,
};
