/* SPDX-License-Identifier: Apache-2.0 */
/* The MAS API in the service, and the thread that keeps what directories cover up to date. */
#include <pthread.h>

#include "base/lock.h"
#include "base/log.h"
#include "catalog/coverage.h"
#include "serve/mas.h"
#include "serve/part.h"
#include "serve/sections.h"

typedef struct MasPart {
    Mas *mas;
    Pool *owner;
    Duration every;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stops; /* guarded by mutex */
} MasPart;

/* Returns whether to go on. */
static bool wait_a_while(MasPart *part)
{
    struct timespec at;
    LOCK_SCOPE(held, &part->mutex);
    Duration until = time_monotonic() + part->every;

    at = (struct timespec){.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};
    while (!part->stops && time_monotonic() < until)
        (void)pthread_cond_timedwait(&part->wake, &part->mutex, &at);
    return !part->stops;
}

static void *refresh(void *part_v)
{
    MasPart *part = part_v;

    while (wait_a_while(part)) {
        Err err = {0};

        if (!coverage_refresh_all(part->owner, &err))
            log_line(LOG_WARNING, "coverage error=\"%s\"", err.text);
    }
    return NULL;
}

static bool open_mas(Daemon *daemon, const CatalogSection *section, MasPart *part, Err *err)
{
    ARENA_SCOPE(scratch);
    const Instance *instance = daemon_instance(daemon);
    const DatabaseSection *database = conf_get(instance_conf(instance), &database_section, (Str){0});
    MasOptions options = {.compat = section->compat == 1,
                          .connections = (int)database->readers,
                          .statement_timeout = database->statement_timeout};

    return instance_database_dsn(instance, &scratch, INSTANCE_READER, &options.reader, err) &&
           instance_database_dsn(instance, &scratch, INSTANCE_OWNER, &options.writer, err) &&
           mas_open(&options, &part->mas, err);
}

static bool start_thread(MasPart *part, Err *err)
{
    pthread_condattr_t clock;

    (void)pthread_mutex_init(&part->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&part->wake, &clock);
    (void)pthread_condattr_destroy(&clock);
    if (pthread_create(&part->thread, NULL, refresh, part) == 0)
        return true;
    return err_set(err, ERR_IO, "cannot start a thread");
}

static bool start(Daemon *daemon, Err *err)
{
    const CatalogSection *section =
        conf_get(instance_conf(daemon_instance(daemon)), &catalog_section, (Str){0});
    MasPart *part = arena_new(daemon_arena(daemon), MasPart, 1);

    part->every = section->coverage_every;
    part->owner = daemon_pool(daemon, INSTANCE_OWNER);
    if (!open_mas(daemon, section, part, err))
        return err_wrap(err, "cannot prepare the MAS API");
    if (!start_thread(part, err)) {
        mas_close(part->mas);
        return false;
    }
    daemon_keep(daemon, &part_mas, part);
    return true;
}

static void stop(Daemon *daemon)
{
    MasPart *part = daemon_kept(daemon, &part_mas);
    pthread_mutex_t *held = lock_take(&part->mutex);

    part->stops = true;
    (void)pthread_cond_signal(&part->wake);
    lock_drop(&held);
    (void)pthread_join(part->thread, NULL);
    mas_close(part->mas);
    (void)pthread_cond_destroy(&part->wake);
    (void)pthread_mutex_destroy(&part->mutex);
}

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    const MasPart *part = daemon_kept(daemon, &part_mas);

    (void)err;
    mas_mount(http, part->mas);
    return true;
}

static void tick(Daemon *daemon)
{
    const MasPart *part = daemon_kept(daemon, &part_mas);

    mas_tick(part->mas);
}

const ServePart part_mas = {.name = "mas", .start = start, .stop = stop, .mount = mount, .tick = tick};
