/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/request -- what a handler is given: parameters already parsed and checked, the user already known
 *
 * Everything lives as long as the request, in request->arena, which the handler may use too. A handler reads its
 * parameters by the names of its route's table:
 *
 *     int64_t limit = arg_number(request, "limit");
 *     if (arg_given(request, "after")) ...
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/param.h"
#include "http/token.h"

typedef struct Request {
    Arena *arena;
    const struct Route *route; /* NULL for a hook and for the fallback */
    void *context;             /* what the table was mounted with */

    Str method;   /* as the client sent it, upper case; HEAD is HEAD although the handler is GET's */
    Str target;   /* as sent: path and query, nothing decoded */
    Str path_raw; /* as sent, without the query */
    Str path;     /* decoded; may hold any byte */
    Str query_raw;
    Pairs query;   /* decoded, in the order sent */
    Pairs headers; /* names as sent; use request_header() */
    Str body;      /* whole, at most the route's body_max */

    User user;
    Str id;          /* of the request: the client's X-Request-Id when it is sane, otherwise made */
    Str traceparent; /* W3C trace context as sent when it is well formed, or empty */
    Str peer;        /* the client's address, "127.0.0.1" or "::1" */

    Instant started;   /* when the request line had arrived */
    Duration deadline; /* time_monotonic() at which the request times out */

    const Value *values;       /* of route->params, same order */
    struct Exchange *exchange; /* the server's own */
} Request;

/* The value of the parameter `name`, which must be in the route's table. */
const Value *arg(const Request *request, const char *name);

static inline bool arg_given(const Request *request, const char *name)
{
    return arg(request, name)->given;
}
static inline Str arg_text(const Request *request, const char *name)
{
    return arg(request, name)->text;
}
/* PARAM_INT, UINT, BOOL, TIME, DURATION, SIZE, and the index of an ENUM; 0 when not given. */
static inline int64_t arg_number(const Request *request, const char *name)
{
    return arg(request, name)->number;
}
static inline double arg_real(const Request *request, const char *name)
{
    return arg(request, name)->real;
}

/* The value of a header, or the empty Str. */
Str request_header(const Request *request, const char *name);

/*
 * The body as x-www-form-urlencoded pairs; none when the body is of another type or empty.
 *
 * ERR_USAGE  more than URL_PAIRS_MAX pairs
 */
bool request_form(const Request *request, Pairs *out, Err *err) ATTR_MUST_USE;

/* Whether `type` ("application/json") is the media type of the body; parameters behind it (charset) do not count. */
bool request_is_type(const Request *request, const char *type);

/*
 * Whether there is still someone to answer: the client has not hung up, the time is not over, the server is not being
 * cut. For loops that work long before they write anything; reply_flush() finds out by itself. One system call.
 *
 * ERR_INTERRUPTED  the client is gone, or the server stops
 * ERR_BUSY         the request timed out
 */
bool request_wanted(const Request *request, Err *err) ATTR_MUST_USE;

#endif
