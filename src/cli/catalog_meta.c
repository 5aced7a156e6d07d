/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
    Str type;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_TEXT, "type", 't', offsetof(Opts, type), "TYPE", "only the record of this type"},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;

    return list_metadata(access, path, o->type, sink, err);
}

static bool run(const Call *call, Err *err)
{
    return catalog_view(call, &list_records, NULL, ask, err);
}

const Cmd cmd_catalog_meta = {
    .name = "catalog meta",
    .args = "SHARD PATH",
    .summary = "print the records of a path",
    .opts = opts,
    CMD_OPTS(Opts, .view = {0}),
    .examples = "strata catalog meta usr /usr/bin/env --type posix\n",
    .run = run,
};
