/* SPDX-License-Identifier: Apache-2.0 */
#include "place/recopy.h"

#include <pthread.h>

#include "place/metadata.h"

/* ---- which copies ---- */

static bool check_names(Upkeep *upkeep, const RecopyWish *wish, Err *err)
{
    const MappingTable *table;
    const MappingCopy *copy;
    Str server = wish->server.len ? wish->server : str_from_z(place_spec(upkeep->place)->servers[0].name);

    for (size_t i = 0; i < wish->count; i++)
        if (!upkeep_find(upkeep, wish->tables[i], server, &table, &copy, err))
            return false;
    return place_lists(place_spec(upkeep->place), server) ||
           err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'",
                   place_spec(upkeep->place)->dataset, STR_ARG(server));
}

static bool is_wished(const RecopyWish *wish, Str table)
{
    for (size_t i = 0; i < wish->count; i++)
        if (str_eq(wish->tables[i], table))
            return true;
    return wish->count == 0;
}

/* What has a copy there is copied from there. */
static bool choose_primaries(Upkeep *upkeep, const RecopyWish *wish, Err *err)
{
    ARENA_SCOPE(scratch);
    const Mapping *mapping = place_mapping(upkeep->place);
    size_t count = 0;
    Str *tables = arena_new(&scratch, Str, mapping->count + 1);
    UpkeepOutcome outcome;

    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++)
            if (is_wished(wish, mapping->tables[t].name) &&
                str_eq(mapping->tables[t].copies[c].server, wish->primary))
                tables[count++] = str_copy(&scratch, mapping->tables[t].name);
    for (size_t i = 0; i < count; i++)
        if (!upkeep_choose_primary(upkeep, tables[i], wish->primary, &outcome, err))
            return false;
    return true;
}

/* Names of its own: the mapping is read again and again. */
static Recopied *list_copies(Upkeep *upkeep, const RecopyWish *wish, Arena *arena, size_t *count)
{
    const Mapping *mapping = place_mapping(upkeep->place);
    size_t all = 0;

    for (size_t t = 0; t < mapping->count; t++)
        all += mapping->tables[t].count;
    Recopied *list = arena_new(arena, Recopied, all + 1);
    *count = 0;
    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++) {
            const MappingTable *table = &mapping->tables[t];
            const MappingCopy *copy = &table->copies[c];

            if (!copy->primary && is_wished(wish, table->name) &&
                (!wish->server.len || str_eq(wish->server, copy->server)))
                list[(*count)++] = (Recopied){.table = str_copy(arena, table->name),
                                              .server = str_copy(arena, copy->server)};
        }
    return list;
}

/* ---- a server that gets copies, by one thread ---- */

typedef struct Worker {
    Upkeep upkeep; /* with a Place of its own but for the first one */
    const char *server;
    bool always;
    Recopied *list; /* for all servers */
    size_t count;
    pthread_t thread;
    bool started, interrupted;
} Worker;

static bool is_for(const Worker *worker, const Recopied *one)
{
    return str_eq_z(one->server, worker->server);
}

static void recopy_all(Worker *worker)
{
    for (size_t i = 0; i < worker->count && !worker->interrupted; i++) {
        Recopied *one = &worker->list[i];

        worker->interrupted = is_for(worker, one) &&
                              !upkeep_recopy(&worker->upkeep, one->table, one->server, worker->always,
                                             &one->outcome, &one->why) &&
                              one->why.code == ERR_INTERRUPTED;
    }
}

/* A Place is one thread's. */
static void *work(void *worker_v)
{
    Worker *worker = worker_v;
    ARENA_SCOPE(arena);
    Err why = {0};

    if (place_open(&arena, place_spec(worker->upkeep.place), &worker->upkeep.place, &why)) {
        recopy_all(worker);
        return NULL;
    }
    for (size_t i = 0; i < worker->count; i++)
        if (is_for(worker, &worker->list[i]))
            worker->list[i].why = why;
    return NULL;
}

static size_t make_workers(const Upkeep *upkeep, bool always, Recopied *list, size_t count, Worker *out)
{
    const PlaceSpec *spec = place_spec(upkeep->place);
    size_t workers = 0;

    for (size_t s = 0; s < spec->count; s++) {
        Worker worker = {.upkeep = *upkeep,
                         .server = spec->servers[s].name,
                         .always = always,
                         .list = list,
                         .count = count};
        bool any = false;

        for (size_t i = 0; i < count; i++)
            any = any || is_for(&worker, &list[i]);
        if (any)
            out[workers++] = worker;
    }
    return workers;
}

/* One copy at a time is made on a server, on all of them at once. */
static bool run_workers(Upkeep *upkeep, bool always, Recopied *list, size_t count, Err *err)
{
    ARENA_SCOPE(scratch);
    Worker *workers = arena_new(&scratch, Worker, place_spec(upkeep->place)->count);
    size_t workers_count = make_workers(upkeep, always, list, count, workers);
    bool interrupted = false;

    for (size_t i = 1; i < workers_count; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    for (size_t i = 0; i < workers_count; i++)
        if (!workers[i].started)
            recopy_all(&workers[i]);
    for (size_t i = 0; i < count; i++) /* says that the dataset is not there */
        if (!place_lists(place_spec(upkeep->place), list[i].server))
            (void)!upkeep_recopy(upkeep, list[i].table, list[i].server, always, &list[i].outcome,
                                 &list[i].why);
    for (size_t i = 0; i < workers_count; i++) {
        if (workers[i].started)
            (void)pthread_join(workers[i].thread, NULL);
        interrupted = interrupted || workers[i].interrupted;
    }
    return !interrupted || err_set(err, ERR_INTERRUPTED, "interrupted");
}

bool recopy_run(Upkeep *upkeep, const RecopyWish *wish, Arena *arena, Recopied **out, size_t *count, Err *err)
{
    if (!check_names(upkeep, wish, err) || (wish->primary.len && !choose_primaries(upkeep, wish, err)) ||
        !place_refresh(upkeep->place, err))
        return false;
    *out = list_copies(upkeep, wish, arena, count);
    return run_workers(upkeep, wish->always, *out, *count, err);
}

/* ---- every so often ---- */

static const char every_key[] = "recopy_every", last_key[] = "recopied";

static bool put(Upkeep *upkeep, const char *key, int64_t microseconds, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);

    return change_begin(&change, upkeep->place, err) &&
           metadata_put(&change, key, str_printf(&scratch, "%lld", (long long)microseconds), err) &&
           change_commit(&change, err);
}

bool recopy_plan(Upkeep *upkeep, Duration every, Err *err)
{
    return put(upkeep, every_key, every, err);
}

bool recopy_note(Upkeep *upkeep, Err *err)
{
    return put(upkeep, last_key, time_now(), err);
}

static bool read_number(Db *db, const char *key, int64_t *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str text;

    *out = 0;
    if (!metadata_get(db, &scratch, key, &text, err))
        return false;
    return text.len == 0 || str_to_int64(text, out) ||
           err_set(err, ERR_CORRUPT, "'%s' in the dataset's metadata is no number of microseconds", key);
}

bool recopy_read_plan(Place *place, RecopyPlan *out, Err *err)
{
    Db *db;

    return place_any(place, &db, err) && read_number(db, every_key, &out->every, err) &&
           read_number(db, last_key, &out->last, err);
}
