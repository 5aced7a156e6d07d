/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/endpoint -- where a peer is found: `host:port`, `[2001:db8::1]:port` or `unix:/path`
 *
 * A host is an IP address or a name; `localhost` is 127.0.0.1, and `*` is every address (to listen only).
 */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <netinet/in.h>
#include <sys/un.h>

#include "base/buf.h"

enum { ENDPOINT_HOST_MAX = 253, ENDPOINT_TEXT_MAX = 280 };

typedef struct Endpoint {
    bool is_unix, is_any, is_name; /* is_name: `host` has to be looked up */
    char host[ENDPOINT_HOST_MAX + 1];
    char port[6]; /* decimal */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un path;
    } at; /* but of a name */
} Endpoint;

/*
 * ERR_USAGE  it is none of these
 * ERR_LIMIT  the path is longer than a socket's can be
 */
bool endpoint_parse(Str text, Endpoint *out, Err *err) ATTR_MUST_USE;

/* As it is written, from what the kernel says of a socket. Returns `out`. */
const char *endpoint_text(const struct sockaddr *at, char out[ENDPOINT_TEXT_MAX]);

#endif
