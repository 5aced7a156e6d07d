/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/url -- the target of a request taken apart: path, query, names and values
 *
 * Done here and not by the HTTP library, because a path may hold any byte but NUL, `( ) , :` arrive raw from
 * clients that never escaped them, and a `+` means a blank in a query but itself in a path.
 *
 * Source: RFC 3986 sections 2.1 and 3; the form encoding of the WHATWG URL standard, section 5.1.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/buf.h"
#include "base/str.h"

/* How many name=value pairs one query or form may have. */
enum { URL_PAIRS_MAX = 256 };

/* One `name=value` as sent, decoded. */
typedef struct Pair {
    Str name, value;
    bool malformed; /* a '%' without two hex digits behind it; it was kept as it is */
} Pair;

/* Pairs in the order sent, names may repeat. */
typedef struct Pairs {
    Pair *at;
    size_t count;
} Pairs;

/* The first pair called `name`, or NULL. Names are compared byte for byte. */
const Pair *pairs_find(Pairs pairs, const char *name);

/* The same, ignoring ASCII case: for headers. The value, or the empty Str. */
Str pairs_header(Pairs pairs, const char *name);

/*
 * Split a request target into what is before and behind the first `?`, without a `#fragment`. The absolute
 * form (`http://host/path`, which proxies send) loses its scheme and host; an empty path is "/".
 */
void url_split(Str target, Str *out_path, Str *out_query);

/* Percent-decode; `plus` turns '+' into a blank. False when a '%' stands alone; it is then kept as it is. */
bool url_decode(Arena *arena, Str raw, bool plus, Str *out);

/*
 * Take `a=1&b=2` apart. A name without '=' has the empty value; empty pieces are skipped.
 *
 * ERR_USAGE  more than URL_PAIRS_MAX pairs
 */
bool url_pairs(Arena *arena, Str raw, Pairs *out, Err *err) ATTR_MUST_USE;

/* Percent-encode `s` so that it can stand in a path segment or a query value. */
void url_encode(Buf *buf, Str s);

#endif
