/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/find.h"
#include "cli/catalog_view.h"

typedef struct Opts {
    CatalogViewOpts view;
    bool learned;
    Instant since;
} Opts;

static const Opt opts[] = {
    CATALOG_VIEW_OPTS,
    {OPT_FLAG, "learned", 'l', offsetof(Opts, learned), NULL,
     "by when the catalogue took paths in, not by mtime"},
    {OPT_TIME, "since", 's', offsetof(Opts, since), "TIME", "not what is older; 7d: the last 7 days"},
    {.type = OPT_END},
};

static bool ask(const Call *call, const Access *access, Str path, ListSink *sink, Err *err)
{
    const Opts *o = call->opts;
    const Instant *since = o->since == INT64_MIN ? NULL : &o->since;
    FindQuery query = {.path = path, .types = ACCESS_FILE, .mtime_min = since, .sort = FIND_BY_TIME};

    return o->learned ? list_learned(access, path, since, sink, err) : find(access, &query, sink, err);
}

static bool run(const Call *call, Err *err)
{
    static const char *const files[] = {"size", "mtime", "user", "path", NULL};
    static const char *const learned[] = {"type", "learned", "size", "path", NULL};
    const Opts *o = call->opts;

    return o->learned ? catalog_view(call, &list_news, learned, ask, err)
                      : catalog_view(call, &list_entries, files, ask, err);
}

const Cmd cmd_catalog_recent = {
    .name = "catalog recent",
    .args = "SHARD [PATH]",
    .summary = "list what changed last",
    .description = "Prints 20 unless --limit says otherwise.",
    .opts = opts,
    CMD_OPTS(Opts, .view.limit = 20, .since = INT64_MIN),
    .examples = "strata catalog recent usr /usr/local --since 7d\n",
    .run = run,
};
