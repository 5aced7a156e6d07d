/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/grib.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"

/* A message while groups are ordered. */
typedef struct Message {
    int band;
    Instant time;
    double level;
} Message;

static Str item(GDALRasterBandH band, const char *key)
{
    return str_trim(str_from_z(GDALGetMetadataItem(band, key, NULL)));
}

/* "50000-ISBL" or "2-HTGL" or "0-SFC": the number and the kind. */
static void read_level(GDALRasterBandH band, double *level, Str *kind)
{
    Str text = item(band, "GRIB_SHORT_NAME"), number;
    Str rest = str_cut(text, '-', &number);

    *level = NAN;
    *kind = rest.len > 0 ? rest : text;
    (void)str_to_double(number, level);
}

/* "1583000000", or "  1583000000 sec UTC" as older readers of GDAL write */
static bool read_time(GDALRasterBandH band, Instant *out)
{
    Str text = item(band, "GRIB_VALID_TIME"), number;
    int64_t seconds;

    (void)str_cut(text, ' ', &number);
    if (!str_to_int64(number, &seconds) || llabs(seconds) > 253402300799)
        return false;
    *out = seconds * SECONDS(1);
    return true;
}

static int by_time_and_level(const void *left, const void *right)
{
    const Message *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return a->band - b->band;
}

/* Orders the messages by time and level, if they are all the combinations of some times with some levels. */
static void make_table(GribSet *set)
{
    ARENA_SCOPE(scratch);
    Message *sorted = arena_new(&scratch, Message, set->len);
    size_t levels = 1;

    for (size_t i = 0; i < set->len; i++)
        sorted[i] = (Message){set->bands[i], set->times[i], set->has_levels ? set->levels[i] : 0};
    qsort(sorted, set->len, sizeof *sorted, by_time_and_level);
    while (levels < set->len && sorted[levels].time == sorted[0].time)
        levels++;
    for (size_t i = 0; i < set->len; i++) {
        bool same_time = sorted[i].time == sorted[i - i % levels].time;
        bool new_time = i % levels != 0 || i == 0 || sorted[i].time > sorted[i - 1].time;

        if (set->len % levels != 0 || !same_time || !new_time ||
            sorted[i].level != sorted[i % levels].level ||
            (i % levels > 0 && sorted[i].level == sorted[i - 1].level))
            return;
    }
    for (size_t i = 0; i < set->len; i++) {
        set->bands[i] = sorted[i].band;
        set->times[i / levels] = sorted[i].time;
        set->levels[i % levels] = sorted[i].level;
    }
    set->times_len = set->len / levels;
    set->levels_len = levels;
    set->table = true;
}

GribSet *grib_sets(Arena *arena, GDALDatasetH ds)
{
    ARENA_SCOPE(scratch);
    Map known = {0};
    GribSet *first = NULL, **last = &first;
    int n = GDALGetRasterCount(ds);

    for (int b = 1; b <= n; b++) {
        GDALRasterBandH band = GDALGetRasterBand(ds, b);
        Str element = item(band, "GRIB_ELEMENT"), kind;
        double level;
        Instant time = 0;
        bool has_time = read_time(band, &time);
        GribSet *set;
        void **slot;

        read_level(band, &level, &kind);
        slot =
            map_slot(&known, &scratch, str_printf(&scratch, "%.*s\n%.*s", STR_ARG(element), STR_ARG(kind)));
        if (!*slot) {
            *slot = set = arena_new(arena, GribSet, 1);
            *set = (GribSet){.element = str_copy(arena, element), .kind = str_copy(arena, kind)};
            set->has_times = set->has_levels = true;
            set->bands = arena_new(arena, int, (size_t)(n - b) + 1);
            set->times = arena_new(arena, Instant, (size_t)(n - b) + 1);
            set->levels = arena_new(arena, double, (size_t)(n - b) + 1);
            *last = set;
            last = &set->next;
        }
        set = *slot;
        set->has_times = set->has_times && has_time;
        set->has_levels = set->has_levels && !isnan(level);
        set->times[set->len] = time;
        set->levels[set->len] = level;
        set->bands[set->len++] = b;
    }
    for (GribSet *set = first; set; set = set->next)
        if (set->has_times)
            make_table(set);
    return first;
}

GDALDatasetH grib_open(Arena *arena, Str path, const GribSet *set, Str *name)
{
    BUF_SCOPE(out);

    buf_printf(&out, "vrt://%.*s?bands=", STR_ARG(path));
    for (size_t i = 0; i < set->len; i++)
        buf_printf(&out, "%s%d", i > 0 ? "," : "", set->bands[i]);
    *name = str_copy(arena, buf_str(&out));
    return GDALOpenEx(name->ptr, GDAL_OF_READONLY | GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, NULL, NULL, NULL);
}

void grib_describe(Arena *arena, const GribSet *grib, RecordSet *set)
{
    size_t axes = grib->table ? (grib->levels_len > 1 ? 2 : 1) : 0;

    set->raster_count = (int64_t)grib->len;
    if (!grib->has_times)
        return;
    set->stamps = grib->times;
    set->stamps_len = grib->table ? grib->times_len : grib->len;
    set->axes_len = axes;
    set->axes = arena_new(arena, RecordAxis, axes);
    if (axes > 0)
        set->axes[0] = (RecordAxis){.name = STR("time"),
                                    .grid = STR("default"),
                                    .shape = record_int(arena, (int64_t)grib->times_len),
                                    .strides = record_int(arena, (int64_t)grib->levels_len)};
    if (axes > 1)
        set->axes[1] = (RecordAxis){.name = STR("level"),
                                    .grid = STR("enum"),
                                    .params = {grib->levels, grib->levels_len},
                                    .shape = record_int(arena, (int64_t)grib->levels_len),
                                    .strides = record_int(arena, 1)};
}
