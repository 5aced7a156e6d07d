/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/route -- tables of routes, and finding the one that a request means
 *
 *     static const Route routes[] = {
 *         {"GET", "/api/v1/catalog/{shard}/ls", "List a directory",
 *          PARAMS({"shard", PARAM_TEXT, IN_PATH, .help = "Name of the shard."},
 *                 {"path", PARAM_RAW, .required = true, .help = "The directory."},
 *                 PARAM_LIMIT("10000", "1000"), PARAM_AFTER),
 *          .handler = catalog_ls, .needs = READER, .reply = "Listing"},
 *     };
 *
 * A pattern is made of segments: a word, `{name}` for exactly one segment (not empty, decoded, so that %2F can be in
 * it), or as the last one `{name...}` for all the rest, slashes included. A word wins over `{name}`, and that over
 * `{name...}`. One slash at the end of a request's path does not matter. Each placeholder is an IN_PATH row of the
 * route's parameters, in the same order. HEAD is answered by GET's handler, OPTIONS from the table.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/reply.h"

/*
 * Answers one request; runs on a worker thread (or an event thread: Route.inline_ok), so on several at once.
 * Fails with any code: its HTTP status and text become the answer.
 */
typedef bool RouteHandler(Request *request, Reply *reply, Err *err);

typedef enum RouteBody {
    BODY_NONE, /* a body is refused */
    BODY_FORM, /* application/x-www-form-urlencoded: the IN_FORM parameters */
    BODY_JSON, /* application/json; the handler reads request->body, which is UTF-8 */
    BODY_ANY,
} RouteBody;

typedef struct Route {
    const char *method; /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *path;
    const char *summary; /* one sentence */
    const Param *params;
    size_t param_count;
    RouteHandler *handler;
    Role needs; /* the least role that may ask */
    RouteBody body;
    size_t body_max;         /* bytes; 0: the server's */
    const char *body_schema; /* of a BODY_JSON (ServerSchema), or NULL */
    const char *reply;       /* name of the schema of a 200 answer (ServerSchema), or NULL */
    const char *reply_type;  /* its media type; NULL: application/json */
    bool inline_ok;          /* never waits for anything: run on the event thread, without a hand-over */
    bool any_params;         /* unknown query parameters are let through */
    bool hidden;             /* not in /openapi.json */
    bool endless;            /* an event stream: no request time-out */
} Route;

/* The params and param_count of a row. */
#define PARAMS(...)                         \
    .params = (const Param[]){__VA_ARGS__}, \
    .param_count = sizeof((const Param[]){__VA_ARGS__}) / sizeof(Param)

enum { ROUTE_PLACEHOLDERS_MAX = 8 };

typedef struct Router Router;

/* A router in `arena`, without routes. */
Router *router_new(Arena *arena);

/*
 * Add one route; `data` is given back by router_find(). The route must outlive the router.
 *
 * ERR_BUG  the pattern or parameter table is wrong, or method and pattern are there already
 */
bool router_add(Router *router, const Route *route, void *data, Err *err) ATTR_MUST_USE;

typedef struct RouteMatch {
    const Route *route;
    void *data;
    Str path[ROUTE_PLACEHOLDERS_MAX]; /* values of the placeholders, decoded */
} RouteMatch;

/*
 * The route for `method` ("HEAD" finds GET's) and `path` as sent, not decoded.
 *
 * ERR_NOT_FOUND  no pattern fits
 * ERR_METHOD     one fits, but not for this method; *allow (in arena) lists those it has: "GET, HEAD, OPTIONS"
 * ERR_USAGE      the path has a '%' without two hex digits
 */
bool router_find(const Router *router, Str method, Str path, Arena *arena, RouteMatch *out, Str *allow,
                 Err *err) ATTR_MUST_USE;

#endif
