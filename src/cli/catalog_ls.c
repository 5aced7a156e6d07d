/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

static const char *const sorts[] = {"name", "size", "mtime", NULL};
static const char *const types[] = {"all", "file", "directory", "link", NULL};

typedef struct Opts {
    CatalogViewOpts view;
    int sort, type;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_ENUM, "sort", 's', offsetof(Opts, sort), "ORDER", "the largest, or the newest, come first", sorts},
    {OPT_ENUM, "type", 't', offsetof(Opts, type), "TYPE", "only these", types},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return list_directory(access, path, (ListSort)o->sort,
                          o->type ? list_type_from_name(str_from_z(types[o->type])) : 0, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const shown[] = {"mode", "user", "group", "size", "mtime", "name", "target", NULL};

    return catalog_view(call, &list_entries, shown, ask, err);
}

const Cmd cmd_catalog_ls = {
    .name = "catalog ls",
    .args = "SHARD [PATH]",
    .summary = "list a directory",
    .description =
        "The size of a directory is that of all files below it. Without PATH it is the shard's root.",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog ls usr /usr/lib --sort size -n 10\n",
    .run = run,
};
