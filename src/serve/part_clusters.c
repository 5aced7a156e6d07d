/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded servers: started, watched, started again when they die, stopped. */
#include "base/log.h"
#include "serve/part.h"

#define RETRY_FIRST SECONDS(1)
#define RETRY_LAST  SECONDS(60)

typedef struct Watch {
    InstanceServer *server;
    bool down;            /* found dead, not yet started again */
    Duration retry_at;    /* by the monotonic clock */
    Duration retry_after; /* grows while it does not start */
} Watch;

typedef struct Watches {
    size_t count;
    Watch items[INSTANCE_SERVERS_MAX];
} Watches;

static Duration patience(const Daemon *daemon)
{
    const PostgresqlSection *how =
        conf_get(instance_conf(daemon_instance(daemon)), &postgresql_section, (Str){0});

    return how->stop_timeout;
}

static void stop_all(const Daemon *daemon, const Watches *watches)
{
    for (size_t i = watches->count; i-- > 0;) {
        Err err = {0};

        if (!cluster_stop(watches->items[i].server->cluster, patience(daemon), &err))
            log_err(LOG_ERROR, "cannot stop a cluster", &err);
    }
}

static bool start_one(Daemon *daemon, Watches *watches, InstanceServer *server, Err *err)
{
    if (!server->cluster) {
        *err = server->why;
        return err_wrap(err, "cannot start the server '%s'", server->name);
    }
    cluster_watch_flag(server->cluster, daemon_stop_flag(daemon));
    if (!cluster_start(server->cluster, err))
        return false;
    watches->items[watches->count++] = (Watch){.server = server};
    log_line(LOG_INFO, "cluster is up server=%s pid=%ld", server->name, (long)cluster_pid(server->cluster));
    return true;
}

static bool start(Daemon *daemon, Err *err)
{
    Watches *watches = arena_new(daemon_arena(daemon), Watches, 1);
    InstanceServer *servers;
    size_t count = instance_servers(daemon_instance(daemon), &servers);

    for (size_t i = 0; i < count; i++)
        if (!servers[i].dsn && !start_one(daemon, watches, &servers[i], err)) {
            stop_all(daemon, watches);
            return false;
        }
    daemon_keep(daemon, &part_clusters, watches);
    return true;
}

static void stop(Daemon *daemon)
{
    stop_all(daemon, daemon_kept(daemon, &part_clusters));
}

static void start_again(Watch *watch)
{
    Err err = {0};

    if (cluster_start(watch->server->cluster, &err)) {
        log_line(LOG_INFO, "cluster is up again server=%s pid=%ld", watch->server->name,
                 (long)cluster_pid(watch->server->cluster));
        *watch = (Watch){.server = watch->server};
        return;
    }
    log_err(LOG_ERROR, "cannot start a cluster again", &err);
    watch->retry_after = watch->retry_after ? watch->retry_after * 2 : RETRY_FIRST;
    if (watch->retry_after > RETRY_LAST)
        watch->retry_after = RETRY_LAST;
    watch->retry_at = time_monotonic() + watch->retry_after;
}

static void tick(Daemon *daemon)
{
    Watches *watches = daemon_kept(daemon, &part_clusters);

    for (size_t i = 0; i < watches->count; i++) {
        Watch *watch = &watches->items[i];

        if (!watch->down && cluster_pid(watch->server->cluster) != 0)
            continue;
        if (!watch->down)
            log_line(LOG_WARNING, "cluster died, starting it again server=%s", watch->server->name);
        watch->down = true;
        if (time_monotonic() >= watch->retry_at && !daemon_stopping(daemon))
            start_again(watch);
    }
}

static void describe(Daemon *daemon, Buf *out)
{
    Watches *watches = daemon_kept(daemon, &part_clusters);
    size_t up = 0;

    for (size_t i = 0; i < watches->count; i++)
        up += !watches->items[i].down;
    buf_printf(out, "%zu of %zu up", up, watches->count);
}

const ServePart part_clusters = {
    .name = "clusters",
    .start = start,
    .stop = stop,
    .tick = tick,
    .describe = describe,
};
