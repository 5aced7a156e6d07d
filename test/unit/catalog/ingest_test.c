/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/ingest.h"

#include <fcntl.h>
#include <zlib.h>

#include "test/unit/catalog/shards.h"

static Buf rejected;

static void note(void *ctx, int64_t line, Str path, const char *reason)
{
    (void)ctx;
    (void)path;
    buf_printf(&rejected, "%lld:%s\n", (long long)line, reason);
}

static IngestTotals ingest_bytes(const char *shard, Str bytes, ErrCode want)
{
    Err err = {0};
    IngestTotals totals;
    const char *path = pg_path("/crawl-file");
    FD_SCOPE(fd);

    CHECK(os_write_file(path, bytes, 0600, &err));
    fd = os_open(path, O_RDONLY, 0);
    buf_reset(&rejected);
    bool ok =
        ingest_file(&(IngestOptions){.conninfo = shards_dsn, .shard = str_from_z(shard), .reject = note}, fd,
                    &totals, &err);
    if (ok != (want == ERR_NONE) || (!ok && err.code != want))
        printf("# %s\n", err.text);
    CHECK(ok ? want == ERR_NONE : err.code == want);
    return totals;
}

static void bad_lines_are_told_by_number_and_the_rest_goes_in(void)
{
    static const char text[] = "/i/a\tposix\t{\"type\":\"file\",\"size\":1}\n"
                               "no tabs\n"
                               "/i/b\tposix\t{\"type\":\"file\",\n"
                               "/i/c\tposix\t{\"type\":\"file\",\"size\":\"x\"}\n"
                               "/elsewhere/d\tposix\t{}\n"
                               "relative\tposix\t{}\n"
                               "/i/../e\tposix\t{}\n"
                               "/i/f\tnote\t[1]\n"
                               "/i/g\tnote\t{\"a\":\"\\u0000\"}\n"
                               "\n"
                               "/i/h\tgdal\t{\"geo_metadata\":[{\"polygon\":\"POLYGON ((0 0,1 0\"}]}\n"
                               "/i/k\tgdal\t{\"geo_metadata\":[{\"timestamps\":[\"yesterday\"]}]}\n"
                               "/i//z/\tnote\t{\"ok\":true}\n"
                               "/i/last\tnote\t{}";
    shards_new("i", "/i");
    IngestTotals totals = ingest_bytes("i", STR(text), ERR_NONE);

    CHECK(totals.lines == 13 && totals.accepted == 3 && totals.rejected == 10);
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from paths", "/i /i/a /i/last /i/z");
    CHECK(rejected.len && strstr(str_to_z(&pg_arena, buf_str(&rejected)), "2:not three fields") != NULL);
    CHECK(strstr(str_to_z(&pg_arena, buf_str(&rejected)), "12:") != NULL);
}

static void the_originals_own_records_are_read(void)
{
    static const char text[] =
        "/i/p.nc\tposix\t{\"file_path\":\"/i/p.nc\",\"inode\":9223372036854775807,\"size\":7,\"mtime\":\"2021-03-04T05:06:07.89Z\","
        "\"ctime\":\"2021-03-04T05:06:07.89Z\",\"file_id\":\"x\"}\n"
        "/i/caf\xc3\xa9\tposix\t{\"type\":\"file\",\"size\":1}\n"
        "/i/latin\xe9\tposix\t{\"type\":\"file\",\"size\":1}\n";

    IngestTotals totals = ingest_bytes("i", STR(text), ERR_NONE);
    CHECK(totals.accepted == 3);
    CHECK_ASK("select fi_inode || ' ' || fi_mtime at time zone 'UTC' from files where fi_name = 'p.nc'",
              "9223372036854775807 2021-03-04 05:06:07.89");
    CHECK_ASK("select count(*) from paths where pa_path = E'/i/latin\\\\xe9' or pa_path = '/i/caf\xc3\xa9'",
              "2");
}

static void packed_files_are_read_in_parts(void)
{
    const char *path = pg_path("/packed.gz");
    BUF_SCOPE(bytes);
    Err err = {0};

    for (int part = 0; part < 3; part++) {
        gzFile file = gzopen(path, part ? "ab" : "wb");
        for (int i = 0; i < 5000; i++)
            (void)gzprintf(file, "/i/gz/%d/%d\tposix\t{\"type\":\"file\",\"size\":%d}\n", part, i, i);
        (void)gzclose(file);
    }
    CHECK(os_read_file(path, 10000000, &bytes, &err));
    CHECK(ingest_bytes("i", buf_str(&bytes), ERR_NONE).accepted == 15000);
    CHECK_ASK("select di_count || ':' || di_size from directories where di_name = 'gz'", "15000:37492500");
    CHECK(ingest_bytes("i", str_sub(buf_str(&bytes), 0, bytes.len - 100), ERR_CORRUPT).accepted > 10000);
    bytes.ptr[bytes.len / 2] ^= 0x55;
    (void)ingest_bytes("i", buf_str(&bytes), ERR_CORRUPT);
}

