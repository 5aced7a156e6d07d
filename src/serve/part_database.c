/* SPDX-License-Identifier: Apache-2.0 */
/* The service database: made, and connections to it lent. What is in it is made by the parts behind. */
#include "http/server.h"
#include "serve/part.h"

/* For an embedded server the superuser prepares the database; elsewhere whoever the connection string names. */
static bool prepare(const Instance *instance, Err *err)
{
    ARENA_SCOPE(scratch);
    DatabaseSpec spec = instance_database(instance);
    InstanceServer *server;
    const char *dsn;

    return instance_service_server(instance, &server, err) &&
           instance_dsn(server, &scratch, NULL, NULL, &dsn, err) && migrate_database(dsn, &spec, err);
}

static bool open_pool(Daemon *daemon, InstanceRole role, int64_t size, Err *err)
{
    ARENA_SCOPE(scratch);
    const Instance *instance = daemon_instance(daemon);
    const DatabaseSection *section = conf_get(instance_conf(instance), &database_section, (Str){0});
    PoolOptions options = {.size = (int)size, .wait = section->wait, .idle = section->idle};

    if (!instance_database_dsn(instance, &scratch, role, &options.dsn, err))
        return false;
    if (role == INSTANCE_READER)
        options.statement_timeout = section->statement_timeout;
    daemon_set_pool(daemon, role, pool_open(&options));
    return true;
}

static void stop(Daemon *daemon)
{
    static const InstanceRole roles[] = {INSTANCE_OWNER, INSTANCE_READER};

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (daemon_pool(daemon, roles[i]))
            pool_close(daemon_pool(daemon, roles[i]));
        daemon_set_pool(daemon, roles[i], NULL);
    }
}

static bool start(Daemon *daemon, Err *err)
{
    const Instance *instance = daemon_instance(daemon);
    const DatabaseSection *section = conf_get(instance_conf(instance), &database_section, (Str){0});

    if (prepare(instance, err) && open_pool(daemon, INSTANCE_OWNER, section->writers, err) &&
        open_pool(daemon, INSTANCE_READER, section->readers, err))
        return true;
    stop(daemon);
    return false;
}

/* A taker gets a connection only when the server is there, or was a moment ago. */
static bool ready(Daemon *daemon, Err *err)
{
    POOL_SCOPE(lease);

    return pool_take(daemon_pool(daemon, INSTANCE_READER), &(PoolWish){0}, &lease, err);
}

static void tick(Daemon *daemon)
{
    pool_tick(daemon_pool(daemon, INSTANCE_OWNER));
    pool_tick(daemon_pool(daemon, INSTANCE_READER));
}

static void describe(Daemon *daemon, Buf *out)
{
    PoolStats readers = pool_stats(daemon_pool(daemon, INSTANCE_READER));
    PoolStats writers = pool_stats(daemon_pool(daemon, INSTANCE_OWNER));

    buf_printf(out, "'%s'; %d of %d readers and %d of %d writers in use",
               instance_database(daemon_instance(daemon)).name, readers.taken, readers.size, writers.taken,
               writers.size);
}

/* ---- /metrics ---- */

static double taken(void *pool)
{
    return pool_stats(pool).taken;
}

static double opened(void *pool)
{
    return pool_stats(pool).open;
}

static double waiting(void *pool)
{
    return pool_stats(pool).waiting;
}

static double takes(void *pool)
{
    return (double)pool_stats(pool).takes;
}

static double timeouts(void *pool)
{
    return (double)pool_stats(pool).timeouts;
}

static double failures(void *pool)
{
    return (double)pool_stats(pool).failures;
}

static double turns(void *pool)
{
    return (double)pool_stats(pool).turns;
}

static double waited(void *pool)
{
    return (double)pool_stats(pool).wait_sum / SECONDS(1);
}

static const struct {
    const char *name;
    MetricType type;
    const char *help;
    double (*read)(void *pool);
} metrics[] = {
    {"taken", METRIC_GAUGE, "Connections in use.", taken},
    {"open", METRIC_GAUGE, "Connections open.", opened},
    {"waiting", METRIC_GAUGE, "Requests that wait for a connection.", waiting},
    {"takes_total", METRIC_COUNTER, "Connections lent.", takes},
    {"timeouts_total", METRIC_COUNTER, "Requests that waited for a connection in vain.", timeouts},
    {"failures_total", METRIC_COUNTER, "Connections that could not be made.", failures},
    {"turns_total", METRIC_COUNTER, "Connections turned over to another shard.", turns},
    {"wait_seconds_total", METRIC_COUNTER, "Time that requests waited for a connection.", waited},
};

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    static const char *const names[] = {[INSTANCE_OWNER] = "writers", [INSTANCE_READER] = "readers"};
    Arena *arena = daemon_arena(daemon);
    MetricDef *defs = arena_new(arena, MetricDef, COUNT_OF(names) * COUNT_OF(metrics)), *def = defs;

    for (size_t role = 0; role < COUNT_OF(names); role++)
        for (size_t i = 0; i < COUNT_OF(metrics); i++)
            *def++ =
                (MetricDef){.name = str_printf(arena, "strata_db_%s_%s", names[role], metrics[i].name).ptr,
                            .type = metrics[i].type,
                            .help = metrics[i].help,
                            .read = metrics[i].read,
                            .context = daemon_pool(daemon, (InstanceRole)role)};
    return metrics_register(server_metrics(http), defs, (size_t)(def - defs), NULL, err);
}

const ServePart part_database = {
    .name = "database",
    .mount = mount,
    .start = start,
    .stop = stop,
    .ready = ready,
    .tick = tick,
    .describe = describe,
};
