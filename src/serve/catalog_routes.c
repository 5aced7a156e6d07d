/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/catalog_routes.h"

static bool ask_ls(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    AccessType type = arg_given(request, "type") ? list_type_from_name(arg_text(request, "type")) : 0;

    return list_directory(access, arg_text(request, "path"), (ListSort)arg_number(request, "sort"), type,
                          sink, err);
}

static bool ls(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_entries, ask_ls, err);
}

static bool ask_stat(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return list_stat(access, arg_text(request, "path"), sink, err);
}

static bool stat_path(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ONE, &list_facts, ask_stat, err);
}

static bool ask_meta(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return list_metadata(access, arg_text(request, "path"), arg_text(request, "type"), sink, err);
}

static bool meta(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_records, ask_meta, err);
}

static bool ask_problems(const Access *access, const Request *request, ListSink *sink, Err *err)
{
    return list_problems(access, arg_text(request, "path"), arg_text(request, "type"), sink, err);
}

static bool problems(Request *request, Reply *reply, Err *err)
{
    return catalog_answer(request, reply, CATALOG_ITEMS, &list_troubles, ask_problems, err);
}

static const Route routes[] = {
    {"GET", "/api/v1/catalog", "All shards, and what is in them.", PARAMS(CATALOG_LIST_PARAMS),
     .handler = catalog_answer_shards, .needs = READER, .reply = "ShardList"},
    {"GET", "/api/v1/catalog/{shard}/ls", "What is in a directory.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"sort", PARAM_ENUM, .choices = "name|size|mtime", .default_text = "name",
             .help = "The order; the largest and the newest first."},
            {"type", PARAM_ENUM, .choices = "file|directory|link", .help = "Only these.",
             .example = "directory"},
            CATALOG_LIST_PARAMS),
     .handler = ls, .needs = READER, .reply = "EntryList"},
    {"GET", "/api/v1/catalog/{shard}/stat", "All that is known about one path.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH), .handler = stat_path, .needs = READER, .reply = "Facts"},
    {"GET", "/api/v1/catalog/{shard}/meta", "The records of a path.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"type", PARAM_TEXT, .max = "200", .help = "Only the record of this type.", .example = "posix"},
            CATALOG_LIST_PARAMS),
     .handler = meta, .needs = READER, .reply = "RecordList"},
    {"GET", "/api/v1/catalog/{shard}/problems", "What could not be read or taken in, at a path or below it.",
     PARAMS(CATALOG_SHARD, CATALOG_PATH,
            {"type", PARAM_TEXT, .max = "200", .help = "Only those of this crawler.", .example = "gdal"},
            CATALOG_LIST_PARAMS),
     .handler = problems, .needs = READER, .reply = "ProblemList"},
};

bool catalog_routes_mount(Server *server, CatalogService *service, Arena *arena, Err *err)
{
    catalog_schemas(server, arena);
    return server_mount(server, routes, COUNT_OF(routes), service, err) &&
           catalog_routes_mount_find(server, service, err) &&
           catalog_routes_mount_usage(server, service, err);
}