static void deletions_and_renames_are_taken_in_order(void)
{
    static const char text[] = "/i/r/a/x\tposix\t{\"type\":\"file\",\"size\":3}\n"
                               "/i/r/a/y\tposix\t{\"type\":\"file\",\"size\":4}\n"
                               "/i/r/a/y\t-deleted\t{}\n"
                               "/i/r/a/y\t-deleted\t{}\n"
                               "/i/r/a/y2\tposix\t{\"type\":\"file\",\"size\":5}\n"
                               "/i/s/b\t-renamed\t{\"from\":\"/i/r/a\"}\n"
                               "/i/s/b/in\t-renamed\t{\"from\":\"/i/s/b\"}\n"
                               "/i/s/b\t-renamed\t{\"from\":\"/i/s/b\"}\n"
                               "/i/r/a/x\tposix\t{\"type\":\"file\",\"size\":6}\n";

    IngestTotals totals = ingest_bytes("i", STR(text), ERR_NONE);
    CHECK(totals.accepted == 8 && totals.rejected == 1); /* what is moved into itself */
    CHECK_ASK("select string_agg(pa_path, ' ' order by pa_path) from paths where pa_path ~ '^/i/[rs]'",
              "/i/r /i/r/a /i/r/a/x /i/s /i/s/b /i/s/b/x /i/s/b/y2");
    CHECK_ASK(
        "select string_agg(di_name || ':' || di_count || ':' || di_size, ' ' order by di_name) from directories where "
        "di_name in ('r', 'a', 's', 'b')",
        "a:1:6 b:2:8 r:1:6 s:2:8");
    CHECK_ASK("select count(*) from paths where pa_hash <> md5(pa_path)::uuid", "0");
    CHECK_ASK(
        "select bool_and(pa_parents = array(select md5(x)::uuid from unnest(array['/i', '/i/s', '/i/s/b']) x)) from paths "
        "where pa_path in ('/i/s/b/x', '/i/s/b/y2')",
        "t");
}

static void datasets_come_with_their_place_and_time(void)
{
    static const char text[] =
        "/i/g.nc\tgdal\t{\"filename\":\"/i/g.nc\",\"geo_metadata\":[{\"ds_name\":\"D\",\"namespace\":\"red-1\","
        "\"timestamps\":[\"2015-02-22T10:48:49Z\",\"2015-03-22T10:48:49Z\"],\"geotransform\":[0,25,0,0,0,-25],"
        "\"polygon\":\"POLYGON ((150 -30,150 -31,151 -31,151 -30,150 -30))\",\"proj_wkt\":\"\",\"proj4\":\"+proj=longlat +datum=WGS84 +no_defs \"},"
        "{\"ds_name\":\"E\",\"namespace\":\"odd\",\"polygon\":\"POLYGON ((170 0,170 10,190 10,190 0,170 0))\","
        "\"proj4\":\"+proj=longlat +datum=WGS84 +no_defs \",\"proj_wkt\":\"\"}]}\n";

    CHECK(ingest_bytes("i", STR(text), ERR_NONE).accepted == 1);
    CHECK_ASK("select count(*) from polygons", "2");
    CHECK_ASK(
        "select po_pixel_x || ',' || po_pixel_y || ',' || array_length(po_stamps, 1) from polygons where po_name = 'red-1'",
        "25,-25,2");
    CHECK_ASK("select na_name from names join datasets on ds_name = na_id where po_name = 'red-1'", "red_1");
    CHECK_ASK("select ds_west || ' ' || ds_east from datasets where po_name = 'odd'", "170 -170");
    CHECK_ASK("select st_astext(po_polygon) || st_srid(po_polygon) from polygons where po_name = 'red-1'",
              "POLYGON((150 -30,150 -31,151 -31,151 -30,150 -30))100000");
    CHECK_ASK("select di_datasets from directories where di_name = 'i'", "2");
    CHECK_ASK("select (select sum(le_count) from levels) = (select count(*) from cells)", "t");
    CHECK(ingest_bytes("i", STR(text), ERR_NONE).changed == 0);
    CHECK_ASK("select count(*) from datasets", "2");
    CHECK(ingest_bytes("i", STR("/i/g.nc\tgdal\t{\"geo_metadata\":[]}\n"), ERR_NONE).changed == 1);
    CHECK_ASK(
        "select (select count(*) from datasets) + (select count(*) from cells) + (select sum(le_count) from levels)",
        "0");
}

int main(void)
{
    shards_start();
    RUN(bad_lines_are_told_by_number_and_the_rest_goes_in);
    RUN(the_originals_own_records_are_read);
    RUN(packed_files_are_read_in_parts);
    RUN(deletions_and_renames_are_taken_in_order);
    RUN(datasets_come_with_their_place_and_time);
    buf_release(&rejected);
    DONE();
}
