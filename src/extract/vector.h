/* SPDX-License-Identifier: Apache-2.0 */
/* vector -- layers of points, lines and areas: one dataset a layer that has a position, with its extent */
#ifndef EXTRACT_VECTOR_H
#define EXTRACT_VECTOR_H

#include <gdal.h>

#include "extract/extract.h"

/* Add the layers of an open dataset to the record. Layers without geometry are left out. */
void vector_read(ExtractFile *file, GDALDatasetH ds);

#endif
