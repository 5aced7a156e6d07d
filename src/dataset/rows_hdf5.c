/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HDF5: a dataset `rows` of one compound type, and beside it `nulls`, with a bit for each column of each row (the first column is the highest
 * bit of the first byte). A null is NaN, 0, FALSE or an empty text in `rows`. Texts are UTF-8 of any length; booleans are the
 * enumeration that h5py takes for them.
 */
#include <errno.h>
#include <stdio.h>

#include "dataset/hdf5.h"
#include "dataset/rows.h"

enum {
    PIECE = 1024 * 1024 /* of rows that are written at once */,
    NULLS_LEVEL = 1 /* of deflate */
};

typedef struct Hdf5 {
    RowTarget target;
    hid_t file, type, rows, nulls;
    size_t row_bytes, null_bytes, at_once; /* at_once: rows */
    size_t *offsets;
    hsize_t written;
    size_t count; /* rows in the buffers */
    Buf row_buf, null_buf, texts;
    bool broken; /* libhdf5 ends the program when it closes what it could not write: it stays open */
} Hdf5;

static bool failed(Hdf5 *hdf5, Err *err)
{
    hdf5->broken = true;
    return errno ? err_sys(err, ERR_IO, "libhdf5 cannot write")
                 : err_set(err, ERR_IO, "libhdf5 cannot write");
}

static void release(void *hdf5_v)
{
    Hdf5 *hdf5 = hdf5_v;

    if (hdf5->broken)
        hdf5->nulls = hdf5->rows = hdf5->type = hdf5->file = 0;
    if (hdf5->nulls > 0)
        (void)h5.H5Dclose(hdf5->nulls);
    if (hdf5->rows > 0)
        (void)h5.H5Dclose(hdf5->rows);
    if (hdf5->type > 0)
        (void)h5.H5Tclose(hdf5->type);
    if (hdf5->file > 0)
        (void)h5.H5Fclose(hdf5->file);
    hdf5->nulls = hdf5->rows = hdf5->type = hdf5->file = 0;
    buf_release(&hdf5->row_buf);
    buf_release(&hdf5->null_buf);
    buf_release(&hdf5->texts);
}

/* ---- begin ---- */

