/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"
#include "cli/catalog_view.h"

static const char *const words[] = {"user", "group", "kind", "suffix", "age", NULL};

typedef struct Opts {
    CatalogViewOpts view;
    int by;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_ENUM, "by", 'b', offsetof(Opts, by), "WHAT", "what to tell apart", words},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return usage_by(access, path, (UsageBy)o->by, sink, err);
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;

    return catalog_view(call, o->by == USAGE_BY_AGE ? &usage_ages : &usage_owners, NULL, ask, err);
}

const Cmd cmd_catalog_usage = {
    .name = "catalog usage",
    .args = "SHARD [PATH]",
    .summary = "print what space is used for",
    .description = "All files below are looked at, so it takes seconds for millions of files.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog usage usr --by suffix -n 10\n",
    .run = run,
};
