/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/stac_routes.h"

#include "serve/stac_search.h"

enum { COLLECTIONS_LIMIT = 100 };

/* ---- the catalog ---- */

static bool landing(Request *request, Reply *reply, Err *err)
{
    JsonOut out = reply_json(reply);
    const Str *shards;
    size_t count;

    if (!stac_shards(request, &shards, &count, err))
        return false;
    stac_put_catalog(&out, request->arena, stac_base(request), shards, count);
    return true;
}

static bool conformance(Request *request, Reply *reply, Err *err)
{
    JsonOut out = reply_json(reply);

    (void)request, (void)err;
    json_begin(&out, '{');
    json_key(&out, "conformsTo");
    stac_put_conformance(&out);
    json_end(&out, '}');
    return true;
}

static bool api(Request *request, Reply *reply, Err *err)
{
    (void)err;
    reply_openapi(reply, request);
    return true;
}

/* ---- collections ---- */

typedef struct Printer {
    Request *request;
    Reply *reply;
    JsonOut out;
    Str base;
    Access access; /* to the shard whose collections are printed */
    int64_t count;
} Printer;

static bool put_collection(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    Printer *printer = ctx;
    ARENA_SCOPE(scratch);

    (void)shape;
    stac_put_collection(&printer->out, &scratch, printer->base, &printer->access, cells);
    printer->count++;
    return reply_flush(printer->reply, err);
}

/* The collections of a shard from `after` on; sink->next tells whether there are more. */
static bool put_shard(Printer *printer, Str shard, Str only, bool whole, ListSink *sink, Err *err)
{
    Request *request = printer->request;
    const CatalogService *service = request->context;
    POOL_SCOPE(lease);

    sink->row = put_collection;
    sink->ctx = printer;
    sink->arena = request->arena;
    return pool_take(service->pool, &(PoolWish){.shard = shard}, &lease, err) &&
           access_open(request->arena, lease.db, shard, catalog_user(request), &printer->access, err) &&
           stac_collections(&printer->access, only, whole, sink, err);
}

/* A page: shards in order, each with its directories; *next is the name of a collection to go on behind. */
static bool put_page(Printer *printer, Str token, int64_t limit, Str *next, Err *err)
{
    const Str *shards;
    size_t count;
    Str start = {0}, key = {0};

    if (token.len && !stac_collection_parse(token, &start, &key))
        return err_set(err, ERR_USAGE, "'token' is not one of this service");
    if (!stac_shards(printer->request, &shards, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        ListSink sink = {.limit = limit - printer->count};

        if (str_cmp(shards[i], start) < 0)
            continue;
        if (sink.limit <= 0) {
            *next = shards[i];
            return true;
        }
        sink.after = str_eq(shards[i], start) ? key : (Str){0};
        if (!put_shard(printer, shards[i], (Str){0}, sink.after.len == 0, &sink, err))
            return false;
        if (sink.next.len > 0) {
            *next = stac_collection_name(printer->request->arena, shards[i], sink.next);
            return true;
        }
    }
    return true;
}

static bool collections(Request *request, Reply *reply, Err *err)
{
    Printer printer = {
        .request = request, .reply = reply, .out = reply_json(reply), .base = stac_base(request)};
    JsonOut *out = &printer.out;
    Str next = {0};

    json_begin(out, '{');
    json_key(out, "collections");
    json_begin(out, '[');
    if (!put_page(&printer, arg_text(request, "token"), arg_number(request, "limit"), &next, err))
        return false;
    json_end(out, ']');
    json_key(out, "links");
    json_begin(out, '[');
    stac_put_link(out, printer.base, "root", "application/json", (Str){0});
    stac_put_link(out, printer.base, "self", "application/json", STR("/collections"));
    if (next.len > 0)
        stac_put_link(out, printer.base, "next", "application/json",
                      str_printf(request->arena, "/collections?limit=%lld&token=%.*s",
                                 (long long)arg_number(request, "limit"), STR_ARG(next)));
    json_end(out, ']');
    json_end(out, '}');
    return true;
}

static bool no_collection(const Request *request, Err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "there is no collection '%.*s'",
                  STR_ARG(arg_text(request, "collection")));
    return err_hint(err, "/stac/collections lists those there are");
}

