/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene -- the records of a satellite scene from the YAML document that lies beside its bands
 *
 * Two kinds are known by what is in them: Sentinel-2 ARD-METADATA (image.bands, grid_spatial.projection) and
 * Open Data Cube's EO3, used for Landsat (measurements, crs, geometry). Every band becomes a dataset with the
 * scene's valid-data polygon, which is tighter than the box of its raster. Where the band's file is there, its
 * type, size and position are read from it; else they are what the document says.
 */
#ifndef EXTRACT_SCENE_H
#define EXTRACT_SCENE_H

#include "extract/extract.h"

/* Bytes a document may have. */
enum { SCENE_MAX = 4 << 20 };

/*
 * Fill the record of a YAML file; it stays empty when the document is none of the two kinds.
 *
 * ERR_IO       the file cannot be read
 * ERR_CORRUPT  it is no YAML
 * ERR_LIMIT    it is longer than SCENE_MAX
 */
bool scene_read(ExtractFile *file, Err *err) ATTR_MUST_USE;

#endif
