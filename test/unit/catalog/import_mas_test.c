/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/import_mas.h"

#include "test/unit/catalog/shards.h"

/* The original's tables, as far as anything is read of them (its schema.sql and shard.sql). */
static const char schema[] = "create table public.shards (sh_code text unique, sh_path text unique);"
                             "create type public.path_type as enum ('file', 'directory', 'link');";

#define SHARD(code, path)                                                                                 \
    "create schema " code "; insert into public.shards values ('" code "', '" path "');"                  \
    "create table " code ".paths (pa_hash uuid primary key, pa_ingested timestamptz default now(), "      \
    "  pa_type public.path_type, pa_path text, pa_parents uuid[]);"                                       \
    "create table " code ".metadata (md_hash uuid, md_ingested timestamptz default now(), md_type text, " \
    "  md_json jsonb, unique (md_hash, md_type));"

static const char rows_1[] =
    "create table xx1.ows_cache (query_id uuid primary key, value jsonb);"
    "insert into xx1.ows_cache values (md5('q')::uuid, '{\"a\": 1}');"
    "create function pg_temp.put(path text, type text, json jsonb) returns void language sql as $$"
    "  insert into xx1.paths (pa_hash, pa_path) values (md5(path)::uuid, path) on conflict do nothing;"
    "  insert into xx1.metadata (md_hash, md_type, md_json) select md5(path)::uuid, type, json where type is not null $$;"
    "select pg_temp.put('/g/xx1/d', 'posix', '{\"type\": \"directory\", \"mode\": \"drwxr-x---\"}'),"
    "       pg_temp.put('/g/xx1/d/a.nc', 'posix', '{\"size\": 10, \"mtime\": \"2015-02-22T10:48:49Z\"}'),"
    "       pg_temp.put('/g/xx1/d/a.nc', 'gdal', '{\"filename\": \"/g/xx1/d/a.nc\", \"file_type\": \"netCDF\", "
    "\"geo_metadata\": [{\"ds_name\": \"NETCDF:a.nc:red\", \"namespace\": \"red\", \"array_type\": \"Int16\", "
    "\"proj_wkt\": \"\", \"proj4\": \"\", \"geotransform\": [0, 1, 0, 0, 0, -1], \"x_size\": 2, \"y_size\": 2, "
    "\"polygon\": \"POLYGON ((0 0,2 0,2 -2,0 -2,0 0))\", \"timestamps\": [\"2015-02-22T10:48:49Z\"]}]}'),"
    "       pg_temp.put('/g/xx1/e/bare', null, null),"
    "       pg_temp.put('/g/xx1/e/odd', 'posix', '{\"size\": \"big\"}'),"
    "       pg_temp.put('/g/xx1/e/array', 'note', '[1]'),"
    "       pg_temp.put('/g/xx12/other', 'note', '{}'),"
    "       pg_temp.put('/g/xx1/caf\xc3\xa9', 'netcdf', '{\"title\": \"\\\"\\u00e9\"}');";

static int rejected;

static void note_rejected(void *ctx, Str shard, Str path, Str type, const char *reason)
{
    (void)ctx;
    printf("# %.*s %.*s %.*s: %s\n", STR_ARG(shard), STR_ARG(path), STR_ARG(type), reason);
    rejected++;
}

static void make_old(void)
{
    pg_sql("postgres", "create database old");
    pg_sql("old", schema);
    pg_sql("old", SHARD("xx1", "/g/xx1"));
    pg_sql("old", rows_1);
    pg_sql("old", SHARD("xx2", "/g/xx2"));
    pg_sql(
        "old",
        "insert into xx2.paths (pa_hash, pa_path) select md5(p)::uuid, p from (select '/g/xx2/' || n p "
        "from generate_series(1, 50000) n) x;"
        "insert into xx2.metadata (md_hash, md_type, md_json) select pa_hash, t, '{\"size\": 1}' from xx2.paths, "
        "unnest('{posix,note}'::text[]) t");
}

