/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/rows.h"

#include "base/os.h"

enum { PIECE = 256 * 1024 };

const RowFormat *const row_formats[] = {
    [ROWS_CSV] = &row_format_csv,   [ROWS_JSONL] = &row_format_jsonl, [ROWS_BINARY] = &row_format_binary,
    [ROWS_FITS] = &row_format_fits, [ROWS_HDF5] = &row_format_hdf5,   [ROWS_VOTABLE] = &row_format_votable,
};

/* Numbers of types are part of PostgreSQL's protocol: src/include/catalog/pg_type.dat. */
static const struct {
    uint32_t type;
    RowKind kind;
    const char *name;
} types[] = {
    {16, ROW_BOOL, "boolean"},
    {20, ROW_INT8, "bigint"},
    {21, ROW_INT2, "smallint"},
    {23, ROW_INT4, "integer"},
    {700, ROW_FLOAT4, "real"},
    {701, ROW_FLOAT8, "double precision"},
    {17, ROW_TEXT, "bytea"},
    {18, ROW_TEXT, "\"char\""},
    {19, ROW_TEXT, "name"},
    {25, ROW_TEXT, "text"},
    {26, ROW_TEXT, "oid"},
    {114, ROW_TEXT, "json"},
    {1042, ROW_TEXT, "character"},
    {1043, ROW_TEXT, "character varying"},
    {1082, ROW_TEXT, "date"},
    {1083, ROW_TEXT, "time without time zone"},
    {1114, ROW_TEXT, "timestamp without time zone"},
    {1184, ROW_TEXT, "timestamp with time zone"},
    {1186, ROW_TEXT, "interval"},
    {1700, ROW_TEXT, "numeric"},
    {2950, ROW_TEXT, "uuid"},
    {3802, ROW_TEXT, "jsonb"},
    {1005, ROW_TEXT, "smallint[]"},
    {1007, ROW_TEXT, "integer[]"},
    {1009, ROW_TEXT, "text[]"},
    {1016, ROW_TEXT, "bigint[]"},
    {1021, ROW_TEXT, "real[]"},
    {1022, ROW_TEXT, "double precision[]"},
};

RowKind row_kind(uint32_t type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == type)
            return types[i].kind;
    return ROW_TEXT;
}

const char *row_type_name(uint32_t type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

size_t row_kind_size(RowKind kind)
{
    static const size_t sizes[] = {
        [ROW_BOOL] = 1,   [ROW_INT2] = 2,   [ROW_INT4] = 4, [ROW_INT8] = 8,
        [ROW_FLOAT4] = 4, [ROW_FLOAT8] = 8, [ROW_TEXT] = 0,
    };

    return sizes[kind];
}

/* ---- rows in PostgreSQL's binary form ---- */

RowReader row_reader_new(Arena *arena, size_t columns, RowTake *take, void *ctx)
{
    return (RowReader){
        .columns = columns, .take = take, .ctx = ctx, .values = arena_new(arena, RowValue, columns + 1)};
}

void row_reader_release(RowReader *reader)
{
    buf_release(&reader->rest);
}

static uint32_t big_endian(const char *at, size_t len)
{
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

/* How long the row at the front is; 0: its end is not there. The values point into it. */
static bool cut_row(RowReader *reader, Str bytes, size_t *out, Err *err)
{
    size_t at = 2;

    *out = 0;
    if (bytes.len < at)
        return true;
    if (big_endian(bytes.ptr, 2) != reader->columns)
        return err_set(err, ERR_CORRUPT, "a row has %u columns and not %zu", big_endian(bytes.ptr, 2),
                       reader->columns);
    for (size_t i = 0; i < reader->columns; i++) {
        if (bytes.len - at < 4)
            return true;
        uint32_t len = big_endian(bytes.ptr + at, 4);

        at += 4;
        if (len == UINT32_MAX) {
            reader->values[i] = (RowValue){0};
            continue;
        }
        if (len > INT32_MAX)
            return err_set(err, ERR_CORRUPT, "a value cannot be %u bytes long", len);
        if (bytes.len - at < len)
            return true;
        reader->values[i] = (RowValue){bytes.ptr + at, len};
        at += len;
    }
    *out = at;
    return true;
}

/* Passes on all rows that are whole, and says how far that came. */
static bool take_rows(RowReader *reader, Str bytes, size_t *used, Err *err)
{
    *used = 0;
    for (size_t len = 1; len > 0; *used += len) {
        if (!cut_row(reader, str_sub(bytes, *used, bytes.len), &len, err))
            return false;
        if (len > 0 && !reader->take(reader->ctx, reader->values, err))
            return false;
    }
    return true;
}

bool row_reader_put(RowReader *reader, Str bytes, Err *err)
{
    size_t used;

    /* A row in two pieces: enough of the second for its end, not all of it. */
    while (reader->rest.len > 0 && bytes.len > 0) {
        size_t more = reader->rest.len < bytes.len ? reader->rest.len : bytes.len;

        buf_put(&reader->rest, str_sub(bytes, 0, more));
        bytes = str_sub(bytes, more, bytes.len);
        if (!take_rows(reader, buf_str(&reader->rest), &used, err))
            return false;
        buf_consume(&reader->rest, used);
    }
    if (!take_rows(reader, bytes, &used, err))
        return false;
    buf_put(&reader->rest, str_sub(bytes, used, bytes.len));
    return true;
}

bool row_reader_end(RowReader *reader, Err *err)
{
    return reader->rest.len == 0 || err_set(err, ERR_CORRUPT, "the rows end within one");
}

/* ---- for writers ---- */

RowOut row_out_new(int fd)
{
    return (RowOut){.fd = fd};
}

void row_out_release(RowOut *out)
{
    buf_release(&out->bytes);
}

bool row_out_flush(RowOut *out, Err *err)
{
    bool ok = os_write_all(out->fd, buf_str(&out->bytes), err);

    buf_reset(&out->bytes);
    return ok;
}

bool row_out_put(RowOut *out, Str bytes, Err *err)
{
    buf_put(&out->bytes, bytes);
    out->written += (int64_t)bytes.len;
    return out->bytes.len < PIECE || row_out_flush(out, err);
}
