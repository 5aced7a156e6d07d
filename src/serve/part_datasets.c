/* SPDX-License-Identifier: Apache-2.0 */
/* What the service does for datasets by itself: it makes their copies like the primary ones, where somebody asked for that. */
#include <pthread.h>
#include <time.h>

#include "base/lock.h"
#include "base/log.h"
#include "place/recopy.h"
#include "serve/datasets.h"
#include "serve/part.h"

#define LOOK SECONDS(60) /* at what datasets say about it, and whether it is time */

typedef struct DatasetsPart {
    const char *dir; /* of the instance */
    const ConfSet *set;
    bool settled; /* what killed processes left was looked at once */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    atomic_bool stops;
    bool called; /* guarded by mutex */
} DatasetsPart;

static void log_copies(const Dataset *dataset, const Recopied *copies, size_t count)
{
    size_t anew = 0, failed = 0;

    for (size_t i = 0; i < count; i++) {
        anew += !copies[i].why.code && copies[i].outcome != UPKEEP_AS_IT_WAS;
        failed += copies[i].why.code != 0;
        if (copies[i].why.code)
            log_err(LOG_WARNING, "recopy", &copies[i].why);
    }
    log_line(LOG_INFO, "recopied dataset=%s copies=%zu anew=%zu failed=%zu", dataset->name, count, anew,
             failed);
}

static bool recopy(DatasetsPart *part, const Dataset *dataset, Place *place, Arena *arena, Err *err)
{
    Upkeep upkeep = {.place = place, .stop = &part->stops};
    Recopied *copies;
    size_t count;

    if (!upkeep_begin(&upkeep, err) || !recopy_run(&upkeep, &(RecopyWish){0}, arena, &copies, &count, err))
        return false;
    log_copies(dataset, copies, count);
    return recopy_note(&upkeep, err);
}

/* `next`: when to look at it again, at the latest. */
static bool tend(DatasetsPart *part, const Instance *instance, Str name, Duration *next, Err *err)
{
    ARENA_SCOPE(arena);
    RecopyPlan plan;
    Dataset dataset;
    Place *place;
    size_t settled;

    if (!datasets_find(instance, &arena, name, &dataset, err) ||
        !place_open(&arena, &dataset.spec, &place, err) ||
        (!part->settled && !change_settle(place, &settled, err)) || !recopy_read_plan(place, &plan, err))
        return false;
    if (plan.every > 0 && plan.every < *next)
        *next = plan.every;
    return plan.every == 0 || time_now() - plan.last < plan.every ||
           recopy(part, &dataset, place, &arena, err);
}

/* The file is read each time: datasets are made while the service is up. */
static Duration tend_all(DatasetsPart *part)
{
    ARENA_SCOPE(arena);
    const DatasetSection *section;
    Duration next = LOOK;
    Instance *instance;
    Err err = {0};
    size_t at = 0;
    Str name;

    if (!instance_open(&arena, part->dir, part->set, &instance, &err)) {
        log_err(LOG_WARNING, "recopy", &err);
        return next;
    }
    while (!atomic_load(&part->stops) && datasets_next(instance, &at, &name, &section)) {
        err = (Err){0};
        if (!tend(part, instance, name, &next, &err) && !atomic_load(&part->stops))
            log_line(LOG_WARNING, "recopy dataset=%.*s error=\"%s\"", STR_ARG(name), err.text);
    }
    part->settled = true;
    return next;
}

/* Returns whether to go on. */
static bool wait_a_while(DatasetsPart *part, Duration how_long)
{
    LOCK_SCOPE(held, &part->mutex);
    Duration until = time_monotonic() + how_long;
    struct timespec at = {.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};

    while (!atomic_load(&part->stops) && !part->called && time_monotonic() < until)
        (void)pthread_cond_timedwait(&part->wake, &part->mutex, &at);
    part->called = false;
    return !atomic_load(&part->stops);
}

static void *work(void *part_v)
{
    DatasetsPart *part = part_v;
    Duration next;

    do
        next = tend_all(part);
    while (wait_a_while(part, next));
    return NULL;
}

static bool start(Daemon *daemon, Err *err)
{
    DatasetsPart *part = arena_new(daemon_arena(daemon), DatasetsPart, 1);
    pthread_condattr_t clock;

    part->dir = instance_path(daemon_instance(daemon));
    part->set = daemon_conf_set(daemon);
    (void)pthread_mutex_init(&part->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&part->wake, &clock);
    (void)pthread_condattr_destroy(&clock);
    if (pthread_create(&part->thread, NULL, work, part) != 0)
        return err_set(err, ERR_IO, "cannot start a thread");
    daemon_keep(daemon, &part_datasets, part);
    return true;
}

static void call(DatasetsPart *part, bool stops)
{
    LOCK_SCOPE(held, &part->mutex);

    atomic_store(&part->stops, stops);
    part->called = true;
    (void)pthread_cond_signal(&part->wake);
}

/* What it is in the middle of ends at the next piece of rows, or with the statement that a server is at. */
static void stop(Daemon *daemon)
{
    DatasetsPart *part = daemon_kept(daemon, &part_datasets);

    call(part, true);
    (void)pthread_join(part->thread, NULL);
}

static void reload(Daemon *daemon)
{
    call(daemon_kept(daemon, &part_datasets), false);
}

const ServePart part_datasets = {.name = "datasets", .start = start, .stop = stop, .reload = reload};
