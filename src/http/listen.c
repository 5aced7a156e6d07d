/* SPDX-License-Identifier: Apache-2.0 */
/* "host:port" to a listening socket. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/core.h"

enum { BACKLOG = 1024 };

static bool parse_host(Str host, Address *out)
{
    char text[64];

    if (str_eq_z(host, "localhost"))
        host = STR("127.0.0.1");
    else if (str_eq_z(host, "*"))
        host = STR("0.0.0.0");
    if (host.len >= sizeof text)
        return false;
    (void)snprintf(text, sizeof text, "%.*s", STR_ARG(host));
    if (inet_pton(AF_INET, text, &out->at.v4.sin_addr) == 1) {
        out->at.v4.sin_family = AF_INET;
        out->is_loopback = (ntohl(out->at.v4.sin_addr.s_addr) >> 24) == 127;
        return true;
    }
    out->is_v6 = inet_pton(AF_INET6, text, &out->at.v6.sin6_addr) == 1;
    out->at.v6.sin6_family = AF_INET6;
    out->is_loopback = out->is_v6 && IN6_IS_ADDR_LOOPBACK(&out->at.v6.sin6_addr);
    return out->is_v6;
}

bool address_parse(const char *text, Address *out, Err *err)
{
    Str whole = str_from_z(text), host, port;
    const char *colon = whole.len ? memrchr(whole.ptr, ':', whole.len) : NULL;
    Address address = {0};
    uint64_t number;

    if (!colon)
        return err_set(err, ERR_CONFIG, "address '%s' is not host:port", text);
    host = str_sub(whole, 0, (size_t)(colon - whole.ptr));
    port = str_sub(whole, host.len + 1, whole.len);
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = str_sub(host, 1, host.len - 1);
    if (!parse_host(host, &address)) {
        (void)err_set(err, ERR_CONFIG, "address '%s' does not start with an IP address, localhost or *",
                      text);
        return err_hint(err, "an IPv6 address stands in brackets: [::1]:8080");
    }
    if (!str_to_uint64(port, &number) || number > 65535)
        return err_set(err, ERR_CONFIG, "address '%s' does not end in a port, 0 .. 65535", text);
    if (address.is_v6)
        address.at.v6.sin6_port = htons((uint16_t)number);
    else
        address.at.v4.sin_port = htons((uint16_t)number);
    *out = address;
    return true;
}

int address_listen(const Address *address, unsigned *port, Err *err)
{
    socklen_t len = address->is_v6 ? sizeof address->at.v6 : sizeof address->at.v4;
    int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    Address bound = {0};

    if (fd < 0) {
        (void)err_sys(err, ERR_IO, "cannot make a socket");
        return -1;
    }
    /* So that a restarted service gets its port back while old connections linger. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address->at.any, len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, &bound.at.any, &len) < 0) {
        (void)err_sys(err, ERR_IO, "cannot listen");
        (void)close(fd);
        return -1;
    }
    *port = ntohs(address->is_v6 ? bound.at.v6.sin6_port : bound.at.v4.sin_port);
    return fd;
}

void address_put_url(Buf *buf, const Address *address, unsigned port, bool tls)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (address->is_v6)
        (void)inet_ntop(AF_INET6, &address->at.v6.sin6_addr, text, sizeof text);
    else
        (void)inet_ntop(AF_INET, &address->at.v4.sin_addr, text, sizeof text);
    buf_printf(buf, address->is_v6 ? "%s://[%s]:%u" : "%s://%s:%u", tls ? "https" : "http", text, port);
}
