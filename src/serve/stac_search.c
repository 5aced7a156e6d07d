/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/stac_search.h"

/* ---- shards ---- */

typedef struct Names {
    Arena *arena;
    Str *at;
    size_t count, size;
} Names;

static bool note_name(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    Names *names = ctx;

    (void)shape, (void)err;
    if (names->count == names->size) {
        Str *more = arena_new(names->arena, Str, names->size * 2 + 16);
        if (names->count > 0)
            memcpy(more, names->at, names->count * sizeof *more);
        names->at = more;
        names->size = names->size * 2 + 16;
    }
    names->at[names->count++] = str_copy(names->arena, cells[0].text);
    return true;
}

bool stac_shards(const Request *request, const Str **out, size_t *out_count, Err *err)
{
    const CatalogService *service = request->context;
    Names names = {.arena = request->arena};
    ListSink sink = {.row = note_name, .ctx = &names, .arena = request->arena};
    POOL_SCOPE(lease);

    if (!pool_take(service->pool, &(PoolWish){0}, &lease, err) || !list_shards(lease.db, &sink, err))
        return false;
    *out = names.at;
    *out_count = names.count;
    return true;
}

/* ---- items ---- */

typedef struct Features {
    Request *request;
    Reply *reply;
    JsonOut out;
    Str base, shard;
    bool whole; /* items are the shard's; otherwise their directories' */
    int64_t count;
} Features;

static bool put_feature(void *ctx, const ListShape *shape, const ListCell *cells, Err *err)
{
    Features *features = ctx;
    ARENA_SCOPE(scratch);
    Str key = features->whole ? (Str){0} : cells[STAC_PARENT].text;

    (void)shape;
    stac_put_item(&features->out, &scratch, features->base,
                  stac_collection_name(&scratch, features->shard, key), cells);
    features->count++;
    return reply_flush(features->reply, err);
}

/* Which directories of a shard are asked for; false when nothing of it is. */
static bool choose(const StacSearch *search, Str shard, Arena *arena, StacQuery *out, bool *whole)
{
    Str *dirs = arena_new(arena, Str, search->collection_count + 1);
    Str name, key;

    *whole = !search->collections;
    for (size_t i = 0; search->collections && i < search->collection_count; i++) {
        if (!stac_collection_parse(search->collections[i], &name, &key) || !str_eq(name, shard))
            continue;
        if (key.len == 0)
            *whole = true;
        else
            dirs[out->dir_count++] = key;
    }
    out->dirs = *whole ? NULL : dirs;
    return *whole || out->dir_count > 0;
}

static bool search_shard(Features *features, const StacSearch *search, ListSink *sink, Err *err)
{
    Request *request = features->request;
    const CatalogService *service = request->context;
    StacQuery query = {.ids = search->ids,
                       .id_count = search->id_count,
                       .box = search->has_box ? &search->box : NULL,
                       .since = search->has_since ? &search->since : NULL,
                       .until = search->has_until ? &search->until : NULL};
    Access access;
    POOL_SCOPE(lease);

    if (!choose(search, features->shard, request->arena, &query, &features->whole))
        return true;
    return pool_take(service->pool, &(PoolWish){.shard = features->shard}, &lease, err) &&
           access_open(request->arena, lease.db, features->shard, catalog_user(request), &access, err) &&
           (!search->intersects.len ||
            stac_shape(request->arena, lease.db, search->intersects, &query, err)) &&
           stac_items(&access, &query, sink, err);
}

/* All shards from the token's on, until the page is full; *next is where the following one starts. */
static bool search_all(Features *features, const StacSearch *search, Str *next, Err *err)
{
    const Str *shards;
    size_t count;
    Str start = {0}, key = {0};

    if (search->token.len && !stac_collection_parse(search->token, &start, &key))
        return err_set(err, ERR_USAGE, "'token' is not one of this service");
    if (!stac_shards(features->request, &shards, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        ListSink sink = {.row = put_feature, .ctx = features, .arena = features->request->arena};

        if (str_cmp(shards[i], start) < 0)
            continue;
        sink.limit = search->limit - features->count;
        sink.after = str_eq(shards[i], start) ? key : (Str){0};
        if (sink.limit == 0) {
            *next = shards[i];
            return true;
        }
        features->shard = shards[i];
        if (!search_shard(features, search, &sink, err))
            return false;
        if (sink.next.len > 0) {
            *next = stac_collection_name(features->request->arena, shards[i], sink.next);
            return true;
        }
    }
    return true;
}

/* ---- answers ---- */

/* The query as it was, with another token. */
static Str next_query(const Request *request, Str token)
{
    BUF_SCOPE(query);

    for (size_t i = 0; i < request->query.count; i++) {
        const Pair *pair = &request->query.at[i];

        if (str_eq(pair->name, STR("token")))
            continue;
        url_encode(&query, pair->name);
        buf_put_byte(&query, '=');
        url_encode(&query, pair->value);
        buf_put_byte(&query, '&');
    }
    buf_put_z(&query, "token=");
    url_encode(&query, token);
    return str_copy(request->arena, buf_str(&query));
}

static void put_next(Features *features, StacNext next, Str self, Str token)
{
    JsonOut *out = &features->out;
    Arena *arena = features->request->arena;
    const char *method = next == STAC_NEXT_GET ? "GET" : "POST";
    Str href = str_printf(arena, "%.*s%.*s", STR_ARG(features->base), STR_ARG(self));

    if (next == STAC_NEXT_GET)
        href = str_printf(arena, "%.*s?%.*s", STR_ARG(href), STR_ARG(next_query(features->request, token)));
    json_begin(out, '{');
    json_key(out, "rel");
    json_z(out, "next");
    json_key(out, "type");
    json_z(out, "application/geo+json");
    json_key(out, "method");
    json_z(out, method);
    json_key(out, "href");
    json_str(out, href);
    if (next == STAC_NEXT_POST) {
        json_key(out, "body");
        json_begin(out, '{');
        json_key(out, "token");
        json_str(out, token);
        json_end(out, '}');
        json_key(out, "merge");
        json_bool(out, true);
    }
    json_end(out, '}');
}

bool stac_search_answer(Request *request, Reply *reply, StacSearch *search, StacNext next, Str self, Err *err)
{
    Features features = {
        .request = request, .reply = reply, .out = json_out(&reply->body), .base = stac_base(request)};
    JsonOut *out = &features.out;
    Str token = {0};

    if (search->has_box && search->intersects.len)
        return err_set(err, ERR_USAGE, "only one of bbox and intersects can be given");
    reply->type = "application/geo+json";
    json_begin(out, '{');
    json_key(out, "type");
    json_z(out, "FeatureCollection");
    json_key(out, "features");
    json_begin(out, '[');
    if (!search_all(&features, search, &token, err))
        return false;
    json_end(out, ']');
    json_key(out, "numberReturned");
    json_int(out, features.count);
    json_key(out, "links");
    json_begin(out, '[');
    stac_put_link(out, features.base, "root", "application/json", (Str){0});
    stac_put_link(out, features.base, "self", "application/geo+json", self);
    if (token.len > 0)
        put_next(&features, next, self, token);
    json_end(out, ']');
    json_end(out, '}');
    return true;
}
