/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads gdal records for benchmarks and tests:  zcat gdal.tsv.gz | mas_load DSN-of-postgres SHARD ROOT [--no-refresh]
 *
 * Makes the database `mas` and the shard where they are missing. Lines are path TAB type TAB json.
 */
#include <stdio.h>
#include <stdlib.h>

#include "catalog/catalog.h"
#include "catalog/coverage.h"
#include "catalog/loader.h"
#include "catalog/shard.h"
#include "db/migrate.h"

static int fail(const Err *err)
{
    (void)fprintf(stderr, "%s\n", err->text);
    return err_exit_status(err->code);
}

static bool load(Loader *loader, DatasetReader *reader, Err *err)
{
    Batch *batch = batch_new();
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    for (ssize_t len; ok && (len = getline(&line, &size, stdin)) > 0;) {
        Str path, type, json = {line, (size_t)len};

        json = str_trim(str_cut(str_cut(json, '\t', &path), '\t', &type));
        Arena *arena = batch_arena(batch);
        BatchRecord record = {.path = path, .type = type, .json = str_copy(arena, json)};
        ok = dataset_parse(reader, arena, path, record.json, &record.datasets, err);
        if (ok)
            batch_add(batch, &record);
        if (ok && batch_is_full(batch))
            ok = loader_give(loader, &batch, err);
    }
    free(line);
    ok = ok && loader_give(loader, &batch, err);
    batch_free(batch);
    return ok;
}

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *db;
    Loader *loader;
    DatasetReader *reader;
    LoaderTotals totals;

    if (argc < 4) {
        (void)fprintf(stderr, "usage: mas_load DSN SHARD ROOT [--no-refresh] < records\n");
        return 2;
    }
    Str shard = str_from_z(argv[2]);
    const char *dsn = db_dsn_with(&arena, argv[1], "dbname", "mas", &err);
    if (!dsn ||
        !migrate_database(argv[1], &(DatabaseSpec){.name = "mas", .owner = "mas", .reader = "api"}, &err) ||
        !db_open(&arena, dsn, &db, &err) || !catalog_migrate(db, &err))
        return fail(&err);
    if (!shard_create(db, shard, str_from_z(argv[3]), false, &err) && err.code != ERR_CONFLICT)
        return fail(&err);
    Duration start = time_monotonic();
    if (!loader_open(&arena, &(LoaderOptions){.conninfo = dsn, .shard = shard}, &loader, &err) ||
        !dataset_reader_open(&arena, dsn, shard, &reader, &err))
        return fail(&err);
    bool ok = load(loader, reader, &err);
    if (!loader_finish(loader, &totals, &err) || !ok)
        return fail(&err);
    Duration loaded = time_monotonic();
    if (argc == 4 && !coverage_refresh(dsn, shard, &err))
        return fail(&err);
    (void)printf("%lld records, loaded in %.2f s, coverage in %.2f s\n", (long long)totals.records,
                 (double)(loaded - start) / 1e6, (double)(time_monotonic() - loaded) / 1e6);
    return 0;
}
