/* SPDX-License-Identifier: Apache-2.0 */
/* metadata -- time and axes from GDAL's metadata items, for formats that the netCDF library does not read */
#ifndef EXTRACT_METADATA_H
#define EXTRACT_METADATA_H

#include <gdal.h>

#include "extract/extract.h"

/* Axes and stamps from NETCDF_DIM_* items, which a copy of a netCDF file in another format carries. */
void metadata_axes(const ExtractFile *file, GDALDatasetH ds, RecordSet *set);

/* The time of acquisition of a scene, where the format's reader tells it. */
void metadata_stamps(const ExtractFile *file, GDALDatasetH ds, RecordSet *set);

#endif
