/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    (void)call;
    return usage_freshness(access, path, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"root", "kind", "covers", "started", "finished", NULL};

    return catalog_view(call, &usage_crawls, shown, ask, err);
}

const Cmd cmd_catalog_fresh = {
    .name = "catalog fresh",
    .args = "SHARD [PATH]",
    .summary = "list the crawls that cover a path",
    .description = "Nothing that a crawl saw is older than its start.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog fresh usr /usr/lib\n",
    .run = run,
};
