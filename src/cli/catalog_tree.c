/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
    int64_t depth;
    bool all;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_COUNT, "depth", 'd', offsetof(Opts, depth), "N", "how deep, 1 to 100: 1 is what is in PATH itself",
     NULL, 1, 100},
    {OPT_FLAG, "all", 'a', offsetof(Opts, all), NULL, "files and links too"},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return list_tree(access, path, o->depth, o->all, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"size", "files", "path", NULL};

    return catalog_view(call, &list_branches, shown, ask, err);
}

const Cmd cmd_catalog_tree = {
    .name = "catalog tree",
    .args = "SHARD [PATH]",
    .summary = "print what is below a directory",
    .description = "Each directory is followed by what is in it.",
    .opts = opts,
    CMD_OPTS(Opts, .depth = 2),
    .examples = "strata catalog tree usr /usr --depth 2\n",
    .run = run,
};
