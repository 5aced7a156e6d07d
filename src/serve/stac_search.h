/* SPDX-License-Identifier: Apache-2.0 */
/* stac_search -- what a search asks for, from a query string or a JSON body, and its answer over all shards */
#ifndef SERVE_STAC_SEARCH_H
#define SERVE_STAC_SEARCH_H

#include "http/reply.h"
#include "serve/catalog_listing.h"
#include "serve/stac_write.h"

enum { STAC_LIMIT_USUAL = 100, STAC_LIMIT_MOST = 10000, STAC_BODY_MAX = 1024 * 1024, STAC_TOKEN_MAX = 200 };

typedef struct StacSearch {
    FindBox box;
    Instant since, until;
    bool has_box, has_since, has_until;
    Str intersects;               /* GeoJSON */
    const Str *ids, *collections; /* NULL: all */
    size_t id_count, collection_count;
    int64_t limit;
    Str token; /* where to go on: SHARD or SHARD-KEY; empty: from the start */
} StacSearch;

/* The parameters of a GET. */
#define STAC_SEARCH_PARAMS                                                                          \
    {"bbox",                                                                                        \
     PARAM_DOUBLES,                                                                                 \
     .min = "4",                                                                                    \
     .max = "6",                                                                                    \
     .help = "Touching west,south,east,north (degrees).",                                           \
     .example = "110,-45,155,-10"},                                                                 \
        {"datetime", PARAM_TEXT, .max = "100", .help = "A time, or an interval: A/B, ../B, A/..",   \
         .example = "2020-01-01T00:00:00Z/.."},                                                     \
        {"limit", PARAM_UINT, .min = "1",                                                           \
         .help = "How many items at most; 100 when not given, never over 10000.", .example = "10"}, \
    {                                                                                               \
        "token", PARAM_TEXT, .max = "200", .help = "Go on where the page before ended."             \
    }

/* From parameters bbox, datetime, limit and token. ERR_USAGE. */
bool stac_search_params(const Request *request, StacSearch *out, Err *err) ATTR_MUST_USE;

/* From a JSON body. ERR_USAGE: it is not an object, or has members that are wrong or not known. */
bool stac_search_body(const Request *request, StacSearch *out, Err *err) ATTR_MUST_USE;

/* The JSON schema of such a body, as OpenAPI 3.0 has it. */
const char *stac_search_schema(Arena *arena);

/* What next links say: GET repeats the query with another token, POST tells the client to merge a body. */
typedef enum StacNext { STAC_NEXT_GET, STAC_NEXT_POST } StacNext;

/* Answer with a FeatureCollection. `self`: what comes behind the base in its address. ERR_USAGE, ERR_DB. */
bool stac_search_answer(Request *request, Reply *reply, StacSearch *search, StacNext next, Str self,
                        Err *err) ATTR_MUST_USE;

/* The names of all shards, in order. ERR_DB. */
bool stac_shards(const Request *request, const Str **out, size_t *out_count, Err *err) ATTR_MUST_USE;

#endif
