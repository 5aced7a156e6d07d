/* SPDX-License-Identifier: Apache-2.0 */
#include "place/states.h"

#include <pthread.h>
#include <stdio.h>

#include "place_sql.h"

/* The copies of one server, read by one thread. */
typedef struct Reader {
    const PlaceServer *server;
    CopyState *states; /* of all servers */
    size_t count;
    const atomic_bool *stop;
    Progress *progress;
    pthread_t thread;
    bool started;
} Reader;

static bool read_one(Db *db, CopyState *state)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_copy_state, DB_ARGS(DB_TEXT(state->table->name)), &rows, &state->why))
        return false;
    state->rows = db_int(rows, 0, 0);
    state->bytes = db_int(rows, 0, 1);
    (void)snprintf(state->hash, sizeof state->hash, "%.*s", STR_ARG(db_text(rows, 0, 2)));
    return true;
}

/*
 * A server that went away is tried anew for the next copy. One that cannot be connected to is not: a frozen one would keep who asks for ten seconds
 * with every copy, and one that starts was waited for.
 */
static void *read_server(void *reader_v)
{
    Reader *reader = reader_v;
    ARENA_SCOPE(arena);
    Err gone = {0};
    Db *db = NULL;

    for (size_t i = 0; i < reader->count; i++) {
        CopyState *state = &reader->states[i];

        if (!str_eq_z(state->copy->server, reader->server->name))
            continue;
        if (reader->stop && atomic_load(reader->stop))
            return NULL;
        if (!db || !db_alive(db)) {
            arena_free(&arena);
            db = NULL;
        }
        if (!db && !gone.code)
            (void)!db_open(&arena, reader->server->dsn, &db, &gone);
        if (gone.code)
            state->why = gone;
        else
            (void)read_one(db, state);
        progress_add(reader->progress, 1);
    }
    return NULL;
}

static CopyState *list_states(const Mapping *mapping, const PlaceSpec *spec, Arena *arena, size_t *count)
{
    size_t all = 0;

    for (size_t t = 0; t < mapping->count; t++)
        all += mapping->tables[t].count;
    CopyState *states = arena_new(arena, CopyState, all + 1);
    *count = 0;
    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++) {
            CopyState *state = &states[(*count)++];

            *state = (CopyState){.table = &mapping->tables[t], .copy = &mapping->tables[t].copies[c]};
            if (!place_lists(spec, state->copy->server))
                (void)err_set(&state->why, ERR_CONFIG, "[dataset %s] does not list the server '%.*s'",
                              spec->dataset, STR_ARG(state->copy->server));
        }
    return states;
}

bool states_read(const PlaceSpec *spec, const Mapping *mapping, Arena *arena, const atomic_bool *stop,
                 Progress *progress, CopyState **out, size_t *count, Err *err)
{
    CopyState *states = list_states(mapping, spec, arena, count);
    Reader *readers = arena_new(arena, Reader, spec->count);

    progress_set_total(progress, (int64_t)*count);
    for (size_t i = 0; i < spec->count; i++) {
        readers[i] = (Reader){.server = &spec->servers[i],
                              .states = states,
                              .count = *count,
                              .stop = stop,
                              .progress = progress};
        readers[i].started = pthread_create(&readers[i].thread, NULL, read_server, &readers[i]) == 0;
        if (!readers[i].started)
            (void)read_server(&readers[i]);
    }
    for (size_t i = 0; i < spec->count; i++)
        if (readers[i].started)
            (void)pthread_join(readers[i].thread, NULL);
    if (stop && atomic_load(stop))
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    *out = states;
    return true;
}

bool states_equal(const CopyState *a, const CopyState *b)
{
    return !a->why.code && !b->why.code && a->rows == b->rows && strcmp(a->hash, b->hash) == 0;
}
