/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/gdal_file.h"

#include <cpl_error.h>
#include <cpl_string.h>
#include <fcntl.h>
#include <gdal.h>
#include <strings.h>

#include "base/os.h"
#include "extract/gdal_env.h"
#include "extract/grib.h"
#include "extract/metadata.h"
#include "extract/nc.h"
#include "extract/raster.h"
#include "extract/vector.h"

static void close_ds(GDALDatasetH *ds)
{
    if (*ds)
        (void)GDALClose(*ds);
}

#define DATASET_SCOPE(name) ATTR_CLEANUP(close_ds) GDALDatasetH name = NULL

/* What lives while a file is read. */
typedef struct Source {
    ExtractFile *file;
    Str driver;
    NcFile nc;
} Source;

/* --- names --- */

/* What is behind the last colon that ends a quoted file name; else behind the last one, if there are two. */
static Str last_part(Str ds_name)
{
    size_t colons = 0, last = 0;

    for (size_t i = 0; i < ds_name.len; i++) {
        if (ds_name.ptr[i] != ':')
            continue;
        colons++;
        last = i + 1;
        if (i > 0 && ds_name.ptr[i - 1] == '"') {
            colons = 2;
            break;
        }
    }
    return colons >= 2 ? str_sub(ds_name, last, ds_name.len) : (Str){0};
}

static bool all_digits(Str s)
{
    uint64_t unused;

    return str_to_uint64(s, &unused);
}

/* "[2030x1354] EV_1KM_Emissive (16-bit unsigned integer)": HDF4 numbers its datasets and names them only here. */
static Str described_name(Str description)
{
    Str name, rest = str_trim(str_cut(description, ' ', &name));

    while (rest.len > 0 && rest.ptr[rest.len - 1] != '(')
        rest.len--;
    return str_trim(str_sub(rest, 0, rest.len > 0 ? rest.len - 1 : 0));
}

/* The name of a dataset inside its file. */
static Str inner_name(GDALDatasetH ds, Str ds_name, Str description)
{
    Str name = last_part(ds_name);
    const char *variable;

    if (str_starts(ds_name, STR("GTIFF_DIR:"))) { /* pages have numbers only, before the file's name */
        (void)str_cut(str_sub(ds_name, sizeof "GTIFF_DIR:" - 1, ds_name.len), ':', &name);
        return name;
    }
    if (all_digits(name) && description.len > 0)
        return described_name(description);
    if (name.len > 0 || GDALGetRasterCount(ds) == 0)
        return name;
    variable = GDALGetMetadataItem(GDALGetRasterBand(ds, 1), "NETCDF_VARNAME", NULL);
    return str_from_z(variable);
}

static Str name_space(const ExtractFile *file, Str inner)
{
    const Rule *rule = file->match.rule;
    Str outer = file->match.name_space;

    if (!rule || rule->name_space == NS_DATASET)
        return str_copy(file->arena, inner);
    if (rule->name_space == NS_PATH)
        return str_copy(file->arena, outer);
    return str_printf(file->arena, "%.*s:%.*s", STR_ARG(outer), STR_ARG(inner));
}

/* --- time --- */

static void set_time(ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    const Rule *rule = file->match.rule;

    if (set->stamps_len > 0)
        return;
    if (rule && rule->times_len > 0) {
        set->stamps = rule->times;
        set->stamps_len = rule->times_len;
    } else if (file->match.has_time) {
        set->stamps = arena_new(file->arena, Instant, 1);
        set->stamps[0] = file->match.time;
        set->stamps_len = 1;
    } else {
        metadata_stamps(file, ds, set);
    }
}

/* Axes that a rule gives replace those of the same name, or are put behind the others. */
static void set_axes(ExtractFile *file, RecordSet *set)
{
    const Rule *rule = file->match.rule;
    RecordAxis *axes;
    size_t len = set->axes_len;

    if (!rule || rule->axes_len == 0)
        return;
    axes = arena_new(file->arena, RecordAxis, len + rule->axes_len);
    for (size_t i = 0; i < len; i++)
        axes[i] = set->axes[i];
    for (size_t r = 0; r < rule->axes_len; r++) {
        size_t i = 0;

        while (i < len && !str_eq(axes[i].name, rule->axes[r].name))
            i++;
        axes[i] = rule->axes[r];
        len += i == len;
    }
    set->axes = axes;
    set->axes_len = len;
}

