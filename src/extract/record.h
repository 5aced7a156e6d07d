/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- what the extractor found in one file, and its JSON (docs/format/gdal-record.md)
 *
 * Everything lives in the arena of the file. A key that has no value is left out, as the original did; a
 * number that JSON cannot hold (NaN, infinity) is null.
 */
#ifndef EXTRACT_RECORD_H
#define EXTRACT_RECORD_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/time.h"

typedef struct RecordDoubles {
    double *at;
    size_t len;
} RecordDoubles;

typedef struct RecordInts {
    int64_t *at;
    size_t len;
} RecordInts;

/* A dimension besides x and y. Its band stride is in bands: see strides of docs/format/gdal-record.md. */
typedef struct RecordAxis {
    Str name; /* "time" for the time axis, whatever the file calls it */
    RecordDoubles
        params; /* the coordinate of each step; empty (null) for time, whose steps are the timestamps */
    RecordInts strides, shape;
    Str grid; /* "default" for time, else "enum" */
} RecordAxis;

/* Where the coordinates of a curvilinear grid are. */
typedef struct RecordGeoLoc {
    Str x_ds_name, y_ds_name;
    int x_band, y_band, line_offset, pixel_offset, pixel_step, line_step;
} RecordGeoLoc;

typedef struct RecordStats {
    double min, max, mean, stddev; /* NaN when no pixel is valid */
    int64_t count;
} RecordStats;

typedef enum RecordNodata { NODATA_NONE, NODATA_DOUBLE, NODATA_INT, NODATA_UINT } RecordNodata;

typedef struct RecordSet {
    struct RecordSet *next;
    Str ds_name, name_space, array_type;
    int64_t raster_count;
    Instant *stamps;
    size_t stamps_len;
    int (*overviews)[2]; /* width, height */
    size_t overviews_len;
    int64_t x_size, y_size;
    bool has_transform; /* false: geotransform is null (vector layers) */
    double transform[6];
    Str polygon, proj_wkt, proj4;
    RecordStats *stats; /* one a band */
    size_t stats_len;
    RecordNodata nodata_kind;
    double nodata;
    int64_t nodata_int; /* the bits of an unsigned one as well */
    RecordAxis *axes;
    size_t axes_len;
    RecordGeoLoc *geo_loc;
    Str coordinates[2]; /* the datasets that its cells' positions are in, for its siblings; not in the JSON */
} RecordSet;

typedef struct Record {
    Str filename;  /* escaped, see record_path() */
    Str file_type; /* GDAL's short name of the format */
    RecordSet *first, **last;
    struct stat st;
} Record;

/* An empty record of `path`. */
void record_init(Record *record, Arena *arena, Str path);

/* A list of one number, which is what shapes and strides are. */
RecordInts record_int(Arena *arena, int64_t value);

/* A new set at the end of the record. */
RecordSet *record_add(Record *record, Arena *arena);

/* Append the record as one line of JSON without a newline. */
void record_put_json(const Record *record, Buf *out);

/* How crawl files write a path: control bytes, and bytes that are not UTF-8, as \xHH. */
Str record_path(Arena *arena, Str path);

#endif
