/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/metadata.h"

#include <cpl_string.h>

#include "extract/cf_time.h"

static Str item(GDALDatasetH ds, const char *key)
{
    return str_from_z(GDALGetMetadataItem(ds, key, NULL));
}

/* "{1,2.5,3}": the values of a dimension; false when one is no number. */
static bool read_list(Arena *arena, Str text, RecordDoubles *out)
{
    size_t n = 1;

    if (str_starts(text, STR("{")) && str_ends(text, STR("}")))
        text = str_sub(text, 1, text.len - 1);
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == ',';
    *out = (RecordDoubles){arena_new(arena, double, n), 0};
    while (text.len > 0) {
        Str value;

        text = str_cut(text, ',', &value);
        if (!str_to_double(str_trim(value), &out->at[out->len++]))
            return false;
    }
    return true;
}

static void stamps_of(const ExtractFile *file, GDALDatasetH ds, Str name, RecordDoubles values,
                      RecordSet *set)
{
    Err err = {0};
    ARENA_SCOPE(scratch);
    CfTime time;
    Str units = item(ds, str_printf(&scratch, "%.*s#units", STR_ARG(name)).ptr);
    Instant *stamps = arena_new(file->arena, Instant, values.len);

    if (file->match.rule && file->match.rule->time_units.len > 0)
        units = file->match.rule->time_units;
    if (!cf_time_init(&time, units, item(ds, str_printf(&scratch, "%.*s#calendar", STR_ARG(name)).ptr), &err))
        return;
    for (size_t i = 0; i < values.len; i++)
        if (!cf_time_instant(&time, values.at[i], &stamps[i]))
            return;
    set->stamps = stamps;
    set->stamps_len = values.len;
}

static bool is_time_name(const Rule *rule, Str name)
{
    return str_eq_z(name, "time") || (rule && rule->time_axis && str_eq(name, rule->time_axis->name));
}

static void add_axis(const ExtractFile *file, GDALDatasetH ds, Str name, RecordSet *set)
{
    ARENA_SCOPE(scratch);
    RecordAxis *axis = &set->axes[set->axes_len];
    RecordDoubles values;
    bool is_time = is_time_name(file->match.rule, name);

    if (!read_list(file->arena, item(ds, str_printf(&scratch, "NETCDF_DIM_%.*s_VALUES", STR_ARG(name)).ptr),
                   &values) ||
        values.len == 0)
        return;
    set->axes_len++;
    axis->name = is_time ? STR("time") : str_copy(file->arena, name);
    axis->grid = is_time ? STR("default") : STR("enum");
    axis->shape = record_int(file->arena, (int64_t)values.len);
    if (is_time)
        stamps_of(file, ds, name, values, set);
    else
        axis->params = values;
}

void metadata_axes(const ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    Str names = item(ds, "NETCDF_DIM_EXTRA"), name;
    int64_t stride = 1;

    if (!str_starts(names, STR("{")) || !str_ends(names, STR("}")))
        return;
    set->axes = arena_new(file->arena, RecordAxis, names.len);
    for (names = str_sub(names, 1, names.len - 1); names.len > 0;) {
        names = str_cut(names, ',', &name);
        add_axis(file, ds, str_trim(name), set);
    }
    for (size_t i = set->axes_len; i > 0; i--) {
        set->axes[i - 1].strides = record_int(file->arena, stride);
        stride *= set->axes[i - 1].shape.at[0];
    }
    if (set->axes_len > 0)
        set->raster_count = stride;
}

void metadata_stamps(const ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    const char *text = GDALGetMetadataItem(ds, "ACQUISITIONDATETIME", "IMAGERY");
    Instant at;

    if (!text || !time_parse(str_from_z(text), &at))
        return;
    set->stamps = arena_new(file->arena, Instant, 1);
    set->stamps[0] = at;
    set->stamps_len = 1;
}