/* A time axis that only the rule knows; its shape is the number of stamps when the rule does not say. */
static void set_time_axis(ExtractFile *file, RecordSet *set)
{
    const Rule *rule = file->match.rule;
    RecordAxis *axes, *axis;

    if (!rule || !rule->time_axis)
        return;
    for (size_t i = 0; i < set->axes_len; i++)
        if (str_eq_z(set->axes[i].name, "time")) {
            if (rule->time_axis->strides.len > 0 && rule->time_axis->strides.at[0] >= 0)
                set->axes[i].strides = rule->time_axis->strides;
            return;
        }
    axes = arena_new(file->arena, RecordAxis, set->axes_len + 1);
    for (size_t i = 0; i < set->axes_len; i++)
        axes[i] = set->axes[i];
    axis = &axes[set->axes_len++];
    *axis = (RecordAxis){.name = STR("time"), .grid = STR("default")};
    axis->shape = rule->time_axis->shape;
    axis->strides = rule->time_axis->strides;
    if (axis->shape.len == 0 || axis->shape.at[0] < 0)
        axis->shape = record_int(file->arena, (int64_t)set->stamps_len);
    if (axis->strides.len == 0 || axis->strides.at[0] < 0)
        axis->strides = record_int(file->arena, 1);
    set->axes = axes;
}

/* --- one dataset --- */

static bool read_raster(Source *source, GDALDatasetH ds, Str ds_name, Str inner)
{
    ExtractFile *file = source->file;
    RecordSet *set = record_add(file->record, file->arena);
    const Rule *rule = file->match.rule;
    static const Rule no_rule;
    NcGrid grid;
    bool described = false;

    set->ds_name = str_copy(file->arena, ds_name);
    set->name_space = name_space(file, inner);
    raster_describe(file, ds, set);
    if (source->nc.id >= 0)
        described = nc_describe(&source->nc, file->arena, inner, rule ? rule : &no_rule, set, &grid);
    else if ((rule && rule->nc_metadata) || str_eq_z(source->driver, "JP2OpenJPEG"))
        metadata_axes(file, ds, set);
    set_time(file, ds, set);
    set_time_axis(file, set);
    set_axes(file, set);
    raster_place(file, ds, described ? &grid : NULL, set);
    return raster_measure(file, ds, set);
}

static void note_missing(ExtractFile *file, Str ds_name)
{
    Str noise = gdal_noise();

    if (file->missing.len == 0)
        file->missing =
            str_printf(file->arena, "cannot open the dataset '%.*s': %.*s", STR_ARG(ds_name), STR_ARG(noise));
}

static void read_part(Source *source, const char *name, Str description)
{
    DATASET_SCOPE(ds);
    Str ds_name = str_from_z(name);

    if (source->nc.id >= 0 && !nc_is_data(&source->nc, last_part(ds_name)))
        return;
    gdal_noise_reset();
    ds = GDALOpenEx(name, GDAL_OF_READONLY | GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR, NULL, NULL, NULL);
    if (!ds)
        note_missing(source->file, ds_name);
    else
        (void)read_raster(source, ds, ds_name, inner_name(ds, ds_name, description));
}

/* The coordinates of a curvilinear grid are datasets as well: they lie where the data lies that they place. */
static void place_coordinates(Record *record)
{
    for (const RecordSet *data = record->first; data; data = data->next)
        for (RecordSet *set = record->first; set; set = set->next) {
            if (!str_eq(set->polygon, STR("POLYGON EMPTY")) || data->coordinates[0].len == 0 ||
                !(str_eq(set->ds_name, data->coordinates[0]) || str_eq(set->ds_name, data->coordinates[1])))
                continue;
            set->polygon = data->polygon;
            set->proj_wkt = data->proj_wkt;
            set->proj4 = data->proj4;
        }
}

static void read_parts(Source *source, char **parts)
{
    int n = CSLCount(parts) / 2;

    for (int i = 1; i <= n && i <= EXTRACT_SETS_MAX; i++) {
        ARENA_SCOPE(scratch);
        const char *name = CSLFetchNameValue(parts, str_printf(&scratch, "SUBDATASET_%d_NAME", i).ptr);
        const char *description = CSLFetchNameValue(parts, str_printf(&scratch, "SUBDATASET_%d_DESC", i).ptr);

        if (name)
            read_part(source, name, str_from_z(description));
    }
    place_coordinates(source->file->record);
    if (n > EXTRACT_SETS_MAX)
        source->file->missing = str_printf(source->file->arena, "only the first %d of %d datasets were read",
                                           EXTRACT_SETS_MAX, n);
}

/* The messages of a GRIB file by element; one kind of level need not be named. */
static void read_messages(Source *source, GDALDatasetH whole)
{
    ExtractFile *file = source->file;

    for (GribSet *grib = grib_sets(file->arena, whole); grib; grib = grib->next) {
        DATASET_SCOPE(ds);
        Str name;
        RecordSet *set;

        gdal_noise_reset();
        ds = grib_open(file->arena, file->path, grib, &name);
        if (!ds) {
            note_missing(file, name);
            continue;
        }
        set = record_add(file->record, file->arena);
        set->ds_name = name;
        set->name_space = name_space(
            file, str_printf(file->arena, "%.*s_%.*s", STR_ARG(grib->element), STR_ARG(grib->kind)));
        raster_describe(file, ds, set);
        grib_describe(file->arena, grib, set);
        set_time(file, ds, set);
        raster_place(file, ds, NULL, set);
        if (!raster_measure(file, ds, set))
            return;
    }
}

