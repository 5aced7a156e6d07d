/* SPDX-License-Identifier: Apache-2.0 */
/* raster -- what an open GDAL raster says of itself: size, type, position, no-data value, statistics */
#ifndef EXTRACT_RASTER_H
#define EXTRACT_RASTER_H

#include <gdal.h>

#include "extract/extract.h"
#include "extract/nc.h"

/* Size, type, band count, overviews and no-data value. */
void raster_describe(const ExtractFile *file, GDALDatasetH ds, RecordSet *set);

/*
 * Coordinate system, geotransform, footprint and the location of coordinates.
 *
 * grid  what the netCDF library knows of its horizontal axes, or NULL
 */
void raster_place(const ExtractFile *file, GDALDatasetH ds, const NcGrid *grid, RecordSet *set);

/*
 * Note in file->missing a TIFF whose last block lies behind the end of the file: it opens like a whole one, and
 * only reading its pixels would show that it was cut.
 */
void raster_check_end(ExtractFile *file, GDALDatasetH ds);

/* Exact statistics of every band, when asked for. False, with a sentence in file->missing, when reading fails. */
bool raster_measure(ExtractFile *file, GDALDatasetH ds, RecordSet *set);

#endif
