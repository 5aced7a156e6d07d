/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/listing -- one loop over rows, three forms: a JSON list, JSON lines, CSV
 *
 *     static const char *const columns[] = {"path", "size", "mtime", NULL};
 *     Listing list = listing_begin(reply, listing_format(request), columns);
 *     while (next row) {
 *         listing_row(&list);
 *         listing_str(&list, path);          one call a column, in their order
 *         listing_int(&list, size);
 *         listing_time(&list, mtime);
 *         if (!listing_row_end(&list, err))
 *             return false;
 *     }
 *     return listing_end(&list, next_key, err);
 *
 *     json    {"items":[{"path":...},...],"next":"..."|null}
 *     jsonl   an object a line; "next" goes into a last line {"next":"..."} when there is more
 *     csv     RFC 4180 with a header line; lines end in a line feed; "next" is not told (ask again with `after` of the
 *             last row's key)
 *
 * The answer is streamed as reply.h says.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include "http/route.h"

typedef enum ListingFormat { LISTING_JSON, LISTING_JSONL, LISTING_CSV } ListingFormat;

/* The row of a route's parameters that listing_format() reads. */
#define PARAM_FORMAT                                                                          \
    {                                                                                         \
        "format", PARAM_ENUM, .choices = "json|jsonl|csv",                                    \
                              .help = "Form of the answer; without, the Accept header says.", \
                              .example = "jsonl"                                              \
    }

/* What `format` says, or the Accept header: text/csv, application/x-ndjson, application/jsonl; otherwise JSON. */
ListingFormat listing_format(const Request *request);

typedef struct Listing {
    Reply *reply;
    JsonOut json;
    ListingFormat format;
    const char *const *columns; /* NULL ends them */
    size_t column;              /* the next */
} Listing;

Listing listing_begin(Reply *reply, ListingFormat format, const char *const *columns);

void listing_row(Listing *list);
void listing_str(Listing *list, Str value);
void listing_int(Listing *list, int64_t value);
void listing_double(Listing *list, double value);
void listing_bool(Listing *list, bool value);
void listing_time(Listing *list, Instant value);
void listing_null(Listing *list);
void listing_json(Listing *list, Str value); /* text that is JSON already; in CSV a quoted text */

/* ERR_INTERRUPTED, ERR_BUSY: as reply_flush(). */
bool listing_row_end(Listing *list, Err *err) ATTR_MUST_USE;
/* `next` empty: there is no more. ERR_INTERRUPTED, ERR_BUSY: as reply_flush(). */
bool listing_end(Listing *list, Str next, Err *err) ATTR_MUST_USE;

#endif
