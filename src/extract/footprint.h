/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint -- the polygon a dataset covers, as WKT in the dataset's own coordinate system
 *
 * The form is the original's: POLYGON ((x y,x y,...)) with six decimals, a ring from the upper left corner
 * over the lower left. Nothing is reprojected or split at the antimeridian here: a grid in 0..360 degrees
 * stays there, and a curvilinear one that crosses goes on beyond 180 (or -180), so that the ring is whole.
 * What has no position at all is POLYGON EMPTY.
 */
#ifndef EXTRACT_FOOTPRINT_H
#define EXTRACT_FOOTPRINT_H

#include <gdal.h>

#include "extract/nc.h"

/* All four corners of a raster through a geotransform, rotated or not. */
Str footprint_of_transform(Arena *arena, const double transform[6], int64_t width, int64_t height);

Str footprint_of_box(Arena *arena, double left, double top, double right, double bottom);

/*
 * A geotransform from the coordinates of both sides: half a cell around the outer ones; with the columns and
 * rows of it swapped when the variable's are. Uneven steps are averaged, but the outer edges hold. False when a
 * side has no coordinates.
 */
bool footprint_transform(const NcGrid *grid, double out[6]);

/* The box around stations; false when there is none with a position. */
bool footprint_of_points(Arena *arena, const double *lon, const double *lat, size_t len, Str *out);

/*
 * The ring through the outermost valid cells of two coordinate bands: up to 4 x 33 points, fewer where it is
 * straight. Longitudes are made continuous; a ring around a pole is led over the pole. False when the bands
 * cannot be read or hold no valid cell.
 */
bool footprint_of_bands(Arena *arena, GDALRasterBandH x, GDALRasterBandH y, bool degrees, Str *out);

#endif