static bool import(const Str *shards, size_t count, ImportTotals *totals, Err *err)
{
    rejected = 0;
    return import_mas(&(ImportOptions){.conninfo = shards_dsn,
                                       .from = pg_dsn("old"),
                                       .shards = shards,
                                       .shard_count = count,
                                       .reject = note_rejected},
                      totals, err);
}

static void takes_paths_records_and_cached_answers(void)
{
    ImportTotals totals;
    Err err = {0};

    bool ok = import(NULL, 0, &totals, &err);
    if (!ok)
        printf("# %s\n", err.text);
    CHECK(ok && totals.shards == 2 && totals.bare == 1 && totals.cached == 1);
    CHECK(totals.records == 4 + 100000 && rejected == 3 && totals.rejected == 3);
    CHECK(shard_use(shards_db, STR("xx1"), &err));
    CHECK_ASK(
        "select string_agg(pa_path || '=' || pa_type, ' ' order by pa_path collate \"C\") from paths",
        "/g/xx1=directory /g/xx1/caf\xc3\xa9=file /g/xx1/d=directory /g/xx1/d/a.nc=file /g/xx1/e=directory "
        "/g/xx1/e/bare=file");
    CHECK_ASK(
        "select string_agg(fi_name || coalesce(fi_size::text, '?'), ' ' order by fi_name collate \"C\") from files",
        "a.nc10 bare? caf\xc3\xa9?");
    CHECK_ASK("select po_name || po_stamps[1]::date from datasets", "red2015-02-22");
    CHECK_ASK("select md_json->>'title' from metadata where md_type = 'netcdf'", "\"\xc3\xa9");
    CHECK_ASK("select value from ows_cache where query_id = md5('q')::uuid", "{\"a\": 1}");
    CHECK_ASK("select di_mode || di_count from directories where di_name = 'd'", "drwxr-x---1");
    CHECK(shard_use(shards_db, STR("xx2"), &err));
    CHECK_ASK("select di_count || ' ' || di_size from directories where di_name = 'xx2'", "50000 50000");
    CHECK_ASK("select count(*) from metadata", "100000");
}

static void changes_nothing_when_done_again(void)
{
    static const Str only[] = {{"xx1", 3}};
    ImportTotals totals;
    Err err = {0};

    CHECK(import(NULL, 0, &totals, &err));
    CHECK(totals.added == 0 && totals.changed == 0 && totals.cached == 0);
    pg_sql("old",
           "insert into xx1.paths (pa_hash, pa_path) values (md5('/g/xx1/e/late')::uuid, '/g/xx1/e/late');"
           "update xx1.metadata set md_json = '{\"size\": 11}' where md_type = 'posix' and md_hash = "
           "md5('/g/xx1/d/a.nc')::uuid");
    CHECK(import(only, 1, &totals, &err));
    CHECK(totals.shards == 1 && totals.changed == 1);
    CHECK(shard_use(shards_db, STR("xx1"), &err));
    CHECK_ASK(
        "select string_agg(fi_name, ' ' order by fi_name) from files where fi_parent = md5('/g/xx1/e')::uuid",
        "bare late");
    CHECK_ASK("select di_count || ' ' || di_size from directories where di_name = 'xx1'", "4 11");
}

static void says_what_is_not_there(void)
{
    static const Str only[] = {{"a\"\\,b", 5}};
    ImportTotals totals;
    Err err = {0};

    CHECK(!import(only, 1, &totals, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!import_mas(&(ImportOptions){.conninfo = shards_dsn, .from = pg_dsn("postgres")}, &totals, &err));
    CHECK(err.code == ERR_NOT_FOUND);
    pg_sql("old", "update shards set sh_path = '/g/elsewhere' where sh_code = 'xx1'");
    CHECK(!import(NULL, 0, &totals, &err) && err.code == ERR_CONFLICT);
}

int main(void)
{
    shards_start();
    make_old();
    RUN(takes_paths_records_and_cached_answers);
    RUN(changes_nothing_when_done_again);
    RUN(says_what_is_not_there);
    DONE();
}