/* --- a file --- */

static void read_open(Source *source, GDALDatasetH ds)
{
    ExtractFile *file = source->file;
    char **parts = GDALGetMetadata(ds, "SUBDATASETS");

    if (CSLCount(parts) >= 2)
        read_parts(source, parts);
    else if (GDALGetRasterCount(ds) > 0 && str_eq_z(source->driver, "GRIB"))
        read_messages(source, ds);
    else if (GDALGetRasterCount(ds) > 0)
        (void)read_raster(source, ds, str_from_z(GDALGetDescription(ds)),
                          inner_name(ds, file->path, (Str){0}));
    vector_read(file, ds);
    if (str_eq_z(source->driver, "GTiff"))
        raster_check_end(file, ds);
}

/* HDF5 files that are netCDF-4 by another name are better read as such: all dimensions, time, positions. */
static void prefer_netcdf(Source *source, GDALDatasetH *ds)
{
    ARENA_SCOPE(scratch);
    GDALDatasetH other = NULL;

    if (nc_open_file(&source->nc, source->file->path_z) && nc_is_netcdf4(&source->nc))
        other = GDALOpenEx(str_printf(&scratch, "NETCDF:\"%s\"", source->file->path_z).ptr,
                           GDAL_OF_READONLY | GDAL_OF_RASTER, NULL, NULL, NULL);
    if (!other) {
        nc_close_file(&source->nc);
        return;
    }
    (void)GDALClose(*ds);
    *ds = other;
    source->driver = source->file->record->file_type = STR("netCDF");
}

/* --- a file that does not open --- */

static bool starts_as_text(const char *path)
{
    enum { HEAD = 1024 };
    unsigned char head[HEAD];
    FD_SCOPE(fd);

    fd = os_open(path, O_RDONLY, 0);
    ssize_t len = fd < 0 ? 0 : os_read(fd, head, sizeof head);
    for (ssize_t i = 0; i < len; i++)
        if (head[i] < ' ' && !(head[i] >= '\b' && head[i] <= '\r') && head[i] != '\033')
            return false;
    return len > 0;
}

static bool has_ending_of(GDALDriverH driver, Str path)
{
    Str list = str_from_z(GDALGetMetadataItem(driver, GDAL_DMD_EXTENSIONS, NULL)), ending;

    while (list.len > 0) {
        list = str_cut(list, ' ', &ending);
        if (ending.len > 0 && path.len > ending.len && path.ptr[path.len - ending.len - 1] == '.' &&
            strncasecmp(path.ptr + path.len - ending.len, ending.ptr, ending.len) == 0)
            return true;
    }
    return false;
}

/*
 * Readers whose format has no signature try any file that has their word in it: a comment "#grid" in a script, HEADER
 * above a text. So what a reader knows by a signature is a damaged file of its format, and a text, which may have any
 * word in it, only with an ending of that format as well.
 */
static bool is_known(const ExtractFile *file)
{
    CPLPushErrorHandler(CPLQuietErrorHandler); /* what made it fail has been reported */
    GDALDriverH driver = GDALIdentifyDriverEx(file->path_z, GDAL_OF_RASTER | GDAL_OF_VECTOR, NULL, NULL);
    CPLPopErrorHandler();
    return driver && (has_ending_of(driver, file->path) || !starts_as_text(file->path_z));
}

bool gdal_file_read(ExtractFile *file, Err *err)
{
    DATASET_SCOPE(ds);
    Source source = {.file = file, .nc.id = -1};

    ds = GDALOpenEx(file->path_z, GDAL_OF_READONLY | GDAL_OF_RASTER | GDAL_OF_VECTOR | GDAL_OF_VERBOSE_ERROR,
                    NULL, NULL, NULL);
    if (!ds && gdal_noise_unrecognized())
        return err_set(err, ERR_NOT_FOUND, "of no known format");
    if (!ds && gdal_noise_no_layers())
        return true;
    if (!ds)
        return err_set(err, is_known(file) ? ERR_IO : ERR_CORRUPT, "cannot open '%.*s'",
                       STR_ARG(file->record->filename));
    source.driver = str_from_z(GDALGetDriverShortName(GDALGetDatasetDriver(ds)));
    file->record->file_type = source.driver;
    if (str_eq_z(source.driver, "netCDF"))
        (void)nc_open_file(&source.nc, file->path_z);
    else if (str_starts(source.driver, STR("HDF5")))
        prefer_netcdf(&source, &ds);
    read_open(&source, ds);
    nc_close_file(&source.nc);
    return true;
}
