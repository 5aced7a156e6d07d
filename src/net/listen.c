/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that come. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_core.h"

enum { BACKLOG = 1024 };

static void fail(Listener *listener, const Err *why)
{
    Loop *loop = listener->loop;

    if (loop->events.on_failure)
        loop->events.on_failure(loop->ctx, listener->address, why);
}

/* The oldest that has not shown who it is goes. False when all have. */
static bool make_room(Loop *loop)
{
    Peer *oldest = NULL;
    Err err = {0};

    for (Peer *peer = loop->peers; peer; peer = peer->next) /* the newest is the first */
        if (peer->state == PEER_SHAKING && !peer->dialer)
            oldest = peer;
    if (!oldest)
        return false;
    (void)err_set(&err, ERR_LIMIT,
                  "its handshake was not done when another came and there were %zu connections",
                  loop->peer_count);
    peer_fail(oldest, &err);
    return true;
}

/* Whoever is too many is let in to be sent away: it would wait for ever otherwise. */
static void on_connection(uv_stream_t *stream, int status)
{
    Listener *listener = stream->data;
    Loop *loop = listener->loop;
    Peer *peer;
    Err err = {0};

    if (status < 0) {
        loop_fail(&err, status, "take a connection at", listener->address);
        fail(listener, &err);
        return;
    }
    bool full = loop->peer_count >= loop->options.peers_max && !make_room(loop);
    if (!peer_new(loop, listener->is_unix, NULL, &peer, &err)) {
        fail(listener, &err);
        return;
    }
    status = uv_accept(stream, &peer->socket.stream);
    if (status < 0)
        loop_fail(&err, status, "take a connection at", listener->address);
    else if (full)
        (void)err_set(&err, ERR_LIMIT, "there are %zu connections, which is as many as may be",
                      loop->peer_count - 1);
    if (err.code)
        peer_close(peer, &err);
    else
        peer_begin(peer);
}

/* Whether a socket is there that nobody listens on: what a process left that was killed. */
static bool is_left_over(const Endpoint *endpoint)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused =
        fd >= 0 && connect(fd, &endpoint->at.any, sizeof endpoint->at.path) < 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        (void)close(fd);
    return refused;
}

static int bind_path(Listener *listener, const Endpoint *endpoint)
{
    const char *path = endpoint->at.path.sun_path;
    int status = uv_pipe_bind(&listener->socket.pipe, path);
    char above[sizeof endpoint->at.path.sun_path + 1];

    /* libuv says of a directory that is not there that it may not be entered. */
    (void)snprintf(above, sizeof above, "%.*s", STR_ARG(str_dir_name(str_from_z(path))));
    if (status == UV_EACCES && access(above, F_OK) < 0)
        return -errno;
    if (status != UV_EADDRINUSE || !is_left_over(endpoint))
        return status;
    (void)unlink(path);
    return uv_pipe_bind(&listener->socket.pipe, path);
}

static int open_socket(Listener *listener, const Endpoint *endpoint)
{
    Loop *loop = listener->loop;
    int status = endpoint->is_unix ? uv_pipe_init(&loop->uv, &listener->socket.pipe, 0)
                                   : uv_tcp_init(&loop->uv, &listener->socket.tcp);

    if (status < 0)
        return status;
    listener->open = true;
    listener->socket.handle.data = listener;
    status = endpoint->is_unix ? bind_path(listener, endpoint)
                               : uv_tcp_bind(&listener->socket.tcp, &endpoint->at.any, 0);
    return status < 0 ? status : uv_listen(&listener->socket.stream, BACKLOG, on_connection);
}

static void name(Listener *listener, const Endpoint *endpoint)
{
    struct sockaddr_storage at;
    int len = sizeof at;

    if (endpoint->is_unix || uv_tcp_getsockname(&listener->socket.tcp, (struct sockaddr *)&at, &len) < 0)
        (void)endpoint_text(&endpoint->at.any, listener->address);
    else
        (void)endpoint_text((struct sockaddr *)&at, listener->address);
}

bool loop_listen(Loop *loop, Str address, const char **out, Err *err)
{
    Endpoint endpoint;

    if (!endpoint_parse(address, &endpoint, err))
        return false;
    if (endpoint.is_name)
        return err_set(err, ERR_USAGE, "'%.*s' is a name: peers are waited for at an IP address",
                       STR_ARG(address));
    Listener *listener = arena_new(&loop->arena, Listener, 1);
    listener->loop = loop;
    listener->is_unix = endpoint.is_unix;
    int status = open_socket(listener, &endpoint);
    if (status < 0) {
        if (listener->open)
            uv_close(&listener->socket.handle, NULL);
        (void)endpoint_text(&endpoint.at.any, listener->address);
        return loop_fail(err, status, "listen at", listener->address);
    }
    name(listener, &endpoint);
    listener->next = loop->listeners;
    loop->listeners = listener;
    if (out)
        *out = listener->address;
    return true;
}
