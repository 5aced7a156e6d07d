/* SPDX-License-Identifier: Apache-2.0 */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool refuse(Str text, const char *why, Err *err)
{
    (void)err_set(err, ERR_USAGE, "'%.*s' is not where a peer can be: %s", STR_ARG(text), why);
    return err_hint(err, "host:port, [IPv6]:port or unix:/path");
}

static bool parse_path(Str text, Str path, Endpoint *out, Err *err)
{
    if (path.len == 0 || path.ptr[0] != '/' || memchr(path.ptr, 0, path.len))
        return refuse(text, "the path of a socket begins with /", err);
    if (path.len >= sizeof out->at.path.sun_path)
        return err_set(err, ERR_LIMIT, "the path of socket '%.*s' has more than %zu bytes", STR_ARG(text),
                       sizeof out->at.path.sun_path - 1);
    out->is_unix = true;
    out->at.path.sun_family = AF_UNIX;
    memcpy(out->at.path.sun_path, path.ptr, path.len);
    return true;
}

static bool is_host_name(Str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
            c != '.' && c != '_')
            return false;
    }
    return host.len > 0;
}

static bool parse_host(Str text, Str host, bool bracketed, in_port_t port, Endpoint *out, Err *err)
{
    if (host.len > ENDPOINT_HOST_MAX)
        return refuse(text, "the name is too long", err);
    out->is_any = str_eq_z(host, "*");
    if (out->is_any)
        host = STR("0.0.0.0");
    else if (str_eq_z(host, "localhost"))
        host = STR("127.0.0.1");
    (void)snprintf(out->host, sizeof out->host, "%.*s", STR_ARG(host));
    if (bracketed ? inet_pton(AF_INET6, out->host, &out->at.v6.sin6_addr) == 1
                  : inet_pton(AF_INET, out->host, &out->at.v4.sin_addr) == 1) {
        out->at.any.sa_family = bracketed ? AF_INET6 : AF_INET;
        *(bracketed ? &out->at.v6.sin6_port : &out->at.v4.sin_port) = port;
        return true;
    }
    out->is_name = !bracketed && is_host_name(host);
    return out->is_name || refuse(text, "the host is neither an IP address nor a name", err);
}

bool endpoint_parse(Str text, Endpoint *out, Err *err)
{
    static const Str prefix = {"unix:", 5};
    Endpoint endpoint = {0};
    const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    uint64_t port;

    if (str_starts(text, prefix)) {
        if (!parse_path(text, str_sub(text, prefix.len, text.len), &endpoint, err))
            return false;
        *out = endpoint;
        return true;
    }
    if (!colon)
        return refuse(text, "there is no port", err);
    Str host = str_sub(text, 0, (size_t)(colon - text.ptr)), number = str_sub(text, host.len + 1, text.len);
    if (!str_to_uint64(number, &port) || port > 65535)
        return refuse(text, "the port is no number from 0 to 65535", err);
    (void)snprintf(endpoint.port, sizeof endpoint.port, "%u", (unsigned)port);
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = str_sub(host, 1, host.len - 1);
    if (!parse_host(text, host, bracketed, htons((uint16_t)port), &endpoint, err))
        return false;
    *out = endpoint;
    return true;
}

const char *endpoint_text(const struct sockaddr *at, char out[ENDPOINT_TEXT_MAX])
{
    const struct sockaddr_in *v4 = (const void *)at;
    const struct sockaddr_in6 *v6 = (const void *)at;
    const struct sockaddr_un *path = (const void *)at;
    char host[INET6_ADDRSTRLEN] = "";

    switch (at->sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "%s:%u", host, ntohs(v4->sin_port));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "[%s]:%u", host, ntohs(v6->sin6_port));
        break;
    default:
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "unix:%s", path->sun_path);
    }
    return out;
}
