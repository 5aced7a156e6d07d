/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/pages -- files that are part of the program: the page at `/` and what it loads
 *
 *     static const Page pages[] = {{"/", "text/html; charset=utf-8", html, html_gz, "3fa9..."}, ...};
 *     static const Pages all = {pages, COUNT_OF(pages)};
 *     server_set_fallback(server, pages_answer, &all, NOBODY);
 *
 * They are sent with an ETag and asked again each time, so that a new version is seen at once; nothing but scripts,
 * styles and images of the service itself may be loaded by them (Content-Security-Policy).
 */
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include "http/route.h"

typedef struct Page {
    const char *path, *type;
    Str body;
    Str gzip;         /* the same compressed; empty: compressed when asked for */
    const char *etag; /* NULL: made from the body */
} Page;

typedef struct Pages {
    const Page *at;
    size_t count;
    const char *policy; /* Content-Security-Policy; NULL: everything from 'self' only */
} Pages;

/* A RouteHandler; request->context is a `const Pages *`. ERR_NOT_FOUND: no page has this path */
bool pages_answer(Request *request, Reply *reply, Err *err);

#endif
