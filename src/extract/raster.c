/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/raster.h"

#include <cpl_string.h>
#include <gdal_alg.h>
#include <math.h>

#include "extract/footprint.h"
#include "extract/gdal_env.h"
#include "extract/srs.h"

/* --- what it is --- */

static void describe_overviews(Arena *arena, GDALRasterBandH band, RecordSet *set)
{
    int n = GDALGetOverviewCount(band);

    set->overviews =
        (int(*)[2])arena_alloc(arena, sizeof *set->overviews, alignof(int), n > 0 ? (size_t)n : 0);
    for (int i = 0; i < n; i++) {
        GDALRasterBandH overview = GDALGetOverview(band, i);

        if (!overview)
            continue;
        set->overviews[set->overviews_len][0] = GDALGetRasterBandXSize(overview);
        set->overviews[set->overviews_len][1] = GDALGetRasterBandYSize(overview);
        set->overviews_len++;
    }
}

static void describe_nodata(GDALRasterBandH band, RecordSet *set)
{
    GDALDataType type = GDALGetRasterDataType(band);
    int has = 0;

    if (type == GDT_Int64) {
        set->nodata_int = GDALGetRasterNoDataValueAsInt64(band, &has);
        set->nodata_kind = has ? NODATA_INT : NODATA_NONE;
    } else if (type == GDT_UInt64) {
        set->nodata_int = (int64_t)GDALGetRasterNoDataValueAsUInt64(band, &has);
        set->nodata_kind = has ? NODATA_UINT : NODATA_NONE;
    } else {
        set->nodata = GDALGetRasterNoDataValue(band, &has);
        set->nodata_kind = has ? NODATA_DOUBLE : NODATA_NONE;
    }
}

void raster_describe(const ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    GDALRasterBandH band = GDALGetRasterBand(ds, 1);

    set->x_size = GDALGetRasterXSize(ds);
    set->y_size = GDALGetRasterYSize(ds);
    set->raster_count = GDALGetRasterCount(ds);
    if (!band)
        return;
    set->array_type = str_from_z(GDALGetDataTypeName(GDALGetRasterDataType(band)));
    describe_overviews(file->arena, band, set);
    describe_nodata(band, set);
}

/* The first byte behind a block; 0 when it has none (a sparse file) or the format does not tell. */
static int64_t end_of_block(GDALRasterBandH band, int column, int row)
{
    ARENA_SCOPE(scratch);
    Str keys[] = {str_printf(&scratch, "BLOCK_OFFSET_%d_%d", column, row),
                  str_printf(&scratch, "BLOCK_SIZE_%d_%d", column, row)};
    int64_t end = 0, part;

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (!str_to_int64(str_from_z(GDALGetMetadataItem(band, keys[i].ptr, "TIFF")), &part))
            return 0;
        end += part;
    }
    return end;
}

void raster_check_end(ExtractFile *file, GDALDatasetH ds)
{
    GDALRasterBandH band = GDALGetRasterBand(ds, GDALGetRasterCount(ds));
    int width, height;
    int64_t end;

    if (!band)
        return;
    GDALGetBlockSize(band, &width, &height);
    end = end_of_block(band, (GDALGetRasterBandXSize(band) - 1) / width,
                       (GDALGetRasterBandYSize(band) - 1) / height);
    if (end > file->record->st.st_size)
        file->missing =
            str_printf(file->arena, "'%.*s' is cut: its data would end at byte %jd of %jd",
                       STR_ARG(file->record->filename), (intmax_t)end, (intmax_t)file->record->st.st_size);
}

/* --- where it is --- */

static void find_srs(const ExtractFile *file, GDALDatasetH ds, const NcGrid *grid, RecordSet *set)
{
    const Rule *rule = file->match.rule;
    OGRSpatialReferenceH srs = GDALGetSpatialRef(ds);
    const char *located = GDALGetMetadataItem(ds, "SRS", "GEOLOCATION");
    SrsText text;

    if (!srs && GDALGetGCPCount(ds) > 0)
        srs = GDALGetGCPSpatialRef(ds);
    if (rule && rule->srs_text.len > 0)
        text = (SrsText){rule->srs_text, srs_from_user(file->arena, rule->srs_text).proj4};
    else if (srs)
        text = srs_text(file->arena, srs);
    else if (located)
        text = srs_from_user(file->arena, str_from_z(located));
    else if (grid && ((grid->side[0].is_degrees && grid->side[1].is_degrees) || grid->points > 0))
        text = srs_from_user(file->arena, str_from_z(srs_wgs84));
    else
        text = (SrsText){0};
    if (rule && rule->proj4_text.len > 0)
        text.proj4 = rule->proj4_text;
    set->proj_wkt = text.wkt;
    set->proj4 = text.proj4;
}

