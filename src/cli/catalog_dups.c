/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"
#include "cli/catalog_view.h"

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"size", "copies", "wasted", "paths", NULL};

    return catalog_view_list(call, &usage_copies, shown, usage_duplicates, err);
}

const Cmd cmd_catalog_dups = {
    .name = "catalog dups",
    .args = "SHARD [PATH]",
    .summary = "find files of the same content",
    .description =
        "By their SHA-256, which 'strata catalog crawl --kind checksum' finds out. Hard links waste nothing.",
    .opts = catalog_view_opts,
    CMD_OPTS(CatalogViewOpts, 0),
    .examples = "strata catalog dups usr -n 20\n",
    .run = run,
};
