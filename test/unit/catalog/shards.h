/* SPDX-License-Identifier: Apache-2.0 */
/* shards -- a migrated catalogue on the test's own cluster, and shards in it */
#ifndef TEST_SHARDS_H
#define TEST_SHARDS_H

#include "catalog/catalog.h"
#include "catalog/shard.h"
#include "db/migrate.h"
#include "test/check.h"
#include "test/pg.h"

static Db *shards_db;
static const char *shards_dsn;

/* Starts the cluster with a catalogue in the database `mas`. Ends the program when that fails. */
static inline void shards_start(void)
{
    Err err = {0};

    pg_start_as("mas");
    shards_dsn = pg_dsn("mas");
    if (!migrate_database(pg_dsn("postgres"), &(DatabaseSpec){.name = "mas", .owner = "mas", .reader = "api"},
                          &err) ||
        !db_open(&pg_arena, shards_dsn, &shards_db, &err) || !catalog_migrate(shards_db, &err))
        pg_fail("cannot make a catalogue", &err);
}

/* A new, empty shard, the one that queries of shards_db mean. */
static inline void shards_new(const char *name, const char *path)
{
    Err err = {0};

    if (!shard_create(shards_db, str_from_z(name), str_from_z(path), false, &err) ||
        !shard_use(shards_db, str_from_z(name), &err))
        pg_fail("cannot make a shard", &err);
}

/* The only value of a query, as text; NULL and no row are "". Lives as long as the program. */
static inline Str shards_ask(const char *query)
{
    static int number; /* the server cuts names after 63 bytes, so the query cannot be its own */
    const Sql sql = {str_printf(&pg_arena, "ask_%d", ++number).ptr, 0, query};
    RESULT_SCOPE(rows);
    Err err = {0};

    if (!db_query(shards_db, &sql, DB_NO_ARGS, &rows, &err)) {
        printf("# %s: %s\n", query, err.text);
        return STR("error");
    }
    return db_count(rows) ? str_copy(&pg_arena, db_text(rows, 0, 0)) : (Str){0};
}

#define CHECK_ASK(query, answer)                                                  \
    do {                                                                          \
        Str got = shards_ask(query);                                              \
        if (!str_eq_z(got, answer))                                               \
            printf("# %s gives '%.*s', not '%s'\n", query, STR_ARG(got), answer); \
        CHECK(str_eq_z(got, answer));                                             \
    } while (0)

#endif
