/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
    Str type;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_TEXT, "type", 't', offsetof(Opts, type), "TYPE", "only those of this crawler"},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return list_problems(access, path, o->type, sink, err);
}

static bool run(const Call *call, Err *err)
{
    return catalog_view(call, &list_troubles, NULL, ask, err);
}

const Cmd cmd_catalog_problems = {
    .name = "catalog problems",
    .args = "SHARD [PATH]",
    .summary = "list what could not be read or taken in",
    .description = "A problem goes away when the next crawl gets by without it.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog problems usr\n",
    .run = run,
};
