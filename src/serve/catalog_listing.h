/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_listing -- lists of the catalogue over HTTP: one shard, one asker, in the forms of http/listing.h
 *
 * JSON comes in pages. JSON lines and CSV go to the end of the list unless a limit is given; rows are written as they
 * come from the database, so an answer of any length needs little memory.
 */
#ifndef SERVE_CATALOG_LISTING_H
#define SERVE_CATALOG_LISTING_H

#include "catalog/list.h"
#include "db/pool.h"
#include "http/listing.h"

/* What the catalogue's routes are mounted with. */
typedef struct CatalogService {
    Pool *pool; /* connections that may read */
} CatalogService;

/* The parameters that every list has. */
#define CATALOG_LIST_PARAMS                                                                \
    {"limit",                                                                              \
     PARAM_UINT,                                                                           \
     .min = "1",                                                                           \
     .max = "100000",                                                                      \
     .help = "How many items at most; 1000 when not given, and no end for jsonl and csv.", \
     .example = "100"},                                                                    \
        PARAM_AFTER, PARAM_FORMAT
#define CATALOG_SHARD                                                                              \
    {                                                                                              \
        "shard", PARAM_TEXT, IN_PATH, .max = "63", .help = "Name of the shard.", .example = "demo" \
    }
#define CATALOG_PATH                                                                                            \
    {                                                                                                           \
        "path", PARAM_RAW,                                                                                      \
            .help =                                                                                             \
                "Absolute path: the kernel's bytes, percent-encoded, or as answers write it; the shard's root " \
                "when not given.",                                                                              \
            .example = "/usr/share/doc"                                                                         \
    }

/* Asks the catalogue for what the request means; rows go to `sink`. */
typedef bool CatalogAsk(const Access *access, const Request *request, ListSink *sink, Err *err);

typedef enum CatalogForm {
    CATALOG_ITEMS, /* {"items":[...],"next":...} */
    CATALOG_ONE,   /* the one row is the answer */
    CATALOG_HEAD,  /* the first row of the first page around the others: {...,"items":[...],"next":...} */
} CatalogForm;

/* Answer with what `ask` gives of the shard that the request names, rows of `shape`. ERR_USAGE, ERR_NOT_FOUND, ERR_DENIED, ERR_DB. */
bool catalog_answer(Request *request, Reply *reply, CatalogForm form, const ListShape *shape, CatalogAsk *ask,
                    Err *err) ATTR_MUST_USE;

/* Answers with the list of shards; a handler. ERR_DB. */
bool catalog_answer_shards(Request *request, Reply *reply, Err *err) ATTR_MUST_USE;

/* The user that a request's answers are limited to, in the request's arena; NULL when it may see all. */
const AccessUser *catalog_user(const Request *request);

#endif
