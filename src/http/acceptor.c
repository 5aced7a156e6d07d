/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that takes new connections in. libmicrohttpd could do it, but told to stop listening (0.9.75,
 * MHD_quiesce_daemon) it takes the socket out of an epoll set on two threads at once, and the second aborts the process.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/core.h"

enum {
    FULL_WAIT = 10,      /* between looks whether a connection has ended, ms */
    EXHAUSTED_WAIT = 100 /* after accept() found no descriptor or memory, ms */
};

/* Takes one connection in; how long to leave the others in the listen queue, ms. */
static int take_in(Server *server)
{
    Address from = {0};
    socklen_t len = sizeof from.at;
    int fd = accept4(server->listening, &from.at.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        log_line(LOG_WARNING, "cannot take a connection in: %s", strerrordesc_np(errno));
        return EXHAUSTED_WAIT;
    }
    if (fd < 0) /* the client has gone, or there was none */
        return 0;
    atomic_fetch_add(&server->connected, 1);
    if (MHD_add_connection(server->daemon, fd, &from.at.any, len) != MHD_YES) /* closes it */
        atomic_fetch_sub(&server->connected, 1);
    return 0;
}

static void *run(void *arg)
{
    Server *server = arg;
    struct pollfd fds[] = {{.fd = server->wake, .events = POLLIN},
                           {.fd = server->listening, .events = POLLIN}};

    for (int wait = 0; !(fds[0].revents & POLLIN);) {
        if (!wait && atomic_load(&server->connected) >= server->options.connections)
            wait = FULL_WAIT;
        fds[1].revents = 0;
        if (poll(fds, wait ? 1 : COUNT_OF(fds), wait ? wait : -1) < 0 && errno != EINTR)
            log_line(LOG_WARNING, "cannot wait for connections: %s", strerrordesc_np(errno));
        wait = fds[1].revents ? take_in(server) : 0;
    }
    return NULL;
}

bool acceptor_start(Server *server, int fd, Err *err)
{
    server->wake = eventfd(0, EFD_CLOEXEC);
    if (server->wake < 0)
        return err_sys(err, ERR_IO, "cannot make an event descriptor");
    server->listening = fd;

    int error = pthread_create(&server->acceptor, NULL, run, server);
    if (!error)
        return true;
    (void)close(server->wake);
    server->listening = -1;
    return err_set(err, ERR_IO, "cannot start a thread: %s", strerrordesc_np(error));
}

void acceptor_stop(Server *server)
{
    if (server->listening < 0)
        return;
    (void)eventfd_write(server->wake, 1);
    (void)pthread_join(server->acceptor, NULL);
    (void)close(server->wake);
    (void)close(server->listening);
    server->listening = -1;
}
