/* SPDX-License-Identifier: Apache-2.0 */
/* The pool with the real extractor, on HDF5 that no netCDF library wrote. */
#include <fcntl.h>
#include <hdf5.h>
#include <limits.h>
#include <netcdf.h>
#include <unistd.h>

#include "base/os.h"
#include "catalog/extract.h"
#include "test/check.h"

static char top[] = "/tmp/strata-extract-XXXXXX";

typedef struct Seen {
    int found, none, failed, killed;
    char record[16384];
    char problem[512];
} Seen;

static bool keep(void *ctx, const ExtractAnswer *answer, Err *err)
{
    Seen *seen = ctx;

    (void)err;
    seen->found += answer->outcome == EXTRACT_FOUND;
    seen->none += answer->outcome == EXTRACT_NO_DATA;
    seen->failed += answer->outcome == EXTRACT_FAILED;
    seen->killed += answer->outcome == EXTRACT_KILLED;
    (void)snprintf(seen->record, sizeof seen->record, "%.*s", STR_ARG(answer->record));
    (void)snprintf(seen->problem, sizeof seen->problem, "%.*s", STR_ARG(answer->problem));
    return true;
}

static Seen read_files(const ExtractOptions *base, const char *const *names)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Seen seen = {0};
    ExtractPool *pool = NULL;
    ExtractOptions options = *base;

    options.done = keep;
    options.ctx = &seen;
    options.workers = 2;
    if (!extract_open(&arena, &options, &pool, &err)) {
        printf("# %s\n", err.text);
        CHECK(false);
        return seen;
    }
    for (; *names; names++)
        CHECK(extract_submit(pool, str_printf(&arena, "%s/%s", top, *names), NULL, &err));
    CHECK(extract_drain(pool, &err));
    extract_close(pool);
    return seen;
}

static void put_set(hid_t group, const char *name, int rank)
{
    const hsize_t size[] = {2, 3, 4};
    hid_t space = H5Screate_simple(rank, size + 3 - rank, NULL);
    hid_t set = H5Dcreate2(group, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    CHECK(set >= 0);
    (void)H5Dclose(set);
    (void)H5Sclose(space);
}

static void plain_hdf5_gives_a_dataset_for_each_array(void)
{
    static const char *const names[] = {"plain.h5", NULL};
    ARENA_SCOPE(arena);
    hid_t file =
        H5Fcreate(str_printf(&arena, "%s/plain.h5", top).ptr, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "science", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    Seen seen;

    put_set(file, "flat", 2);
    put_set(group, "deep", 3);
    (void)H5Gclose(group);
    (void)H5Fclose(file);
    seen = read_files(&(ExtractOptions){0}, names);
    CHECK(seen.found == 1 && strstr(seen.record, "\"file_type\":\"HDF5\""));
    CHECK(strstr(
        seen.record,
        "plain.h5\\\"://flat\",\"namespace\":\"//flat\",\"array_type\":\"Float32\",\"raster_count\":1"));
    CHECK(strstr(seen.record,
                 "\"namespace\":\"//science/deep\",\"array_type\":\"Float32\",\"raster_count\":2"));
    CHECK(strstr(seen.record, "\"x_size\":4,\"y_size\":3") &&
          strstr(seen.record, "\"polygon\":\"POLYGON EMPTY\""));
}

static void put_netcdf(const char *path)
{
    int file = -1, dims[2] = {-1, -1}, var = -1;

    CHECK(nc_create(path, NC_CLOBBER, &file) == NC_NOERR);
    CHECK(nc_def_dim(file, "y", 3, &dims[0]) == NC_NOERR && nc_def_dim(file, "x", 4, &dims[1]) == NC_NOERR);
    CHECK(nc_def_var(file, "rain", NC_FLOAT, 2, dims, &var) == NC_NOERR && nc_close(file) == NC_NOERR);
}

/* A count of dimensions of 2147483650: netCDF 4.9.0 runs off its memory. Later versions may refuse the file. */
static void a_file_that_crashes_the_netcdf_library_costs_only_itself(void)
{
    static const char *const names[] = {"whole.nc", "crash.nc", "whole.nc", "crash.nc", "whole.nc", NULL};
    ARENA_SCOPE(arena);
    Str whole = str_printf(&arena, "%s/whole.nc", top), crash = str_printf(&arena, "%s/crash.nc", top);
    int fd;
    Seen seen;

    put_netcdf(whole.ptr);
    put_netcdf(crash.ptr);
    fd = os_open(crash.ptr, O_WRONLY, 0);
    CHECK(fd >= 0 && pwrite(fd, "\x80", 1, 12) == 1);
    os_close(&fd);
    seen = read_files(&(ExtractOptions){0}, names);
    CHECK(seen.found == 3 && seen.failed == 2);
}

static const char *const mixed[] = {"plain.h5", "text", "plain.h5", "text", "plain.h5", "text", NULL};

static Seen read_with(const char *fault)
{
    Seen seen;

    (void)setenv("STRATA_FAULT", fault, 1);
    seen = read_files(&(ExtractOptions){0}, mixed);
    (void)unsetenv("STRATA_FAULT");
    return seen;
}

static void killed_extractors_cost_no_file(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Seen seen;

    CHECK(os_write_file(str_printf(&arena, "%s/text", top).ptr, STR("words"), 0600, &err));
    seen = read_with("extract_record:2:kill"); /* every process dies at its second file */
    CHECK(seen.found == 3 && seen.none == 3);
}

static void nothing_is_known_of_a_file_whose_readers_are_killed(void)
{
    Seen seen = read_with("extract_record:1:kill");

    CHECK(seen.killed == 6);
    CHECK(strstr(seen.problem, "the reader of this file crashed (Killed)"));
}

static void too_little_memory_to_start_is_told_when_the_pool_is_opened(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    ExtractPool *pool = NULL;
    Seen seen = {0};
    ExtractOptions options = {.done = keep, .ctx = &seen, .workers = 1, .memory = 1 << 20};

    CHECK(!extract_open(&arena, &options, &pool, &err) && err.code == ERR_IO);
}

static void bad_rules_are_told_when_the_pool_is_opened(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    ExtractPool *pool = NULL;
    Str rules = str_printf(&arena, "%s/rules.json", top);
    Seen seen = {0};
    ExtractOptions options = {.done = keep, .ctx = &seen, .rules = rules.ptr};

    CHECK(os_write_file(rules.ptr, STR("{\"rule_sets\": [{\"pattern\": \"(\"}]}"), 0600, &err));
    CHECK(!extract_open(&arena, &options, &pool, &err) && err.code == ERR_CONFIG);
    CHECK(strstr(err.text, "rules.json: rule set 1"));
}

/* build/test/this -> build/strata-extract */
static bool find_extractor(void)
{
    char self[PATH_MAX] = "";
    ARENA_SCOPE(arena);
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    Str dir = str_dir_name(str_dir_name((Str){self, n > 0 ? (size_t)n : 0}));

    return setenv("STRATA_EXTRACT", str_printf(&arena, "%.*s/strata-extract", STR_ARG(dir)).ptr, 1) == 0;
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(top) || !find_extractor())
        return 1;
    RUN(plain_hdf5_gives_a_dataset_for_each_array);
    RUN(a_file_that_crashes_the_netcdf_library_costs_only_itself);
    RUN(killed_extractors_cost_no_file);
    RUN(nothing_is_known_of_a_file_whose_readers_are_killed);
    RUN(too_little_memory_to_start_is_told_when_the_pool_is_opened);
    RUN(bad_rules_are_told_when_the_pool_is_opened);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
