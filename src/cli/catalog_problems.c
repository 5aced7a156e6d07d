/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

static const Opt opts[] = {
    CATALOG_VIEW_OPTS, CATALOG_VIEW_TYPE("only those of this crawler"), {.type = OPT_END}};

static bool run(const Call *call, Err *err)
{
    return catalog_view_typed(call, &list_troubles, list_problems, err);
}

const Cmd cmd_catalog_problems = {
    .name = "catalog problems",
    .args = "SHARD [PATH]",
    .summary = "list what could not be read or taken in",
    .description = "A problem goes away when the next crawl gets by without it.",
    .opts = opts,
    CMD_OPTS(CatalogViewOpts, 0),
    .examples = "strata catalog problems usr\n",
    .run = run,
};
