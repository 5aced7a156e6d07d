/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listing.h"

#include <assert.h>
#include <math.h>

#include "http/accept.h"

static const char *const types[] = {
    [LISTING_JSON] = "application/json",
    [LISTING_JSONL] = "application/x-ndjson",
    [LISTING_CSV] = "text/csv; charset=utf-8; header=present",
};

ListingFormat listing_format(const Request *request)
{
    const Value *asked = arg(request, "format");
    Str accept = request_header(request, "Accept");

    if (asked->given)
        return (ListingFormat)asked->number;
    if (accept_names(accept, "application/x-ndjson") || accept_names(accept, "application/jsonl"))
        return LISTING_JSONL;
    return accept_names(accept, "text/csv") ? LISTING_CSV : LISTING_JSON;
}

/* A field is quoted when it could be misread: RFC 4180, section 2. */
static void put_csv(Buf *buf, Str value)
{
    bool quote = false;

    for (size_t i = 0; i < value.len && !quote; i++)
        quote = value.ptr[i] == '"' || value.ptr[i] == ',' || value.ptr[i] == '\n' || value.ptr[i] == '\r';
    if (!quote) {
        buf_put(buf, value);
        return;
    }
    buf_put_byte(buf, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"')
            buf_put_byte(buf, '"');
        buf_put_byte(buf, value.ptr[i]);
    }
    buf_put_byte(buf, '"');
}

Listing listing_begin(Reply *reply, ListingFormat format, const char *const *columns)
{
    Listing list = {.reply = reply, .json = json_out(&reply->body), .format = format, .columns = columns};

    reply->type = types[format];
    if (format == LISTING_JSON) {
        json_begin(&list.json, '{');
        json_key(&list.json, "items");
        json_begin(&list.json, '[');
    }
    for (size_t i = 0; format == LISTING_CSV && columns[i]; i++) {
        if (i)
            buf_put_byte(&reply->body, ',');
        put_csv(&reply->body, str_from_z(columns[i]));
    }
    if (format == LISTING_CSV)
        buf_put_byte(&reply->body, '\n');
    return list;
}

void listing_row(Listing *list)
{
    list->column = 0;
    if (list->format != LISTING_CSV)
        json_begin(&list->json, '{');
}

/* What stands before a value: its key, or a comma. True for JSON. */
static bool before_value(Listing *list)
{
    const char *column = list->columns[list->column++];

    assert(column);
    if (list->format != LISTING_CSV) {
        json_key(&list->json, column);
        return true;
    }
    if (list->column > 1)
        buf_put_byte(&list->reply->body, ',');
    return false;
}

void listing_str(Listing *list, Str value)
{
    if (before_value(list))
        json_str(&list->json, value);
    else
        put_csv(&list->reply->body, value);
}

void listing_int(Listing *list, int64_t value)
{
    if (before_value(list))
        json_int(&list->json, value);
    else
        buf_put_int(&list->reply->body, value);
}

void listing_double(Listing *list, double value)
{
    JsonOut number = json_out(&list->reply->body);

    if (before_value(list))
        json_double(&list->json, value);
    else if (isfinite(value))
        json_double(&number, value);
}

void listing_bool(Listing *list, bool value)
{
    if (before_value(list))
        json_bool(&list->json, value);
    else
        buf_put_z(&list->reply->body, value ? "true" : "false");
}

void listing_time(Listing *list, Instant value)
{
    char text[TIME_TEXT_MAX];

    listing_str(list, time_format(value, text));
}

void listing_null(Listing *list)
{
    if (before_value(list))
        json_null(&list->json);
}

void listing_json(Listing *list, Str value)
{
    if (before_value(list))
        json_raw(&list->json, value);
    else
        put_csv(&list->reply->body, value);
}

bool listing_row_end(Listing *list, Err *err)
{
    assert(!list->columns[list->column]);
    if (list->format == LISTING_CSV) {
        buf_put_byte(&list->reply->body, '\n');
    } else {
        json_end(&list->json, '}');
        if (list->format == LISTING_JSONL)
            json_line(&list->json);
    }
    return reply_flush(list->reply, err);
}

static void put_next(JsonOut *out, Str next)
{
    json_key(out, "next");
    if (next.len)
        json_str(out, next);
    else
        json_null(out);
    json_end(out, '}');
}

bool listing_end(Listing *list, Str next, Err *err)
{
    if (list->format == LISTING_JSON) {
        json_end(&list->json, ']');
        put_next(&list->json, next);
    } else if (list->format == LISTING_JSONL && next.len) {
        json_begin(&list->json, '{');
        put_next(&list->json, next);
        json_line(&list->json);
    }
    return reply_flush(list->reply, err);
}
