/* SPDX-License-Identifier: Apache-2.0 */
/* From a Reply to libmicrohttpd's response: headers, ETag, gzip. Runs where the handler ran. */
#include <stdio.h>
#include <xxhash.h>

#include "http/accept.h"
#include "http/core.h"
#include "http/gzip.h"

enum { MHD_BLOCK = 32 * 1024 };

/* The media types that get smaller. Images and archives do not. */
static bool is_compressible(const char *type)
{
    static const char *const starts[] = {"text/",
                                         "application/json",
                                         "application/geo+json",
                                         "application/x-ndjson",
                                         "application/javascript",
                                         "application/xml",
                                         "application/openapi",
                                         "application/openmetrics"};

    if (strstr(type, "+json") || strncmp(type, "image/svg", 9) == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (strncmp(type, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static void add_etag(Exchange *x, struct MHD_Response *response)
{
    char text[160];

    if (!x->reply.etag.len)
        return;
    /* Weak: the same version may be sent compressed or not. */
    (void)snprintf(text, sizeof text, "W/\"%.*s\"", STR_ARG(str_sub(x->reply.etag, 0, 128)));
    add(response, MHD_HTTP_HEADER_ETAG, text);
}

static void add_headers(Exchange *x, struct MHD_Response *response, bool gzip)
{
    const Reply *reply = &x->reply;
    const Server *server = x->server;
    bool content = reply->status != MHD_HTTP_NO_CONTENT && reply->status != MHD_HTTP_NOT_MODIFIED;

    if (content)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type ? reply->type : "text/plain; charset=utf-8");
    if (gzip)
        add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (!reply->plain && reply->type && is_compressible(reply->type))
        add(response, MHD_HTTP_HEADER_VARY,
            server->options.cors ? "Accept-Encoding, Origin" : "Accept-Encoding");
    add_etag(x, response);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, reply->cache ? reply->cache : "no-cache");
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "X-Request-Id", str_to_z(&x->arena, x->request.id));
    if (server->options.cors) {
        add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, server->options.cors);
        add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, X-Request-Id");
    }
    if (atomic_load_explicit(&server->stopping, memory_order_relaxed))
        add(response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < reply->headers.count; i++)
        add(response, reply->headers.at[i].name.ptr, reply->headers.at[i].value.ptr);
}

static bool wants_gzip(const Exchange *x)
{
    return x->takes_gzip && !x->reply.plain && x->reply.type && is_compressible(x->reply.type);
}

/* A whole answer to GET has a tag, the hash of its body, unless the handler knew a better one. */
static void tag_body(Exchange *x)
{
    Reply *reply = &x->reply;
    bool reads = x->head || str_eq_z(x->request.method, "GET");

    if (reply->status != MHD_HTTP_OK || !reads || (reply->cache && strcmp(reply->cache, "no-store") == 0))
        return;
    if (!reply->etag.len && reply->body.len)
        reply->etag = str_printf(&x->arena, "%016llx",
                                 (unsigned long long)XXH3_64bits(reply->body.ptr, reply->body.len));
    if (reply->etag.len && accept_etag(pairs_header(x->request.headers, "If-None-Match"), reply->etag)) {
        reply->status = MHD_HTTP_NOT_MODIFIED;
        buf_reset(&reply->body);
    }
}

static bool pack_body(Exchange *x)
{
    if (x->reply.body.len < REPLY_GZIP_LEAST || !wants_gzip(x))
        return false;
    Gzip *gzip = gzip_new();
    gzip_put(gzip, buf_str(&x->reply.body), GZIP_END, &x->packed);
    gzip_free(gzip);
    return x->packed.len < x->reply.body.len;
}

void send_whole(Exchange *x)
{
    tag_body(x);
    bool packed = pack_body(x);
    Buf *body = packed ? &x->packed : &x->reply.body;

    /* The bytes stay in the exchange, which outlives the sending. */
    x->response = MHD_create_response_from_buffer(body->len, body->ptr, MHD_RESPMEM_PERSISTENT);
    add_headers(x, x->response, packed);
    if (!x->head)
        atomic_store_explicit(&x->sent, body->len, memory_order_relaxed);
}

static struct MHD_Response *make_stream(const Exchange *x, MHD_ContentReaderCallback read, void *arg)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, MHD_BLOCK, read, arg, NULL);

    /* libmicrohttpd 0.9.75 would send the last chunk even after the head alone: so no chunks, and close. */
    if (x->head)
        (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

void send_stream(Exchange *x)
{
    bool gzip = wants_gzip(x);

    x->response = make_stream(x, stream_read, x);
    add_headers(x, x->response, gzip);
    if (gzip && !x->head)
        x->gzip = gzip_new();
}

void send_forget(Exchange *x)
{
    if (x->gzip)
        gzip_free(x->gzip);
    if (x->response)
        MHD_destroy_response(x->response);
    x->gzip = NULL;
    x->response = NULL;
    x->broken = false;
    buf_reset(&x->packed);
}

void send_events(Exchange *x)
{
    x->reply.type = "text/event-stream";
    x->reply.cache = "no-store";
    reply_header(&x->reply, "X-Accel-Buffering", STR("no"));
    x->response = make_stream(x, events_read, x->reply.cursor);
    add_headers(x, x->response, false);
}
