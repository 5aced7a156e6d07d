/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grib -- the messages of a GRIB file as datasets
 *
 * GDAL shows every message as a band, in file order. Messages of one element on one kind of level are one
 * dataset here; it is named vrt://PATH?bands=1,4,7, which any GDAL opens as a raster of just these bands.
 * When the messages are a full table of times by levels, time (and level) are axes; else there are no axes,
 * and the stamps are those of the bands in order.
 */
#ifndef EXTRACT_GRIB_H
#define EXTRACT_GRIB_H

#include <gdal.h>

#include "extract/extract.h"

/* One group of messages. */
typedef struct GribSet {
    struct GribSet *next;
    Str element, kind; /* "TMP", and the kind of level: "ISBL" */
    int *bands;        /* from 1, ordered by time, then level, when `table` */
    size_t len;
    Instant *times; /* one a band, then (sorted, without repeats) one a step */
    double *levels;
    size_t times_len, levels_len;
    bool table, has_times, has_levels;
} GribSet;

/* The groups in the order of their first message. */
GribSet *grib_sets(Arena *arena, GDALDatasetH ds);

/* Open a group as a dataset of its own; its name is copied to `name`. NULL when GDAL cannot. */
GDALDatasetH grib_open(Arena *arena, Str path, const GribSet *set, Str *name);

/* The axes and stamps of a group. */
void grib_describe(Arena *arena, const GribSet *grib, RecordSet *set);

#endif
