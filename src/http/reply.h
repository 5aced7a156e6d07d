/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/reply -- the answer to one request, short or of any length
 *
 * A handler sets what it needs (status, type, headers), puts the body together in `reply->body`, and returns true.
 * What it returns false with is turned into the JSON error of its code.
 *
 *     JsonOut out = reply_json(reply);
 *     json_begin(&out, '{');
 *     ...
 *     json_end(&out, '}');
 *     return true;
 *
 * A long answer calls reply_flush() after each row. Nothing happens until REPLY_CHUNK bytes are there; from then on the
 * answer is streamed: each chunk is handed to the event thread, and when the client is slow the call waits, so that a
 * stream needs about three chunks of memory whatever its length. Before the first chunk has gone a failure still
 * becomes a proper error; after it, a handler that returns false has the connection cut, so that the client sees that
 * the answer is not whole.
 *
 * Done for every answer: gzip when the client takes it and the type is worth it, ETag and 304 on a whole answer to
 * GET, Content-Length or chunks, HEAD without a body. In a handler that runs inline (Route.inline_ok) nothing is
 * streamed: the body is kept whole.
 *
 * Threads: a Reply belongs to the thread its handler runs on.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/json.h"
#include "http/request.h"

enum {
    REPLY_CHUNK = 256 * 1024, /* bytes of body that are handed over at once */
    REPLY_HEADERS_MAX = 32,   /* reply_header() calls */
    REPLY_GZIP_LEAST = 1024,  /* bytes below which a body is not compressed */
    REPLY_RETRY_AFTER = 1,    /* seconds, in the Retry-After of a 503 */
};

typedef struct Reply {
    Buf body;
    int status;        /* 200 unless set */
    const char *type;  /* Content-Type; static storage, or in the request's arena */
    const char *cache; /* Cache-Control; "no-cache" (ask again, 304 if it is the same) unless set */
    Str etag;          /* without quotes; empty: made from the body */
    Pairs headers;     /* further ones */
    bool plain;        /* never gzip, for what is compressed already */
    struct Exchange *exchange;
    struct Events *events; /* the answer is an event stream: see http/events.h */
    struct EventCursor *cursor;
} Reply;

/* Start a JSON answer; the writer writes to reply->body. */
JsonOut reply_json(Reply *reply);

/* A header; value is copied. Line breaks and other control bytes in it are left out. At most REPLY_HEADERS_MAX. */
void reply_header(Reply *reply, const char *name, Str value);

/*
 * Say which version of the thing the answer will be, any short text without quotes. True when the client has that
 * version already: the handler can then return true at once, the answer is 304.
 */
bool reply_etag(Reply *reply, Str tag);

/* The description of the server that is asked, /openapi.json, with the media type that links to descriptions have. */
#define OPENAPI_TYPE "application/vnd.oai.openapi+json;version=3.0"
void reply_openapi(Reply *reply, const Request *request);

/* A 3xx answer. `location` is an address or an absolute path, percent-encoded already. */
void reply_redirect(Reply *reply, int status, Str location);

/*
 * Hand over what is in reply->body if it is REPLY_CHUNK bytes or more; waits while the client is slow.
 *
 * ERR_INTERRUPTED  nobody wants the rest: the client hung up or asked for the head only, or the server stops;
 *                  the handler should return false with it
 * ERR_BUSY         the request's time is over
 */
bool reply_flush_chunk(Reply *reply, Err *err) ATTR_MUST_USE;
static inline bool reply_flush(Reply *reply, Err *err)
{
    return reply->body.len < REPLY_CHUNK || reply_flush_chunk(reply, err);
}

/* Append to the body, and flush. ERR_INTERRUPTED, ERR_BUSY: as reply_flush(). */
bool reply_write(Reply *reply, Str bytes, Err *err) ATTR_MUST_USE;

/* Hand over what is in the body now, however little: for answers that come in slowly. ERR_INTERRUPTED, ERR_BUSY: as
 * reply_flush(). */
bool reply_push(Reply *reply, Err *err) ATTR_MUST_USE;

/* Replace whatever was put together by the JSON form of `err`: {"error":{"code","message","hint"}}. */
void reply_error(Reply *reply, const Err *err);

#endif
