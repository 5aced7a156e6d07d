/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/catalog/{shard}/...: what space is used for, what changed, and how fresh all this is. */
#include "catalog/find.h"
#include "catalog/usage.h"
#include "serve/catalog_routes.h"

static bool ask_du(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return usage_below(access, arg_text(request, "path"), arg_number(request, "depth"), sink, err);
}

static bool du(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_HEAD, &usage_directories, ask_du, err);
}

static bool ask_tree(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return list_tree(access, arg_text(request, "path"), arg_number(request, "depth"),
                     arg_number(request, "all") != 0, sink, err);
}

static bool tree(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_branches, ask_tree, err);
}

static bool ask_changed(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    FindQuery query = {.path = arg_text(request, "path"), .types = ACCESS_FILE, .sort = FIND_BY_TIME};

    return catalog_read_time(request, "since", &query.mtime_min, err) && find(access, &query, sink, err);
}

static bool ask_learned(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    const Instant *since = NULL;

    return catalog_read_time(request, "since", &since, err) &&
           list_learned(access, arg_text(request, "path"), since, sink, err);
}

static bool recent(Request *request, Reply *reply, Err *err)
{
    if (str_eq_z(arg_text(request, "by"), "learned"))
        return catalog_answer(request, reply, CATALOG_ITEMS, &list_news, ask_learned, err);
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_entries, ask_changed, err);
}

static bool ask_dups(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return usage_duplicates(access, arg_text(request, "path"), sink, err);
}

static bool dups(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &usage_copies, ask_dups, err);
}

static bool ask_usage(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return usage_by(access, arg_text(request, "path"), (UsageBy)arg_number(request, "by"), sink, err);
}

static bool usage(Request *request, Reply *reply, Err *err)
{
    const ListShape *shape = arg_number(request, "by") == USAGE_BY_AGE ? &usage_ages : &usage_owners;

    return catalog_answer(request, reply, CATALOG_ITEMS, shape, ask_usage, err);
}

static bool ask_fresh(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return usage_freshness(access, arg_text(request, "path"), sink, err);
}

static bool fresh(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &usage_crawls, ask_fresh, err);
}

static const Route routes[] = {
    {"GET", "/api/v1/catalog/{shard}/du", "Files and bytes below a directory, at any depth.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"depth", PARAM_UINT, .max = "100", .default_text = "0",
             .help = "Directories down to this depth too, the largest of each depth first."},
            CATALOG_LIST_PARAMS),
     .handler = du, .needs = READER, .reply = "UsageList"},
    {"GET", "/api/v1/catalog/{shard}/tree",
     "What is below a directory, each directory followed by what is in it.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"depth", PARAM_UINT, .min = "1", .max = "100", .default_text = "2", .help = "How deep."},
            {"all", PARAM_BOOL, .default_text = "no", .help = "Files and links too."}, CATALOG_LIST_PARAMS),
     .handler = tree, .needs = READER, .reply = "BranchList"},
    {"GET", "/api/v1/catalog/{shard}/recent", "What changed last below a directory.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"by", PARAM_ENUM, .choices = "mtime|learned", .default_text = "mtime",
             .help = "When files changed, or when the catalogue took paths in."},
            {"since", PARAM_TEXT, .max = "64", .help = "Not what is older; 7d: the last 7 days.",
             .example = "7d"},
            CATALOG_LIST_PARAMS),
     .handler = recent, .needs = READER, .reply = "EntryList"},
    {"GET", "/api/v1/catalog/{shard}/dups", "Files of the same content below a directory.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH, CATALOG_LIST_PARAMS), .handler = dups, .needs = READER,
     .reply = "DuplicatesList"},
    {"GET", "/api/v1/catalog/{shard}/usage",
     "Files and bytes below a directory by owner, group, kind, suffix or age.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"by", PARAM_ENUM, .choices = "user|group|kind|suffix|age", .default_text = "user",
             .help = "By what."},
            CATALOG_LIST_PARAMS),
     .handler = usage, .needs = READER, .reply = "OwnerList"},
    {"GET", "/api/v1/catalog/{shard}/fresh", "The crawls that cover a path or a part of what is below it.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH, CATALOG_LIST_PARAMS), .handler = fresh, .needs = READER,
     .reply = "CrawlList"},
};

bool catalog_routes_mount_usage(Server *server, CatalogService *service, Err *err)
{
    return server_mount(server, routes, COUNT_OF(routes), service, err);
}
