/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/record.h"

#include <math.h>

#include "catalog/pathname.h"
#include "test/check.h"

static bool has(const Buf *json, const char *part)
{
    bool found = memmem(json->ptr, json->len, part, strlen(part)) != NULL;

    if (!found)
        printf("# '%s' is not in %.*s\n", part, STR_ARG(buf_str(json)));
    return found;
}

static void what_json_cannot_hold_is_null(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(json);
    Record record;
    RecordSet *set;
    RecordStats stats = {NAN, INFINITY, -INFINITY, NAN, 0};

    record_init(&record, &arena, STR("/a.tif"));
    set = record_add(&record, &arena);
    set->has_transform = true;
    set->transform[0] = NAN;
    set->nodata_kind = NODATA_DOUBLE;
    set->nodata = NAN;
    set->stats = &stats;
    set->stats_len = 1;
    record_put_json(&record, &json);
    CHECK(has(&json, "\"nodata\":null") && has(&json, "\"geotransform\":[null,0,0,0,0,0]"));
    CHECK(has(&json,
              "\"mins\":[null],\"maxs\":[null],\"means\":[null],\"stddevs\":[null],\"sample_counts\":[0]"));
}

static void no_data_of_zero_is_kept_and_whole_numbers_are_exact(void)
{
    static const struct {
        RecordNodata kind;
        double value;
        int64_t whole;
        const char *expected;
    } cases[] = {
        {NODATA_DOUBLE, 0, 0, "\"nodata\":0}"},
        {NODATA_DOUBLE, -9999.5, 0, "\"nodata\":-9999.5}"},
        {NODATA_INT, 0, INT64_MIN, "\"nodata\":-9223372036854775808}"},
        {NODATA_UINT, 0, -1, "\"nodata\":18446744073709551615}"},
        {NODATA_NONE, 5, 5, "\"proj4\":\"\"}"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(json);
        Record record;
        RecordSet *set;

        record_init(&record, &arena, STR("/a.tif"));
        set = record_add(&record, &arena);
        set->nodata_kind = cases[i].kind;
        set->nodata = cases[i].value;
        set->nodata_int = cases[i].whole;
        record_put_json(&record, &json);
        CHECK(has(&json, cases[i].expected));
    }
}

static void keys_without_a_value_are_left_out(void)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(json);
    Record record;

    record_init(&record, &arena, STR("/a.tif"));
    (void)record_add(&record, &arena);
    record_put_json(&record, &json);
    CHECK(
        has(&json,
            "{\"filename\":\"/a.tif\",\"file_type\":\"\",\"geo_metadata\":[{\"ds_name\":\"\",\"array_type\":"
            "\"\",\"raster_count\":0,\"timestamps\":[],\"x_size\":0,\"y_size\":0,\"geotransform\":null,"
            "\"polygon\":\"\",\"proj_wkt\":\"\",\"proj4\":\"\"}],\"posix_info\":{"));
}

static void times_of_the_file_have_nanoseconds(void)
{
    static const struct {
        struct timespec at;
        const char *expected;
    } cases[] = {
        {{0, 0}, "\"mtime\":\"1970-01-01T00:00:00Z\""},
        {{1, 500000000}, "\"mtime\":\"1970-01-01T00:00:01.5Z\""},
        {{1, 1}, "\"mtime\":\"1970-01-01T00:00:01.000000001Z\""},
        {{-1, 10}, "\"mtime\":\"1969-12-31T23:59:59.00000001Z\""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(json);
        Record record;

        record_init(&record, &arena, STR("/a"));
        record.st.st_mtim = cases[i].at;
        record.st.st_ino = UINT64_MAX;
        record_put_json(&record, &json);
        CHECK(has(&json, cases[i].expected) && has(&json, "\"inode\":18446744073709551615,"));
    }
}

/* The extractor may not include the catalogue, so it has its own; they must not differ. */
static void paths_are_escaped_as_the_catalogue_does(void)
{
    static const char *const parts[] = {
        "a",   "/",     "\t", "\n", "\x7f", "\xff",         "\xc3", "\xa9", "\\",   "\\x",
        "x41", "\\x5c", "4",  "g",  "é",    "\xed\xa0\x80", "\x01", "\xf0", "\x9f", "\\\\x4f"};

    for (size_t i = 0; i < COUNT_OF(parts) * COUNT_OF(parts) * COUNT_OF(parts); i++) {
        ARENA_SCOPE(arena);
        Str path = str_printf(&arena, "/%s%s%s", parts[i % COUNT_OF(parts)],
                              parts[i / COUNT_OF(parts) % COUNT_OF(parts)],
                              parts[i / COUNT_OF(parts) / COUNT_OF(parts)]);

        CHECK(str_eq(record_path(&arena, path), pathname_escape(&arena, path)));
    }
}

int main(void)
{
    RUN(what_json_cannot_hold_is_null);
    RUN(no_data_of_zero_is_kept_and_whole_numbers_are_exact);
    RUN(keys_without_a_value_are_left_out);
    RUN(times_of_the_file_have_nanoseconds);
    RUN(paths_are_escaped_as_the_catalogue_does);
    DONE();
}
