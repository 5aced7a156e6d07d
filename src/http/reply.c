/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "http/accept.h"
#include "http/core.h"

JsonOut reply_json(Reply *reply)
{
    reply->type = "application/json";
    return json_out(&reply->body);
}

/* A copy of `value` that cannot end the header line. */
static Str header_text(Arena *arena, Str value)
{
    char *text = arena_new(arena, char, value.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] >= 0x20 && value.ptr[i] != 0x7f)
            text[len++] = value.ptr[i];
    return (Str){text, len};
}

void reply_header(Reply *reply, const char *name, Str value)
{
    Arena *arena = reply->exchange->request.arena;

    assert(reply->headers.count < REPLY_HEADERS_MAX);
    if (!reply->headers.at)
        reply->headers.at = arena_new(arena, Pair, REPLY_HEADERS_MAX);
    reply->headers.at[reply->headers.count++] =
        (Pair){.name = str_copy(arena, str_from_z(name)), .value = header_text(arena, value)};
}

bool reply_etag(Reply *reply, Str tag)
{
    const Request *request = &reply->exchange->request;

    reply->etag = header_text(request->arena, tag);
    return accept_etag(request_header(request, "If-None-Match"), reply->etag);
}

void reply_redirect(Reply *reply, int status, Str location)
{
    reply->status = status;
    reply_header(reply, MHD_HTTP_HEADER_LOCATION, location);
}

bool reply_write(Reply *reply, Str bytes, Err *err)
{
    buf_put(&reply->body, bytes);
    return reply_flush(reply, err);
}

void reply_error(Reply *reply, const Err *err)
{
    reply->headers = (Pairs){0};
    reply->etag = (Str){0};
    reply->cache = "no-store";
    reply->events = NULL;
    reply->status = err_http_status(err->code);
    buf_reset(&reply->body);

    JsonOut out = reply_json(reply);
    json_err(&out, err);
    if (reply->status == MHD_HTTP_UNAUTHORIZED)
        reply_header(reply, MHD_HTTP_HEADER_WWW_AUTHENTICATE, STR("Bearer realm=\"strata\""));
}
