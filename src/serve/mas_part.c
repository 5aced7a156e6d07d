/* SPDX-License-Identifier: Apache-2.0 */
/* The MAS API in the service, and the thread that tends what loads leave to be done. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/lock.h"
#include "base/log.h"
#include "catalog/tend.h"
#include "db/notify.h"
#include "serve/mas.h"
#include "serve/part.h"
#include "serve/sections.h"

typedef struct MasPart {
    Mas *mas;
    Duration every;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    Notify *notify;
    const char *dsn; /* of the owner role */
    Arena arena;     /* the thread's, of its connection */
    _Atomic(Db *) db;
    atomic_bool stops;
    bool called; /* guarded by mutex */
} MasPart;

static void hear(void *part_v, Str channel, Str payload)
{
    MasPart *part = part_v;
    LOCK_SCOPE(held, &part->mutex);

    (void)channel;
    (void)payload;
    part->called = true;
    (void)pthread_cond_signal(&part->wake);
}

/* Returns whether to go on. */
static bool wait_a_while(MasPart *part)
{
    struct timespec at;
    LOCK_SCOPE(held, &part->mutex);
    Duration until = time_monotonic() + part->every;

    at = (struct timespec){.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};
    while (!atomic_load(&part->stops) && !part->called && time_monotonic() < until)
        (void)pthread_cond_timedwait(&part->wake, &part->mutex, &at);
    part->called = false;
    return !atomic_load(&part->stops);
}

/* Loads leave work to us while this connection is there; it may have been lost with the server. */
static bool hold(MasPart *part, Err *err)
{
    Db *db = atomic_load(&part->db);

    if (db && db_alive(db))
        return true;
    if (db ? !db_reopen(db, err) : !db_open(&part->arena, part->dsn, &db, err))
        return false;
    atomic_store(&part->db, db);
    return tend_hold(db, err);
}

static void *tend(void *part_v)
{
    MasPart *part = part_v;

    do {
        Err err = {0};

        if ((!hold(part, &err) || !tend_all(part->db, &part->stops, &err)) && !atomic_load(&part->stops))
            log_line(LOG_WARNING, "tend error=\"%s\"", err.text);
    } while (wait_a_while(part));
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
    if (!notify_open(part->dsn, (const char *const[]){TEND_CHANNEL}, 1, hear, part, &part->notify, err))
        return false;
    if (pthread_create(&part->thread, NULL, tend, part) == 0)
        return true;
    notify_close(part->notify);
    return err_set(err, ERR_IO, "cannot start a thread");
}

/* Building an index may take minutes; a cancel may come just before it begins. */
static void stop_thread(MasPart *part)
{
    const struct timespec soon = {.tv_nsec = 50000000};

    pthread_mutex_t *held = lock_take(&part->mutex);
    atomic_store(&part->stops, true);
    (void)pthread_cond_signal(&part->wake);
    lock_drop(&held);
    while (pthread_tryjoin_np(part->thread, NULL) != 0) {
        Db *db = atomic_load(&part->db);

        if (db)
            db_cancel(db);
        (void)nanosleep(&soon, NULL);
    }
    notify_close(part->notify);
    arena_free(&part->arena);
}

static bool start(Daemon *daemon, Err *err)
{
    const CatalogSection *section =
        conf_get(instance_conf(daemon_instance(daemon)), &catalog_section, (Str){0});
    MasPart *part = arena_new(daemon_arena(daemon), MasPart, 1);

    part->every = section->coverage_every;
    if (!instance_database_dsn(daemon_instance(daemon), daemon_arena(daemon), INSTANCE_OWNER, &part->dsn,
                               err))
        return false;
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

    stop_thread(part);
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
