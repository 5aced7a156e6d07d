/* SPDX-License-Identifier: Apache-2.0 */
/* client -- a small HTTP client on a raw socket, so that a test decides on every byte */
#ifndef TEST_HTTP_CLIENT_H
#define TEST_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

typedef struct Client {
    int fd;
    Buf in; /* received, not yet taken */
} Client;

typedef struct Answer {
    int status; /* 0: the connection ended before a whole head had come */
    bool whole; /* the body ended as it should */
    Str head;   /* in the arena */
    Str body;   /* without chunk sizes */
} Answer;

static inline Client client_open(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    Client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (client.fd < 0 || connect(client.fd, (const void *)&at, sizeof at) < 0)
        abort();
    return client;
}

static inline void client_close(Client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    buf_release(&client->in);
}

#define CLIENT_SCOPE(name, port) ATTR_CLEANUP(client_close) Client name = client_open(port)

/* False when the other side has closed. */
static inline bool client_send(Client *client, Str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes = str_sub(bytes, (size_t)sent, bytes.len);
    }
    return true;
}

/* One more piece of what comes; false at the end. */
static inline bool client_more(Client *client)
{
    enum { PIECE = 64 * 1024 };
    ssize_t got = recv(client->fd, buf_reserve(&client->in, PIECE), PIECE, 0);

    if (got <= 0)
        return false;
    client->in.len += (size_t)got;
    return true;
}

/* Waits until `what` has come; the place behind it, or 0 when the connection ended before. */
static inline size_t client_wait(Client *client, size_t from, Str what)
{
    for (;;) {
        const char *found = client->in.len > from
                                ? memmem(client->in.ptr + from, client->in.len - from, what.ptr, what.len)
                                : NULL;

        if (found)
            return (size_t)(found - client->in.ptr) + what.len;
        if (!client_more(client))
            return 0;
    }
}

/* A header's value, or the empty Str. */
static inline Str answer_header(const Answer *answer, const char *name)
{
    Str rest = answer->head, line, key;

    while (rest.len) {
        rest = str_cut(rest, '\n', &line);
        Str value = str_cut(line, ':', &key);
        if (key.len == strlen(name) && strncasecmp(key.ptr, name, key.len) == 0)
            return str_trim(value);
    }
    return (Str){"", 0};
}

static inline bool client_take(Client *client, size_t len, Arena *arena, Str *out)
{
    while (client->in.len < len)
        if (!client_more(client))
            return false;
    *out = str_copy(arena, str_sub(buf_str(&client->in), 0, len));
    buf_consume(&client->in, len);
    return true;
}

static inline bool client_read_chunks(Client *client, Arena *arena, Str *out)
{
    BUF_SCOPE(body);
    bool whole = false;

    for (;;) {
        Str line, piece;
        size_t end = client_wait(client, 0, STR("\r\n"));

        if (!end || !client_take(client, end, arena, &line))
            break;
        size_t len = strtoul(line.ptr, NULL, 16);
        if (!client_take(client, len + 2, arena, &piece))
            break;
        buf_put(&body, str_sub(piece, 0, len));
        if (!len) {
            whole = true;
            break;
        }
    }
    *out = str_copy(arena, buf_str(&body));
    return whole;
}

/* Reads one answer. `no_body`: of a HEAD request. */
static inline Answer client_read(Client *client, Arena *arena, bool no_body)
{
    Answer answer = {0};
    size_t end = client_wait(client, 0, STR("\r\n\r\n"));
    int64_t length = 0;

    if (!end || !client_take(client, end, arena, &answer.head))
        return answer;
    answer.status = (int)strtol(str_sub(answer.head, 9, 12).ptr, NULL, 10); /* "HTTP/1.1 200 OK" */
    if (answer.status == 100)
        return client_read(client, arena, no_body);
    answer.whole = true;
    if (no_body || answer.status == 204 || answer.status == 304)
        return answer;
    if (str_eq_z(answer_header(&answer, "Transfer-Encoding"), "chunked"))
        answer.whole = client_read_chunks(client, arena, &answer.body);
    else if (str_to_int64(answer_header(&answer, "Content-Length"), &length))
        answer.whole = client_take(client, (size_t)length, arena, &answer.body);
    return answer;
}

/* Sends one request on an open connection and reads the answer. */
static inline Answer client_ask(Client *client, Arena *arena, Str request)
{
    if (!client_send(client, request))
        return (Answer){0};
    return client_read(client, arena, str_starts(request, STR("HEAD ")));
}

/* The same on a connection of its own; `headers` are whole lines, "A: b\r\n". */
static inline Answer fetch(unsigned port, Arena *arena, const char *method, const char *target,
                           const char *headers)
{
    CLIENT_SCOPE(client, port);

    return client_ask(
        &client, arena,
        str_printf(arena, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, target, headers));
}

static inline bool str_has(Str s, const char *part)
{
    return s.len && memmem(s.ptr, s.len, part, strlen(part));
}

#endif
