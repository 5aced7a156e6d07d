/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/magic_look.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/os.h"
#include "catalog/walk.h"
#include "test/check.h"

static char top[] = "/tmp/strata-magic-test-XXXXXX";

#define BYTES(literal)                 \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

/* As little of each as has to be there. */
static const struct {
    Str head;
    const char *format, *mime, *detail;
} files[] = {
    {BYTES("\211HDF\r\n\032\n"), "hdf5", "application/x-hdf5", ""},
    {BYTES("\211HDF\r\n\032\n....._NCProperties..."), "hdf5", "application/x-hdf5", "netcdf-4"},
    {BYTES("CDF\001"), "netcdf", "application/x-netcdf", "classic"},
    {BYTES("CDF\002"), "netcdf", "application/x-netcdf", "64-bit offset"},
    {BYTES("CDF\005"), "netcdf", "application/x-netcdf", "64-bit data"},
    {BYTES("SIMPLE  =                    T / conforms"), "fits", "application/fits", ""},
    {BYTES("II*\0\010\0\0\0\001\0\377\0\004\0\001\0\0\0\0\0\0\0"), "tiff", "image/tiff", ""},
    {BYTES("II*\0\010\0\0\0\001\0\257\207\003\0\001\0\0\0\0\0\0\0"), "geotiff", "image/tiff", ""},
    {BYTES("MM\0*\0\0\0\010\0\001\207\257\0\003\0\0\0\001\0\0\0\0"), "geotiff", "image/tiff", ""},
    {BYTES(
         "II+\0\010\0\0\0\020\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0\257\207\003\0\001\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     "geotiff", "image/tiff", "bigtiff"},
    {BYTES("GRIB\0\0\0\002"), "grib", "application/wmo-grib", "edition 2"},
    {BYTES("GRIB\0\0\0\001"), "grib", "application/wmo-grib", "edition 1"},
    {BYTES("BUFR\0\0\0\004"), "bufr", "application/wmo-bufr", "edition 4"},
    {BYTES("\223NUMPY\001\0"), "npy", "application/x-npy", ""},
    {BYTES("PAR1"), "parquet", "application/vnd.apache.parquet", ""},
    {BYTES("ARROW1\0\0"), "arrow", "application/vnd.apache.arrow.file", ""},
    {BYTES("Obj\001"), "avro", "application/avro", ""},
    {BYTES("\211PNG\r\n\032\n"), "png", "image/png", ""},
    {BYTES("\0\0\0\014jP  \r\n\207\n"), "jp2", "image/jp2", ""},
    {BYTES("RIFF\0\0\0\0WEBP"), "webp", "image/webp", ""},
    {BYTES("\037\213\010\0"), "gzip", "application/gzip", ""},
    {BYTES("BZh91AY&SY"), "bzip2", "application/x-bzip2", ""},
    {BYTES("%PDF-1.7\n"), "pdf", "application/pdf", "1.7"},
    {BYTES("\177ELF\002\001\001\0\0\0\0\0\0\0\0\0\003\0"), "elf", "application/x-sharedlib",
     "64-bit shared object"},
    {BYTES("\177ELF\001\002\001\0\0\0\0\0\0\0\0\0\0\002"), "elf", "application/x-executable",
     "32-bit executable"},
    {BYTES("PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\005\0\0\0a.npy"), "npz",
     "application/x-npz", ""},
    {BYTES("PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\005\0\0\0\005\0\0\0a.txt"), "zip",
     "application/zip", ""},
    {BYTES(
         "PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\024\0\0\0\024\0\0\0\010\0\0\0mimetypeapplication/epub+zipPK"),
     "epub", "application/epub+zip", ""},
};

static void the_first_bytes_tell_the_format(void)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        MagicSignature found;

        bool ok = magic_signature_match(files[i].head, &found);
        CHECK(ok);
        if (!ok || strcmp(found.format, files[i].format) != 0 || strcmp(found.mime, files[i].mime) != 0 ||
            strcmp(found.detail, files[i].detail) != 0) {
            printf("# row %zu: %s %s %s\n", i, found.format, found.mime, found.detail);
            check_bad++;
        }
    }
}

static void what_only_begins_alike_is_not_taken(void)
{
    static const Str heads[] = {BYTES(""),
                                BYTES("C"),
                                BYTES("CDF"),
                                BYTES("CDF\003"),
                                BYTES("GRIB"),
                                BYTES("GRIB of many words"),
                                BYTES("SIMPLE  = text, not FITS       "),
                                BYTES("II*\0\0\0\0\0"),
                                BYTES("BZh01AY&SY"),
                                BYTES("AVI LIST") /* would be WEBP's place */,
                                BYTES("\0\0\047\n text"),
                                BYTES("plain text")};

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        MagicSignature found;

        CHECK(!magic_signature_match(heads[i], &found));
    }
}

static void signatures_behind_other_bytes_are_found(void)
{
    char head[MAGIC_HEAD_BYTES] = {0};
    MagicSignature found;

    memcpy(head + 257, "ustar", 5);
    CHECK(magic_signature_match((Str){head, 512}, &found) && strcmp(found.format, "tar") == 0);
    CHECK(!magic_signature_match((Str){head, 261}, &found));
    for (size_t at = 512; at <= 4096; at *= 2) {
        memset(head, 0, sizeof head);
        memcpy(head + at, "\211HDF\r\n\032\n", 8);
        CHECK(magic_signature_match((Str){head, sizeof head}, &found) && strcmp(found.format, "hdf5") == 0);
        CHECK(strstr(found.detail, "user block"));
    }
    memset(head, 0, sizeof head);
    memcpy(head, "SQLite format 3", 16);
    CHECK(magic_signature_match((Str){head, 100}, &found) && strcmp(found.format, "sqlite") == 0);
    memcpy(head + 68, "GPKG", 4);
    CHECK(magic_signature_match((Str){head, 100}, &found) && strcmp(found.format, "geopackage") == 0);
    memset(head, 0, sizeof head);
    memcpy(head, "\0\0\047\n", 4);
    memcpy(head + 28, "\350\003\0\0\005\0\0\0", 8);
    CHECK(magic_signature_match((Str){head, 100}, &found) && strcmp(found.format, "shapefile") == 0);
    CHECK(strcmp(found.detail, "polygon") == 0);
}

