/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections by the time they have left. libmicrohttpd closes those without traffic; one that sends or takes a byte
 * now and then it would keep for ever, so each connection has a time at which it is due, and a thread shuts it down.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/lock.h"
#include "http/core.h"

static void put_peer(Conn *conn, const struct sockaddr *from)
{
    const struct sockaddr_in *v4 = (const void *)from;
    const struct sockaddr_in6 *v6 = (const void *)from;

    if (from->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &v4->sin_addr, conn->peer, sizeof conn->peer);
    else if (from->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, conn->peer, sizeof conn->peer);
}

static Conn *add(Server *server, struct MHD_Connection *connection)
{
    Arena home = {0};
    Conn *conn = arena_new(&home, Conn, 1);

    conn->home = home;
    conn->server = server;
    conn->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    put_peer(conn, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    conn_set_due(conn, time_monotonic() + server->options.idle + server->options.read_time);

    LOCK_SCOPE(held, &server->lock);
    conn->next = server->conns;
    if (conn->next)
        conn->next->prev = conn;
    server->conns = conn;
    return conn;
}

static void drop(Server *server, Conn *conn)
{
    pthread_mutex_t *lock = lock_take(&server->lock);

    if (conn->next)
        conn->next->prev = conn->prev;
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    lock_drop(&lock);
    atomic_fetch_sub(&server->connected, 1);

    Arena home = conn->home;
    arena_free(&home);
}

void conn_notify(void *server, struct MHD_Connection *connection, void **conn,
                 enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        *conn = add(server, connection);
    else
        drop(server, *conn);
}

void conn_set_due(Conn *conn, Duration due)
{
    atomic_store_explicit(&conn->due, due, memory_order_relaxed);
}

/* A descriptor is closed only after drop(), which takes the lock: so none of these is another file's by now. */
static void shut_due(Server *server, Duration now)
{
    for (Conn *conn = server->conns; conn; conn = conn->next) {
        Duration due = atomic_load_explicit(&conn->due, memory_order_relaxed);

        if (due && now > due)
            (void)shutdown(conn->fd, SHUT_RDWR);
    }
}

void *conn_tick(void *arg)
{
    Server *server = arg;

    for (bool stopping = false; !stopping;) {
        pthread_mutex_t *lock = lock_take(&server->lock);
        Duration now = time_monotonic(), until = now + MILLISECONDS(500);
        struct timespec wake = {.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};

        shut_due(server, now);
        stopping = atomic_load(&server->stopping);
        if (!stopping)
            (void)pthread_cond_timedwait(&server->tick, &server->lock, &wake);
        lock_drop(&lock);
        events_tick(server->events);
    }
    return NULL;
}
