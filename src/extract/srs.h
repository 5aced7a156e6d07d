/* SPDX-License-Identifier: Apache-2.0 */
/* srs -- coordinate reference systems as WKT and PROJ texts; conversions are kept, because files repeat them */
#ifndef EXTRACT_SRS_H
#define EXTRACT_SRS_H

#include <ogr_srs_api.h>

#include "base/str.h"

/* The two texts of a system; "" where it is unknown or has none. WKT is GDAL's version 1, as the original's. */
typedef struct SrsText {
    Str wkt, proj4;
} SrsText;

SrsText srs_text(Arena *arena, OGRSpatialReferenceH srs);

/* From anything GDAL understands: "EPSG:32755", WKT, a PROJ text. Empty texts when it does not. */
SrsText srs_from_user(Arena *arena, Str given);

/* Whether coordinates of the system are degrees. */
bool srs_is_degrees(Str wkt);

/* Longitude and latitude on WGS 84. */
extern const char srs_wgs84[];

#endif