/* The two bands of a GEOLOCATION domain. */
typedef struct Location {
    const char *name[2];
    int band_no[2];
    GDALDatasetH ds[2];
    GDALRasterBandH band[2];
} Location;

static void close_location(Location *location)
{
    for (int i = 0; i < 2; i++)
        if (location->ds[i])
            GDALClose(location->ds[i]);
}

static int item_int(char **items, const char *key, int missing)
{
    const char *text = CSLFetchNameValue(items, key);
    int64_t value;

    return text && str_to_int64(str_from_z(text), &value) && value >= 0 && value <= 1 << 20 ? (int)value
                                                                                            : missing;
}

static bool open_location(char **items, Location *out)
{
    static const char *const keys[2][2] = {{"X_DATASET", "X_BAND"}, {"Y_DATASET", "Y_BAND"}};

    for (int i = 0; i < 2; i++) {
        out->name[i] = CSLFetchNameValue(items, keys[i][0]);
        out->band_no[i] = item_int(items, keys[i][1], 1);
        if (!out->name[i])
            return false;
        out->ds[i] = GDALOpenEx(out->name[i], GDAL_OF_READONLY | GDAL_OF_RASTER, NULL, NULL, NULL);
        out->band[i] = out->ds[i] ? GDALGetRasterBand(out->ds[i], out->band_no[i]) : NULL;
        if (!out->band[i])
            return false;
    }
    return true;
}

/* Whether the coordinates have the shape that their steps promise; a reader would fail on others. */
static bool fits(const Location *location, char **items, const RecordSet *set)
{
    int columns = GDALGetRasterBandXSize(location->band[0]), rows = GDALGetRasterBandYSize(location->band[0]);
    int pixel_step = item_int(items, "PIXEL_STEP", 1), line_step = item_int(items, "LINE_STEP", 1);

    if (rows == 1 &&
        GDALGetRasterBandYSize(location->band[1]) == 1) /* one for each column, one for each row */
        return columns == set->x_size && GDALGetRasterBandXSize(location->band[1]) == set->y_size;
    return ((int64_t)columns - 1) * pixel_step < set->x_size &&
           ((int64_t)columns + 1) * pixel_step > set->x_size &&
           ((int64_t)rows - 1) * line_step < set->y_size && ((int64_t)rows + 1) * line_step > set->y_size;
}

static void set_location(Arena *arena, const Location *location, char **items, RecordSet *set)
{
    RecordGeoLoc *loc = arena_new(arena, RecordGeoLoc, 1);

    loc->x_ds_name = str_copy(arena, str_from_z(location->name[0]));
    loc->y_ds_name = str_copy(arena, str_from_z(location->name[1]));
    loc->x_band = location->band_no[0];
    loc->y_band = location->band_no[1];
    loc->pixel_offset = item_int(items, "PIXEL_OFFSET", 0);
    loc->line_offset = item_int(items, "LINE_OFFSET", 0);
    loc->pixel_step = item_int(items, "PIXEL_STEP", 1);
    loc->line_step = item_int(items, "LINE_STEP", 1);
    set->geo_loc = loc;
}

static bool place_by_location(const ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    char **items = GDALGetMetadata(ds, "GEOLOCATION");
    ATTR_CLEANUP(close_location) Location location = {0};

    if (!items || !open_location(items, &location))
        return false;
    for (int i = 0; i < 2; i++)
        set->coordinates[i] = str_copy(file->arena, str_from_z(location.name[i]));
    if (fits(&location, items, set))
        set_location(file->arena, &location, items, set);
    return footprint_of_bands(file->arena, location.band[0], location.band[1], srs_is_degrees(set->proj_wkt),
                              &set->polygon);
}

static bool place_by_points(const ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    int n = GDALGetGCPCount(ds);

    if (n == 0 || !GDALGCPsToGeoTransform(n, GDALGetGCPs(ds), set->transform, TRUE))
        return false;
    set->polygon = footprint_of_transform(file->arena, set->transform, set->x_size, set->y_size);
    return true;
}

static void place_by_rule(const ExtractFile *file, RecordSet *set)
{
    const Rule *rule = file->match.rule;

    if (rule && rule->has_bbox) {
        set->transform[0] = rule->bbox[0];
        set->transform[3] = rule->bbox[1];
        set->polygon =
            footprint_of_box(file->arena, rule->bbox[0], rule->bbox[1], rule->bbox[2], rule->bbox[3]);
    }
    if (rule && rule->geo_loc) {
        RecordGeoLoc *loc = arena_new(file->arena, RecordGeoLoc, 1);

        *loc = rule->geo_loc->loc;
        loc->x_ds_name = rules_fill(file->arena, &rule->geo_loc->x, file->path);
        loc->y_ds_name = rules_fill(file->arena, &rule->geo_loc->y, file->path);
        if (loc->x_ds_name.len > 0 && loc->y_ds_name.len > 0)
            set->geo_loc = loc;
    }
}