/* Does the collection that the path names exist? A directory's is taken to, when its shard does. */
static bool check_collection(Request *request, Str *shard, Str *key, Err *err)
{
    const Str *shards;
    size_t count;

    if (!stac_collection_parse(arg_text(request, "collection"), shard, key))
        return no_collection(request, err);
    if (!stac_shards(request, &shards, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (str_eq(shards[i], *shard))
            return true;
    return no_collection(request, err);
}

static bool collection(Request *request, Reply *reply, Err *err)
{
    Printer printer = {
        .request = request, .reply = reply, .out = reply_json(reply), .base = stac_base(request)};
    ListSink sink = {0};
    Str shard, key;

    if (!check_collection(request, &shard, &key, err))
        return false;
    /* The shard's own row has no key, and no directory has this one. */
    Str only = key.len ? key : STR("00000000-0000-0000-0000-000000000000");
    return put_shard(&printer, shard, only, key.len == 0, &sink, err) &&
           (printer.count > 0 || no_collection(request, err));
}

/* ---- items ---- */

static bool search_get(Request *request, Reply *reply, Err *err)
{
    StacSearch search;
    const Value *ids = arg(request, "ids"), *names = arg(request, "collections");

    if (!stac_search_params(request, &search, err))
        return false;
    search.intersects = arg_text(request, "intersects");
    search.ids = ids->given ? ids->list : NULL;
    search.id_count = ids->count;
    search.collections = names->given ? names->list : NULL;
    search.collection_count = names->count;
    return stac_search_answer(request, reply, &search, STAC_NEXT_GET, STR("/search"), err);
}

static bool search_post(Request *request, Reply *reply, Err *err)
{
    StacSearch search;

    return stac_search_body(request, &search, err) &&
           stac_search_answer(request, reply, &search, STAC_NEXT_POST, STR("/search"), err);
}

static bool items(Request *request, Reply *reply, Err *err)
{
    StacSearch search;
    Str name = arg_text(request, "collection"), shard, key;

    if (!check_collection(request, &shard, &key, err) || !stac_search_params(request, &search, err))
        return false;
    search.collections = &name;
    search.collection_count = 1;
    return stac_search_answer(request, reply, &search, STAC_NEXT_GET,
                              str_printf(request->arena, "/collections/%.*s/items", STR_ARG(name)), err);
}

static bool put_item(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    Printer *printer = ctx;

    (void)shape, (void)err;
    stac_put_item(&printer->out, printer->request->arena, printer->base,
                  arg_text(printer->request, "collection"), cells);
    printer->count++;
    return true;
}

static bool item(Request *request, Reply *reply, Err *err)
{
    const CatalogService *service = request->context;
    Printer printer = {
        .request = request, .reply = reply, .out = reply_json(reply), .base = stac_base(request)};
    ListSink sink = {.row = put_item, .ctx = &printer, .arena = request->arena};
    Str id = arg_text(request, "item"), shard, key;
    StacQuery query = {.ids = &id, .id_count = 1};
    Access access;
    POOL_SCOPE(lease);

    reply->type = "application/geo+json";
    if (!check_collection(request, &shard, &key, err))
        return false;
    if (key.len > 0) {
        query.dirs = &key;
        query.dir_count = 1;
    }
    if (!pool_take(service->pool, &(PoolWish){.shard = shard}, &lease, err) ||
        !access_open(request->arena, lease.db, shard, catalog_user(request), &access, err) ||
        !stac_items(&access, &query, &sink, err))
        return false;
    return printer.count > 0 ||
           err_set(err, ERR_NOT_FOUND, "collection '%.*s' has no item '%.*s'",
                   STR_ARG(arg_text(request, "collection")), STR_ARG(str_sub(id, 0, 100)));
}

#define COLLECTION                                                                                          \
    {                                                                                                       \
        "collection", PARAM_TEXT, IN_PATH, .max = "200", .help = "Name of a collection.", .example = "demo" \
    }

static const Route routes[] = {
    {"GET", "/stac", "The catalogue as a STAC API: the landing page.", .handler = landing, .needs = READER},
    {"GET", "/stac/conformance", "What of STAC API and OGC API is there.", .handler = conformance,
     .needs = READER},
    {"GET", "/stac/api", "The description of this service, OpenAPI 3.0.", .handler = api, .needs = READER,
     .reply_type = OPENAPI_TYPE},
    {"GET", "/stac/collections", "Shards and directories with datasets.",
     PARAMS({"limit", PARAM_UINT, .min = "1", .max = "10000", .default_text = "100",
             .help = "How many at most."},
            {"token", PARAM_TEXT, .max = "200", .help = "Go on where the page before ended."}),
     .handler = collections, .needs = READER},
    {"GET", "/stac/collections/{collection}", "One collection.", PARAMS(COLLECTION), .handler = collection,
     .needs = READER},
    {"GET", "/stac/collections/{collection}/items", "Files with geometry of a collection.",
     PARAMS(COLLECTION, STAC_SEARCH_PARAMS), .handler = items, .needs = READER,
     .reply_type = "application/geo+json"},
    {"GET", "/stac/collections/{collection}/items/{item}", "One file with geometry.",
     PARAMS(COLLECTION, {"item", PARAM_TEXT, IN_PATH, .max = "200", .help = "Name of an item."}),
     .handler = item, .needs = READER, .reply_type = "application/geo+json"},
    {"GET", "/stac/search", "Files with geometry that meet conditions.",
     PARAMS(STAC_SEARCH_PARAMS,
            {"intersects", PARAM_TEXT, .max = "1000000", .help = "Touching this GeoJSON geometry.",
             .example = "{\"type\":\"Point\",\"coordinates\":[149.1,-35.3]}"},
            {"ids", PARAM_LIST, .help = "Only these items."},
            {"collections", PARAM_LIST, .help = "Only in these collections.", .example = "demo"}),
     .handler = search_get, .needs = READER, .reply_type = "application/geo+json"},
    {"POST", "/stac/search", "Files with geometry that meet conditions.", .handler = search_post,
     .needs = READER, .body = BODY_JSON, .body_max = STAC_BODY_MAX, .body_schema = "StacSearch",
     .reply_type = "application/geo+json"},
};

bool stac_routes_mount(Server *server, CatalogService *service, Arena *arena, Err *err)
{
    ServerSchema *schema = arena_new(arena, ServerSchema, 1);

    *schema = (ServerSchema){"StacSearch", stac_search_schema(arena)};
    server_schemas(server, schema, 1);
    return server_mount(server, routes, COUNT_OF(routes), service, err);
}