/* Makes a file and looks at it; the record, or the error's name. */
static Str record_of(Arena *arena, MagicReader *reader, const char *name, Str content)
{
    Err err = {0};
    Str path = str_printf(arena, "%s/%s", top, name);
    MagicFacts facts;
    BUF_SCOPE(json);
    FD_SCOPE(dir);
    FD_SCOPE(fd);

    CHECK(os_write_file(path.ptr, content, 0644, &err));
    dir = os_open(top, O_RDONLY | O_DIRECTORY, 0);
    CHECK(walk_open_file(dir, str_from_z(name), &fd, &err));
    if (!magic_look(reader, fd, &facts, &err))
        return str_from_z(err_name(err.code));
    magic_put_json(&json, &facts);
    return str_copy(arena, buf_str(&json));
}

static void records_say_who_knew_it(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    MagicReader *both, *table;

    CHECK(magic_reader_new(&arena, true, &both, &err));
    CHECK(magic_reader_new(&arena, false, &table, &err));
    CHECK(str_eq_z(
        record_of(&arena, table, "a", STR("CDF\001")),
        "{\"mime\":\"application/x-netcdf\",\"format\":\"netcdf\",\"detail\":\"classic\",\"source\":\"signature\"}"));
    CHECK(str_eq_z(record_of(&arena, both, "a", STR("#!/bin/sh\necho gr\xc3\xbc\xc3\x9f\n")),
                   "{\"mime\":\"text/x-shellscript\",\"source\":\"libmagic\",\"encoding\":\"utf-8\"}"));
    CHECK(str_eq_z(record_of(&arena, table, "a", STR("just text\n")), "NOT_FOUND"));
    CHECK(str_eq_z(record_of(&arena, table, "a", STR("")),
                   "{\"mime\":\"inode/x-empty\",\"format\":\"empty\",\"source\":\"signature\"}"));
}

static void a_tiff_directory_is_found_wherever_it_stands(void)
{
    enum { AT = 100000 };
    ARENA_SCOPE(arena);
    Err err = {0};
    MagicReader *reader;
    char *tiff = arena_new(&arena, char, AT + 200);

    memcpy(tiff, "II*\0\240\206\001\0", 8); /* 100000 */
    memcpy(tiff + AT, "\001\0\257\207\003\0\001\0\0\0\0\0\0\0", 14);
    CHECK(magic_reader_new(&arena, false, &reader, &err));
    CHECK(strstr(record_of(&arena, reader, "t", (Str){tiff, AT + 14}).ptr, "\"format\":\"geotiff\""));
    CHECK(strstr(record_of(&arena, reader, "t", (Str){tiff, AT - 1}).ptr, "\"format\":\"tiff\""));
}

static void pipes_and_devices_are_never_waited_for(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    FD_SCOPE(dir);
    int fd = -1;

    CHECK(mkfifo(str_printf(&arena, "%s/fifo", top).ptr, 0600) == 0);
    CHECK(symlink("/etc/passwd", str_printf(&arena, "%s/link", top).ptr) == 0);
    dir = os_open(top, O_RDONLY | O_DIRECTORY, 0);
    CHECK(!walk_open_file(dir, STR("fifo"), &fd, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!walk_open_file(dir, STR("missing"), &fd, &err) && err.code == ERR_NOT_FOUND);
    CHECK(!strstr(err.text, "missing")); /* who asks knows the whole path, not only what is below `dir` */
    CHECK(!walk_open_file(dir, STR("link"), &fd, &err) && fd == -1);
    CHECK(!walk_open_file(AT_FDCWD, STR("/dev/null"), &fd, &err) && err.code == ERR_NOT_FOUND);
}

typedef struct Looker {
    bool ok;
} Looker;

static void *look_many(void *arg)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    MagicReader *reader;
    Looker *looker = arg;
    FD_SCOPE(fd);

    if (!magic_reader_new(&arena, true, &reader, &err) ||
        !walk_open_file(AT_FDCWD, STR("/etc/passwd"), &fd, &err))
        return NULL;
    looker->ok = true;
    for (int i = 0; i < 20; i++) {
        MagicFacts facts;

        looker->ok = looker->ok && magic_look(reader, fd, &facts, &err) && str_eq_z(facts.mime, "text/plain");
    }
    return NULL;
}

static void each_thread_has_a_reader_of_its_own(void)
{
    pthread_t threads[3];
    Looker lookers[COUNT_OF(threads)] = {{0}};

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, look_many, &lookers[i]) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0 && lookers[i].ok);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    RUN(the_first_bytes_tell_the_format);
    RUN(what_only_begins_alike_is_not_taken);
    RUN(signatures_behind_other_bytes_are_found);
    RUN(records_say_who_knew_it);
    RUN(a_tiff_directory_is_found_wherever_it_stands);
    RUN(pipes_and_devices_are_never_waited_for);
    RUN(each_thread_has_a_reader_of_its_own);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
