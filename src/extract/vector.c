/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/vector.h"

#include <math.h>
#include <ogr_api.h>

#include "extract/footprint.h"
#include "extract/srs.h"

static void read_layer(ExtractFile *file, OGRLayerH layer)
{
    OGREnvelope box;
    RecordSet *set;
    SrsText srs;

    if (OGR_L_GetGeomType(layer) == wkbNone)
        return;
    set = record_add(file->record, file->arena);
    srs = srs_text(file->arena, OGR_L_GetSpatialRef(layer));
    set->ds_name = file->path;
    set->name_space = str_copy(file->arena, str_from_z(OGR_L_GetName(layer)));
    set->array_type = str_copy(file->arena, str_from_z(OGRGeometryTypeToName(OGR_L_GetGeomType(layer))));
    set->proj_wkt = srs.wkt;
    set->proj4 = srs.proj4;
    set->polygon = STR("POLYGON EMPTY");
    /* Formats without an index are read through for it, under the time limit of the file. */
    if (OGR_L_GetExtent(layer, &box, TRUE) == OGRERR_NONE && isfinite(box.MinX) && box.MinX <= box.MaxX) {
        double pad = box.MinX < box.MaxX && box.MinY < box.MaxY ? 0 : 1e-6; /* a ring needs an area */

        set->polygon =
            footprint_of_box(file->arena, box.MinX - pad, box.MaxY + pad, box.MaxX + pad, box.MinY - pad);
    }
    if (file->match.has_time) {
        set->stamps = arena_new(file->arena, Instant, 1);
        set->stamps[0] = file->match.time;
        set->stamps_len = 1;
    }
}

/* A shapefile is several files that each open as the whole: the one with the shapes counts. */
static bool is_side_file(const ExtractFile *file)
{
    return str_eq_z(file->record->file_type, "ESRI Shapefile") && !str_ends(file->path, STR(".shp")) &&
           !str_ends(file->path, STR(".SHP")) && !str_ends(file->path, STR(".zip"));
}

void vector_read(ExtractFile *file, GDALDatasetH ds)
{
    int n = GDALDatasetGetLayerCount(ds);

    if (is_side_file(file))
        return;
    for (int i = 0; i < n && i < EXTRACT_SETS_MAX; i++) {
        OGRLayerH layer = GDALDatasetGetLayer(ds, i);

        if (layer)
            read_layer(file, layer);
    }
}