void raster_place(const ExtractFile *file, GDALDatasetH ds, const NcGrid *grid, RecordSet *set)
{
    bool has_transform = GDALGetGeoTransform(ds, set->transform) == CE_None;

    set->has_transform = true; /* GDAL's (0,1,0,0,0,1) when there is none, as the original wrote */
    find_srs(file, ds, grid, set);
    if (has_transform || (grid && footprint_transform(grid, set->transform))) {
        set->polygon = footprint_of_transform(file->arena, set->transform, set->x_size, set->y_size);
    } else if (grid && grid->points > 0 &&
               footprint_of_points(file->arena, grid->lon, grid->lat, grid->points, &set->polygon)) {
        set->geo_loc = NULL;
    } else if (!place_by_location(file, ds, set) && !place_by_points(file, ds, set)) {
        set->polygon = STR("POLYGON EMPTY");
    }
    place_by_rule(file, set);
}

/* --- statistics --- */

typedef struct Sums {
    double min, max, mean, squares;
    int64_t count;
} Sums;

/* Welford's running mean and sum of squared differences, which stay exact for values far from zero. */
static void add_values(Sums *sums, const double *values, size_t len, bool has_nodata, double nodata)
{
    for (size_t i = 0; i < len; i++) {
        double value = values[i], from_mean;

        if (!isfinite(value) || (has_nodata && value == nodata))
            continue;
        from_mean = value - sums->mean;
        sums->count++;
        sums->mean += from_mean / (double)sums->count;
        sums->squares += from_mean * (value - sums->mean);
        sums->min = fmin(sums->min, value);
        sums->max = fmax(sums->max, value);
    }
}

static bool measure_band(GDALRasterBandH band, double *values, int rows_at_once, RecordStats *out)
{
    int width = GDALGetRasterBandXSize(band), height = GDALGetRasterBandYSize(band), has = 0;
    double nodata = GDALGetRasterNoDataValue(band, &has);
    Sums sums = {.min = INFINITY, .max = -INFINITY};

    for (int row = 0; row < height; row += rows_at_once) {
        int rows = height - row < rows_at_once ? height - row : rows_at_once;

        if (GDALRasterIO(band, GF_Read, 0, row, width, rows, values, width, rows, GDT_Float64, 0, 0) !=
            CE_None)
            return false;
        add_values(&sums, values, (size_t)width * (size_t)rows, has, nodata);
    }
    out->count = sums.count;
    out->min = sums.count > 0 ? sums.min : NAN;
    out->max = sums.count > 0 ? sums.max : NAN;
    out->mean = sums.count > 0 ? sums.mean : NAN;
    out->stddev = sums.count > 0 ? sqrt(sums.squares / (double)sums.count) : NAN;
    return true;
}

bool raster_measure(ExtractFile *file, GDALDatasetH ds, RecordSet *set)
{
    enum { CELLS = 1 << 18 };
    ARENA_SCOPE(scratch);
    int bands = GDALGetRasterCount(ds), rows, block_width, block_rows = 1;
    double *values;

    if ((!file->setup->stats && !(file->match.rule && file->match.rule->compute_stats)) || bands == 0 ||
        set->x_size == 0)
        return true;
    GDALGetBlockSize(GDALGetRasterBand(ds, 1), &block_width, &block_rows);
    rows = (int)(CELLS / set->x_size) / block_rows * block_rows; /* whole blocks, each read once */
    if (rows < block_rows)
        rows = (int64_t)block_rows * set->x_size > (int64_t)16 * CELLS ? 1 : block_rows;
    values = arena_new(&scratch, double, (size_t)set->x_size *(size_t)rows);
    set->stats = arena_new(file->arena, RecordStats, (size_t)bands);
    for (int b = 0; b < bands; b++)
        if (!measure_band(GDALGetRasterBand(ds, b + 1), values, rows, &set->stats[b])) {
            Str noise = gdal_noise();

            file->missing = str_printf(file->arena, "cannot read band %d of '%.*s' for statistics: %.*s",
                                       b + 1, STR_ARG(set->ds_name), STR_ARG(noise));
            return false;
        }
    set->stats_len = (size_t)bands;
    return true;
}
