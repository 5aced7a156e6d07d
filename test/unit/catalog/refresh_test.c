/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/refresh.h"

#include <fcntl.h>

#include "catalog/crawl.h"
#include "catalog/ingest.h"
#include "test/unit/catalog/shards.h"

/* All that is derived, as one text: numbers that only tell rows apart are left out. */
static const char derived[] =
    "select 'file ' || (to_jsonb(f) - 'fi_ingested')::text t from files f union all select 'directory ' || (to_jsonb(d) - 'di_ingested')::text from directories d "
    "union all select 'link ' || (to_jsonb(l) - 'li_ingested')::text from links l "
    "union all select 'dataset ' || concat_ws('|', po_hash, ds_parent, ds_no, po_stamps, po_name, po_pixel_x, po_pixel_y, po_polygon, ds_srs, "
    "ds_axes, ds_name, ds_west, ds_south, ds_east, ds_north, ds_json) from datasets "
    "union all select 'cell ' || concat_ws('|', ce_key, ce_max, ce_min, po_hash, ds_no) from cells join datasets on ds_id = ce_dataset "
    "union all select 'level ' || concat_ws('|', le_name, le_time, le_space, le_count) from levels where le_count > 0 "
    "union all select 'coverage ' || concat_ws('|', co_dir, co_name, co_count, co_stamps) from coverage";

/* Keeps the rows in a table, to be compared. */
static void keep(const char *table)
{
    ARENA_SCOPE(scratch);
    Err err = {0};

    CHECK(db_script(shards_db,
                    str_printf(&scratch, "drop table if exists public.%s; create table public.%s as %s",
                               table, table, derived)
                        .ptr,
                    &err));
}

/* Rows of one table that the other has not; some are shown. */
static bool same(const char *one, const char *other)
{
    ARENA_SCOPE(scratch);
    Str query = str_printf(
        &scratch,
        "select string_agg('%s only: ' || t, E'\\n# ') from (select t from public.%s except all select t "
        "from public.%s limit 3) x",
        one, one, other);
    Str rows = shards_ask(query.ptr);

    if (rows.len)
        printf("# %.*s\n", STR_ARG(rows));
    return rows.len == 0;
}

static void ingest(const char *text)
{
    Err err = {0};
    IngestTotals totals;
    const char *path = pg_path("/lines");
    FD_SCOPE(fd);

    CHECK(os_write_file(path, str_from_z(text), 0600, &err));
    fd = os_open(path, O_RDONLY, 0);
    CHECK(ingest_file(&(IngestOptions){.conninfo = shards_dsn, .shard = STR("r")}, fd, &totals, &err));
    if (totals.rejected)
        printf("# %lld rejected\n", (long long)totals.rejected);
    CHECK(totals.rejected == 0);
}

static unsigned random_state = 12345;

static unsigned next_random(unsigned below)
{
    random_state = random_state * 1103515245 + 12345;
    return random_state / 65536 % below;
}

