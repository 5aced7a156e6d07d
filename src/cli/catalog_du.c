/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/usage.h"
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
    int64_t depth;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_COUNT, "depth", 'd', offsetof(Opts, depth), "N", "directories down to this depth too", NULL, 0,
     USAGE_DEPTH_MAX},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return usage_below(access, path, o->depth, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"depth", "files", "size", "path", NULL};

    return catalog_view(call, &usage_directories, shown, ask, err);
}

const Cmd cmd_catalog_du = {
    .name = "catalog du",
    .args = "SHARD [PATH]",
    .summary = "print the files and bytes below a directory",
    .description =
        "Counts and sizes are kept current, so nothing is added up. The largest of each depth come first.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog du usr /usr --depth 1 -n 10\n",
    .run = run,
};
