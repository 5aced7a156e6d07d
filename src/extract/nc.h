/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nc -- what the netCDF library knows of a variable and GDAL does not tell: its axes and their coordinates
 *
 * GDAL opens the variable and gives its georeferencing; the values of time and of further dimensions are
 * read here, from the coordinate variables themselves, so that they are exact and no text is parsed.
 */
#ifndef EXTRACT_NC_H
#define EXTRACT_NC_H

#include "extract/rules.h"

/* Values a coordinate variable may have; longer axes keep their shape and get no values. */
enum { NC_AXIS_MAX = 1000000 };

typedef struct NcFile {
    int id; /* -1: not open */
} NcFile;

/* One of the two horizontal dimensions of a variable. */
typedef struct NcSide {
    Str dim;
    double *at; /* its coordinates, one a step, or NULL */
    size_t len;
    bool is_x;       /* they are longitudes or eastings (so the dimensions may be swapped) */
    bool is_degrees; /* longitudes or latitudes */
} NcSide;

/* The horizontal part of a variable: [0] is GDAL's x, [1] its y. */
typedef struct NcGrid {
    NcSide side[2];
    double *lon, *lat; /* for stations: all positions along one dimension, or NULL */
    size_t points;
} NcGrid;

/* False when the netCDF library cannot open it; that is no failure, only less is known then. */
bool nc_open_file(NcFile *file, const char *path);
void nc_close_file(NcFile *file);

/* Whether an open HDF5 file was written by the netCDF library, or claims its conventions. */
bool nc_is_netcdf4(const NcFile *file);

/* False for a variable of text, or one that only holds the cell bounds of another. */
bool nc_is_data(NcFile *file, Str variable);

/*
 * Fill axes, stamps and raster_count of `set` from a variable, given as a name or /group/name.
 *
 * On return `set` may have fewer of them than the file; a time axis that cannot be understood has no stamps.
 * False when there is no such variable: nothing is filled.
 */
bool nc_describe(NcFile *file, Arena *arena, Str variable, const Rule *rule, RecordSet *set, NcGrid *grid);

#endif