/* A line about one of a few paths: files, directories, links, datasets, magic, removals, renames. */
static void put_random_line(Buf *out)
{
    static const char *const dirs[] = {"/r", "/r/a", "/r/a/b", "/r/c", "/r/c/d/e"};
    const char *dir = dirs[next_random(COUNT_OF(dirs))];
    unsigned name = next_random(6), kind = next_random(18);

    if (kind < 6)
        buf_printf(out, "%s/f%u\tposix\t{\"type\":\"file\",\"size\":%u,\"mtime\":%u,\"user\":\"u%u\"}\n", dir,
                   name, next_random(1000), next_random(9), next_random(3));
    else if (kind == 6)
        buf_printf(out, "%s\tposix\t{\"type\":\"directory\",\"mode\":\"drwxr-x---\",\"uid\":%u}\n", dir,
                   next_random(5));
    else if (kind == 7)
        buf_printf(out, "%s/f%u\tposix\t{\"type\":\"link\",\"target\":\"x%u\"}\n", dir, name, next_random(3));
    else if (kind == 8)
        buf_printf(out, "%s/f%u\tmagic\t{\"mime\":\"text/plain\",\"format\":\"k%u\"}\n", dir, name,
                   next_random(3));
    else if (kind < 13)
        buf_printf(
            out,
            "%s/f%u\tgdal\t{\"geo_metadata\":[{\"namespace\":\"n%u\",\"timestamps\":[\"20%02u-01-01T00:00:00Z\"],\"polygon\":"
            "\"POLYGON ((%u 0,%u 9,30 9,30 0,%u 0))\",\"proj4\":\"+proj=longlat +datum=WGS84 +no_defs \"}]}\n",
            dir, name, next_random(3), next_random(90) + 10, kind, kind, kind);
    else if (kind == 13)
        buf_printf(out, "%s/f%u\t-deleted\t{}\n", dir, name);
    else if (kind == 14)
        buf_printf(out, "%s\t-deleted\t{}\n", dirs[1 + next_random(COUNT_OF(dirs) - 1)]);
    else if (kind == 15)
        buf_printf(out, "%s/f%u\t-renamed\t{\"from\":\"%s/f%u\"}\n", dir, name,
                   dirs[next_random(COUNT_OF(dirs))], next_random(6));
    else if (kind == 16) /* a directory, perhaps to where a file is */
        buf_printf(out, "/r/%s\t-renamed\t{\"from\":\"%s\"}\n", next_random(2) ? "c/d" : "f0",
                   dirs[1 + next_random(2)]);
    else /* and back */
        buf_printf(out, "/r/a\t-renamed\t{\"from\":\"/r/%s\"}\n", next_random(2) ? "c" : "f0");
}

static void what_is_kept_current_is_what_a_full_refresh_makes(void)
{
    enum { ROUNDS = 6, LINES = 60 };

    shards_new("r", "/r");
    for (int round = 0; round < ROUNDS; round++) {
        BUF_SCOPE(text);
        RefreshTotals totals;
        Err err = {0};

        for (int i = 0; i < LINES; i++)
            put_random_line(&text);
        buf_put_byte(&text, '\0');
        ingest(text.ptr);
        keep("kept");
        bool ok = refresh_full(shards_dsn, STR("r"), NULL, &totals, &err);
        if (!ok)
            printf("# %s\n", err.text);
        CHECK(ok && totals.refused == 0);
        keep("made");
        CHECK(same("kept", "made"));
        CHECK(same("made", "kept"));
    }
    CHECK_ASK("select count(*) > 0 from datasets", "t");
}

/* As shards were before posix records became columns. */
static void a_refresh_makes_columns_of_records_that_were_kept_as_json(void)
{
    RefreshTotals totals;
    Err err = {0};

    shards_new("old", "/o");
    CHECK(db_script(
        shards_db,
        "insert into paths (pa_hash, pa_type, pa_path, pa_parents) select md5(p)::uuid, t::path_type, p, a "
        "from (values ('/o', 'directory', '{}'), ('/o/f', 'file', array[md5('/o')::uuid])) v (p, t, a);"
        "insert into directories (di_hash, di_name) values (md5('/o')::uuid, 'o');"
        "insert into files (fi_hash, fi_parent, fi_name, fi_size) values (md5('/o/f')::uuid, md5('/o')::uuid, 'f', 5);"
        "insert into records (md_hash, md_type, md_json) select pa_hash, 'posix', jsonb_build_object('type', "
        "pa_type, 'size', 5, 'mtime', 7) from paths",
        &err));
    CHECK(refresh_full(shards_dsn, STR("old"), NULL, &totals, &err) && totals.refused == 0);
    CHECK_ASK("select count(*) from records", "0");
    CHECK_ASK(
        "select string_agg(md_json::text, ' ' order by md_json) from metadata",
        "{\"size\": 5, \"type\": \"directory\", \"mtime\": 7} {\"size\": 5, \"type\": \"file\", \"mtime\": 7}");
    CHECK_ASK("select di_count || ' ' || di_size from directories", "1 5");
}

int main(void)
{
    shards_start();
    RUN(a_refresh_makes_columns_of_records_that_were_kept_as_json);
    RUN(what_is_kept_current_is_what_a_full_refresh_makes);
    DONE();
}
