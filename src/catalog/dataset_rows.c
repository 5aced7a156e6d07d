/* SPDX-License-Identifier: Apache-2.0 */
/* The part of dataset.h that is about rows: dataset_put_rows(), dataset_put_levels(). */
#include <string.h>

#include "catalog/dataset_inside.h"
#include "catalog/grid.h"
#include "db/copy.h"

enum { DATASET_COLUMNS = 26, CELL_COLUMNS = 9 };

static void put_id(Buf *rows, int id)
{
    if (id)
        copy_int4(rows, id);
    else
        copy_null(rows);
}

static void put_shape(Buf *rows, const Dataset *ds)
{
    BUF_SCOPE(ewkb);

    if (!ds->has_shape) {
        copy_null(rows);
        return;
    }
    geometry_put_ewkb(&ewkb, &ds->shape, ds->system->srid);
    copy_text(rows, buf_str(&ewkb));
}

static void put_boxes(Buf *rows, const Dataset *ds)
{
    const FootprintBox *box = &ds->footprint.box;
    bool across = box->east < box->west;
    const double columns[] = {footprint_mercator_x(across ? -180 : box->west),
                              footprint_mercator_y(box->south),
                              footprint_mercator_x(across ? 180 : box->east),
                              footprint_mercator_y(box->north),
                              box->west,
                              box->south,
                              box->east,
                              box->north};

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        if (ds->footprint.known)
            copy_float8(rows, columns[i]);
        else
            copy_null(rows);
}

static void put_stamps(Buf *rows, const Dataset *ds)
{
    copy_timestamptz_array(rows, ds->stamps, ds->stamp_count);
    if (ds->stamp_count) {
        copy_timestamptz(rows, ds->first);
        copy_timestamptz(rows, ds->last);
    } else {
        copy_null(rows);
        copy_null(rows);
    }
}

static void put_shape_key(Buf *rows, const Dataset *ds)
{
    if (ds->has_shape)
        copy_int8(rows, ds->shape_key);
    else
        copy_null(rows);
}

static void put_dataset(Buf *rows, const Dataset *ds, bool alike, const PathHash *path,
                        const PathHash *parent)
{
    copy_row(rows, DATASET_COLUMNS);
    copy_uuid(rows, path->bytes);
    if (parent)
        copy_uuid(rows, parent->bytes);
    else
        copy_null(rows);
    copy_int4(rows, ds->number);
    put_stamps(rows, ds);
    if (ds->name.len)
        copy_text(rows, ds->name);
    else
        copy_null(rows);
    put_id(rows, ds->name_id);
    copy_numeric(rows, ds->pixel_x);
    copy_numeric(rows, ds->pixel_y);
    put_shape(rows, ds);
    put_id(rows, ds->system->id);
    put_id(rows, ds->axes_id);
    put_boxes(rows, ds);
    copy_text(rows, ds->answer);
    copy_int8(rows, ds->id);
    put_shape_key(rows, ds);
    copy_int8(rows, ds->gap);
    copy_bool(rows, alike);
}

/* ---- levels ---- */

static void put_level(Buf *rows, uint32_t key, uint32_t count)
{
    copy_row(rows, 4);
    copy_int4(rows, (int32_t)(key >> 8));
    copy_int2(rows, (int16_t)(key >> 5 & 7));
    copy_int2(rows, (int16_t)(key & 31));
    copy_int8(rows, count);
}

static void count_level(DatasetLevels *levels, Buf *rows, uint32_t key, uint32_t count)
{
    size_t place = (key ^ key >> 8) % COUNT_OF(levels->places);

    if (levels->places[place].count > 0 && levels->places[place].key != key) {
        put_level(rows, levels->places[place].key, levels->places[place].count);
        levels->places[place].count = 0;
    }
    levels->places[place].key = key;
    levels->places[place].count += count;
}

void dataset_put_levels(DatasetLevels *levels, Buf *rows)
{
    for (size_t i = 0; i < COUNT_OF(levels->places); i++)
        if (levels->places[i].count > 0)
            put_level(rows, levels->places[i].key, levels->places[i].count);
    memset(levels->places, 0, sizeof levels->places);
}

static void put_cells(const Dataset *ds, const DatasetRows *out)
{
    uint32_t cells[GRID_CELLS_MAX];
    int level, count = grid_cells(&ds->footprint, &level, cells);
    GridBox box = grid_box(&ds->footprint);
    int span = ds->stamp_count ? grid_span(ds->first, ds->last) : GRID_SPAN_NONE;
    Buf *rows = out->cells;

    if (count > 0)
        count_level(out->levels, out->level_rows, (uint32_t)(grid_key(ds->name_id, span, level, 0) >> 32),
                    (uint32_t)count);
    for (int i = 0; i < count; i++) {
        copy_row(rows, CELL_COLUMNS);
        copy_int8(rows, grid_key(ds->name_id, span, level, cells[i]));
        copy_int8(rows, ds->last);
        copy_int8(rows, ds->first);
        copy_int8(rows, ds->id);
        copy_int2(rows, box.west);
        copy_int2(rows, box.south);
        copy_int2(rows, box.east);
        copy_int2(rows, box.north);
        put_shape_key(rows, ds);
    }
}

void dataset_put_rows(const DatasetList *list, const PathHash *path, const PathHash *parent,
                      const DatasetRows *rows)
{
    for (const Dataset *ds = list->first; ds; ds = ds->next) {
        put_dataset(rows->datasets, ds, list->alike, path, parent);
        put_cells(ds, rows);
        copy_row(rows->fresh, 1);
        copy_int8(rows->fresh, ds->id);
    }
}
