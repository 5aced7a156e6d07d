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
    return usage_duplicates(access, path, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"size", "copies", "wasted", "paths", NULL};

    return catalog_view(call, &usage_copies, shown, ask, err);
}

const Cmd cmd_catalog_dups = {
    .name = "catalog dups",
    .args = "SHARD [PATH]",
    .summary = "find files of the same content",
    .description =
        "By their SHA-256, which 'strata catalog crawl --kind checksum' finds out. Hard links waste nothing.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog dups usr -n 20\n",
    .run = run,
};
