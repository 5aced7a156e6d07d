/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_bench -- what of a dataset cannot be measured from outside
 *
 *     dataset_bench direct|routed COUNT TABLE DSN...   a prepared query by key, COUNT times: of one connection, or of the table's name
 *     dataset_bench start|connect TABLES DSN...        a new job (mapping, connections, one row of each server), or the connections alone
 *
 * DSNs are of the dataset's servers n1, n2 ... in that order. "start" and "connect" print milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "dataset/gather.h"


static void die(const Err *err)
{
    (void)fprintf(stderr, "dataset_bench: %s\n", err->text);
    exit(1);
}

static PlaceSpec spec_of(Arena *arena, int count, char **dsns)
{
    PlaceServer *servers = arena_new(arena, PlaceServer, (size_t)count);

    for (int i = 0; i < count; i++)
        servers[i] = (PlaceServer){.name = str_printf(arena, "n%d", i + 1).ptr, .dsn = dsns[i]};
    return (PlaceSpec){.dataset = "bench", .servers = servers, .count = (size_t)count};
}

static void prepare(Db *db, const char *table)
{
    ARENA_SCOPE(scratch);
    Err err = {0};
    PGresult *made = PQprepare(db_handle(db), "by_key",
                               str_printf(&scratch, "select * from %s where id = $1", table).ptr, 1, NULL);

    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
        (void)db_err(db, made, &err);
        die(&err);
    }
    PQclear(made);
}

static void ask(Db *db, int key)
{
    char text[16];
    const char *params[] = {text};

    (void)snprintf(text, sizeof text, "%d", key);
    PGresult *rows = PQexecPrepared(db_handle(db), "by_key", 1, params, NULL, NULL, 1);
    if (PQntuples(rows) != 1)
        exit(1);
    PQclear(rows);
}

/* The same connection is asked, once as it is and once by the name of the table. */
static void point(Arena *arena, bool routed, int count, const char *table, const PlaceSpec *spec)
{
    Err err = {0};
    Place *place;
    Db *db;

    if (!place_open(arena, spec, &place, &err) || !place_db(place, str_from_z(table), &db, &err))
        die(&err);
    prepare(db, table);
    for (int i = 0; i < count; i++) {
        if (routed && !place_db(place, str_from_z(table), &db, &err))
            die(&err);
        ask(db, 1 + i % 100);
    }
}

static bool ignore(void *ctx, size_t unit, Spool *bytes, int64_t rows, Err *err)
{
    (void)ctx;
    (void)unit;
    (void)rows;
    (void)err;
    spool_reset(bytes);
    return true;
}

static void start_job(Arena *arena, size_t tables, const PlaceSpec *spec)
{
    Err err = {0};
    Place *place;

    if (!place_open(arena, spec, &place, &err))
        die(&err);
    Gather *gather = gather_new(arena, &(GatherOpts){.spec = spec, .connections = 1, .spool = "/tmp"});
    GatherUnit *units = arena_new(arena, GatherUnit, tables);
    for (size_t i = 0; i < tables; i++)
        units[i] = (GatherUnit){.table = &place_mapping(place)->tables[i], .sql = "copy (select 1) to stdout"};
    if (!gather_run(gather, units, tables, false, ignore, NULL, &err))
        die(&err);
}

static void connect_all(const PlaceSpec *spec)
{
    for (size_t i = 0; i < spec->count; i++) {
        PGconn *conn = PQconnectdb(spec->servers[i].dsn);

        PQclear(PQexec(conn, "select 1"));
        PQfinish(conn);
    }
}

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    Instant began = time_now();

    if (argc > 4 && (strcmp(argv[1], "direct") == 0 || strcmp(argv[1], "routed") == 0)) {
        PlaceSpec spec = spec_of(&arena, argc - 4, argv + 4);

        point(&arena, argv[1][0] == 'r', (int)strtol(argv[2], NULL, 10), argv[3], &spec);
        return 0;
    }
    if (argc < 4)
        return 2;
    PlaceSpec spec = spec_of(&arena, argc - 3, argv + 3);
    if (strcmp(argv[1], "start") == 0)
        start_job(&arena, (size_t)strtol(argv[2], NULL, 10), &spec);
    else
        connect_all(&spec);
    (void)printf("%.3f\n", (double)(time_now() - began) / (double)MILLISECONDS(1));
    return 0;
}
