/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_inside -- what dataset.c (reading records) and dataset_rows.c (rows of them) share; nobody else includes it */
#ifndef CATALOG_DATASET_INSIDE_H
#define CATALOG_DATASET_INSIDE_H

#include "base/jsonread.h"
#include "base/time.h"
#include "catalog/dataset.h"
#include "catalog/register.h"

/* The keys of a geo_metadata element that are looked at. */
typedef enum Field {
    FIELD_AXES,
    FIELD_MEANS,
    FIELD_NODATA,
    FIELD_DS_NAME,
    FIELD_GEO_LOC,
    FIELD_POLYGON,
    FIELD_NAMESPACE,
    FIELD_OVERVIEWS,
    FIELD_ARRAY_TYPE,
    FIELD_TIMESTAMPS,
    FIELD_GEOTRANSFORM,
    FIELD_SAMPLE_COUNTS,
    FIELD_PROJ_WKT,
    FIELD_PROJ4,
    FIELD_COUNT
} Field;

typedef struct Dataset {
    struct Dataset *next;
    int64_t id;
    int number; /* in geo_metadata */
    JsonValue values[FIELD_COUNT];
    bool has[FIELD_COUNT];
    Str name, plain_name; /* empty: none */
    int name_id, axes_id; /* 0: none */
    const RegisteredSystem *system;
    Instant *stamps;
    int stamp_count;
    Instant first, last;
    Duration gap;            /* the longest between two stamps that follow each other */
    double pixel_x, pixel_y; /* NaN: unknown */
    Geometry shape;
    int64_t shape_key; /* the same for the same shape in the same system */
    bool has_shape;
    Footprint footprint;
    Str answer;
} Dataset;

struct DatasetList {
    Dataset *first;
    size_t count;
    bool alike; /* all have the same shape and stamps */
};

#endif
