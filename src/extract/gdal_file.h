/* SPDX-License-Identifier: Apache-2.0 */
/* gdal_file -- records of what GDAL opens: rasters, sub-datasets, GRIB messages, vector layers */
#ifndef EXTRACT_GDAL_FILE_H
#define EXTRACT_GDAL_FILE_H

#include "extract/extract.h"

/*
 * Fill the record of a file. A sub-dataset that cannot be read is left out and named in file->missing.
 *
 * ERR_NOT_FOUND  no format's reader recognizes the file
 * ERR_IO         it is recognized but cannot be opened
 * ERR_CORRUPT    the same, but nothing but a word or two in it made a reader try
 */
bool gdal_file_read(ExtractFile *file, Err *err) ATTR_MUST_USE;

#endif
