/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"
#include "cli/catalog_view.h"

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"root", "kind", "covers", "started", "finished", NULL};

    return catalog_view_list(call, &usage_crawls, shown, usage_freshness, err);
}

const Cmd cmd_catalog_fresh = {
    .name = "catalog fresh",
    .args = "SHARD [PATH]",
    .summary = "list the crawls that cover a path",
    .description =
        "The last crawl of each root and kind. Nothing that one of kind posix saw is older than its start; the other "
        "kinds looked at the files that were known when they started.",
    .opts = catalog_view_opts,
    CMD_OPTS(CatalogViewOpts, 0),
    .examples = "strata catalog fresh usr /usr/lib\n",
    .run = run,
};