static hid_t text_type(void)
{
    hid_t type = h5.H5Tcopy(*h5.H5T_C_S1_g);

    (void)h5.H5Tset_size(type, H5T_VARIABLE);
    (void)h5.H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t bool_type(void)
{
    hid_t type = h5.H5Tenum_create(*h5.H5T_NATIVE_INT8_g);

    (void)h5.H5Tenum_insert(type, "FALSE", &(int8_t){0});
    (void)h5.H5Tenum_insert(type, "TRUE", &(int8_t){1});
    return type;
}

static bool insert_column(Hdf5 *hdf5, size_t i, Err *err)
{
    const RowColumn *column = &hdf5->target.columns[i];
    hid_t made = column->kind == ROW_TEXT ? text_type() : column->kind == ROW_BOOL ? bool_type() : 0;
    hid_t type = made                         ? made
                 : column->kind == ROW_INT2   ? *h5.H5T_NATIVE_INT16_g
                 : column->kind == ROW_INT4   ? *h5.H5T_NATIVE_INT32_g
                 : column->kind == ROW_INT8   ? *h5.H5T_NATIVE_INT64_g
                 : column->kind == ROW_FLOAT4 ? *h5.H5T_NATIVE_FLOAT_g
                                              : *h5.H5T_NATIVE_DOUBLE_g;
    bool ok = h5.H5Tinsert(hdf5->type, column->name, hdf5->offsets[i], type) >= 0;

    if (made)
        (void)h5.H5Tclose(made);
    return ok ||
           err_set(err, ERR_USAGE, "the column '%s' cannot be one in HDF5: is it there twice?", column->name);
}

/* `width` 0: one dimension. */
static hid_t make_dataset(const Hdf5 *hdf5, const char *name, hid_t type, hsize_t width)
{
    int dimensions = width ? 2 : 1;
    hsize_t size[] = {0, width}, most[] = {H5S_UNLIMITED, width}, chunk[] = {hdf5->at_once, width};
    hid_t space = h5.H5Screate_simple(dimensions, size, most);
    hid_t how = h5.H5Pcreate(*h5.H5P_CLS_DATASET_CREATE_ID_g);

    (void)h5.H5Pset_chunk(how, dimensions, chunk);
    if (width)
        (void)h5.H5Pset_deflate(how, NULLS_LEVEL);
    hid_t made = h5.H5Dcreate2(hdf5->file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    (void)h5.H5Pclose(how);
    (void)h5.H5Sclose(space);
    return made;
}

static void lay_out(Hdf5 *hdf5, Arena *arena)
{
    hdf5->offsets = arena_new(arena, size_t, hdf5->target.count + 1);
    for (size_t i = 0; i < hdf5->target.count; i++) {
        size_t size = row_kind_size(hdf5->target.columns[i].kind);

        hdf5->offsets[i] = hdf5->row_bytes;
        hdf5->row_bytes += size ? size : sizeof(char *);
    }
    hdf5->null_bytes = hdf5->target.count / 8 + 1;
    hdf5->at_once = PIECE / (hdf5->row_bytes + hdf5->null_bytes);
    hdf5->at_once += hdf5->at_once == 0;
}

static bool begin(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    ARENA_SCOPE(scratch);
    Hdf5 *hdf5 = arena_new(arena, Hdf5, 1);

    if (target->count == 0)
        return err_set(err, ERR_USAGE, "HDF5 wants one column at least");
    if (!hdf5_load(err))
        return false;
    *hdf5 = (Hdf5){.target = *target};
    lay_out(hdf5, arena);
    arena_defer(arena, release, hdf5);
    errno = 0;
    hdf5->file = h5.H5Fcreate(str_printf(&scratch, "/proc/self/fd/%d", target->fd).ptr, HDF5_TRUNCATE,
                              H5P_DEFAULT, H5P_DEFAULT);
    if (hdf5->file < 0)
        return failed(hdf5, err);
    hdf5->type = h5.H5Tcreate(H5T_COMPOUND, hdf5->row_bytes);
    for (size_t i = 0; i < target->count; i++)
        if (!insert_column(hdf5, i, err))
            return false;
    hdf5->rows = make_dataset(hdf5, "rows", hdf5->type, 0);
    hdf5->nulls = make_dataset(hdf5, "nulls", *h5.H5T_NATIVE_UINT8_g, hdf5->null_bytes);
    *out = hdf5;
    return (hdf5->rows > 0 && hdf5->nulls > 0) || failed(hdf5, err);
}

/* ---- rows ---- */

/* Texts have got their places: those of the rows become addresses. */
static void point_at_texts(Hdf5 *hdf5)
{
    for (size_t r = 0; r < hdf5->count; r++)
        for (size_t i = 0; i < hdf5->target.count; i++) {
            char *at = hdf5->row_buf.ptr + r * hdf5->row_bytes + hdf5->offsets[i];
            uintptr_t place;

            if (hdf5->target.columns[i].kind != ROW_TEXT)
                continue;
            memcpy(&place, at, sizeof place);
            char *text = hdf5->texts.ptr + place;
            memcpy(at, &text, sizeof text);
        }
}

static bool write_to(hid_t dataset, hid_t type, hsize_t from, hsize_t count, hsize_t width, const void *bytes)
{
    int dimensions = width ? 2 : 1;
    hsize_t all[] = {from + count, width}, start[] = {from, 0}, block[] = {count, width};

    if (h5.H5Dset_extent(dataset, all) < 0)
        return false;
    hid_t there = h5.H5Dget_space(dataset), here = h5.H5Screate_simple(dimensions, block, NULL);
    bool ok = h5.H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, block, NULL) >= 0 &&
              h5.H5Dwrite(dataset, type, here, there, H5P_DEFAULT, bytes) >= 0;

    (void)h5.H5Sclose(there);
    (void)h5.H5Sclose(here);
    return ok;
}

static bool write_rows(Hdf5 *hdf5, Err *err)
{
    if (hdf5->count == 0)
        return true;
    point_at_texts(hdf5);
    errno = 0;
    if (!write_to(hdf5->rows, hdf5->type, hdf5->written, hdf5->count, 0, hdf5->row_buf.ptr) ||
        !write_to(hdf5->nulls, *h5.H5T_NATIVE_UINT8_g, hdf5->written, hdf5->count, hdf5->null_bytes,
                  hdf5->null_buf.ptr))
        return failed(hdf5, err);
    hdf5->written += hdf5->count;
    hdf5->count = 0;
    buf_reset(&hdf5->row_buf);
    buf_reset(&hdf5->null_buf);
    buf_reset(&hdf5->texts);
    return true;
}

static void put_text(Hdf5 *hdf5, RowValue value)
{
    uintptr_t place = hdf5->texts.len;

    buf_put(&hdf5->texts, value);
    buf_put_byte(&hdf5->texts, '\0');
    buf_put(&hdf5->row_buf, (Str){(const char *)&place, sizeof place});
}

/* From the network's order to the machine's. */
static void put_reversed(Buf *out, RowValue value)
{
    char *to = buf_reserve(out, value.len);

    for (size_t i = 0; i < value.len; i++)
        to[i] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value.ptr[value.len - 1 - i] : value.ptr[i];
    out->len += value.len;
}

static bool put_value(Hdf5 *hdf5, size_t i, RowValue value, Err *err)
{
    static const char zeros[8], nan[8] = {'\x7f', '\xf8'}, nan4[4] = {'\x7f', '\xc0'};
    const RowColumn *column = &hdf5->target.columns[i];
    size_t size = row_kind_size(column->kind);

    if (column->kind == ROW_TEXT)
        put_text(hdf5, value);
    else if (!value.ptr)
        put_reversed(&hdf5->row_buf, (Str){column->kind == ROW_FLOAT8   ? nan
                                           : column->kind == ROW_FLOAT4 ? nan4
                                                                        : zeros,
                                           size});
    else if (value.len != size)
        return err_set(err, ERR_CORRUPT, "a value of the column '%s' has %zu bytes", column->name, value.len);
    else
        put_reversed(&hdf5->row_buf, value);
    return true;
}

static bool row(void *hdf5_v, const RowValue *values, Err *err)
{
    Hdf5 *hdf5 = hdf5_v;

    for (size_t i = 0; i < hdf5->target.count; i += 8) {
        unsigned nulls = 0;

        for (size_t k = 0; k < 8 && i + k < hdf5->target.count; k++)
            nulls |= (unsigned)(values[i + k].ptr == NULL) << (7 - k);
        buf_put_byte(&hdf5->null_buf, (char)nulls);
    }
    for (size_t i = 0; i < hdf5->target.count; i++)
        if (!put_value(hdf5, i, values[i], err))
            return false;
    return (++hdf5->count < hdf5->at_once && hdf5->texts.len < PIECE) || write_rows(hdf5, err);
}

static bool close_one(hid_t *id, herr_t (*close)(hid_t))
{
    hid_t open = *id;

    *id = 0;
    return close(open) >= 0;
}

static bool end(void *hdf5_v, Err *err)
{
    Hdf5 *hdf5 = hdf5_v;

    if (!write_rows(hdf5, err))
        return false;
    errno = 0;
    bool ok = close_one(&hdf5->nulls, h5.H5Dclose);
    ok = close_one(&hdf5->rows, h5.H5Dclose) && ok;
    ok = close_one(&hdf5->type, h5.H5Tclose) && ok;
    ok = close_one(&hdf5->file, h5.H5Fclose) && ok;
    return ok || failed(hdf5, err);
}

const RowFormat row_format_hdf5 = {
    .name = "hdf5", .form = ROW_AS_KINDS, .seeks = true, .begin = begin, .row = row, .end = end};
