/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FITS 4.0 (2016, IAU FITS Working Group): an empty primary array and one binary table
 *
 * PostgreSQL's numbers are big endian as FITS wants them, so a row is put together by copying. Texts have any length: they are kept
 * in a spool, and become the heap behind the rows. How many rows there are and how large the heap is stands in the header,
 * which is written again at the end.
 *
 * Nulls: the smallest number of an integer type (TNULLn), NaN, a zero byte for a boolean; an empty text.
 *
 * Not by cfitsio: it moves the heap whenever rows are added in front of it, and keeps what goes to a pipe in memory.
 */
#include <stdio.h>

#include "base/os.h"
#include "dataset/rows.h"
#include "dataset/spool.h"

enum { BLOCK = 2880, CARD = 80, COLUMNS_MAX = 999, NAME_MAX_LEN = 60, HEAP_MEMORY = 4 * 1024 * 1024 };

typedef struct Fits {
    RowTarget target;
    RowOut out;
    SpoolPool pool;
    Spool heap;
    size_t row_bytes;
    int64_t rows, *longest; /* text of each column */
    Buf row;
} Fits;

static void release(void *fits_v)
{
    Fits *fits = fits_v;

    row_out_release(&fits->out);
    spool_release(&fits->heap);
    spool_pool_release(&fits->pool);
    buf_release(&fits->row);
}

static size_t bytes_of(const RowColumn *column)
{
    return column->kind == ROW_TEXT ? 16 : row_kind_size(column->kind); /* how long and where */
}

/* ---- the header ---- */

static void put_card(Buf *header, const char *keyword, size_t number, const char *value)
{
    char card[CARD + 1], name[32];

    if (number > 0)
        (void)snprintf(name, sizeof name, "%s%zu", keyword, number);
    else
        (void)snprintf(name, sizeof name, "%s", keyword);
    (void)snprintf(card, sizeof card, value ? "%-8s= %s" : "%-8s", name, value);
    size_t len = strlen(card);

    buf_put(header, (Str){card, len});
    for (; len < CARD; len++)
        buf_put_byte(header, ' ');
}

static void put_number(Buf *header, const char *keyword, size_t number, int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%20lld", (long long)value);
    put_card(header, keyword, number, text);
}

/* A quote is written twice. */
static void put_text(Buf *header, const char *keyword, size_t number, const char *value)
{
    char text[2 * NAME_MAX_LEN + 16];
    size_t at = 0;

    text[at++] = '\'';
    for (const char *c = value; *c; c++) {
        if (*c == '\'')
            text[at++] = '\'';
        text[at++] = *c;
    }
    for (; at < 9; at++)
        text[at] = ' '; /* some readers want eight at least */
    text[at++] = '\'';
    text[at] = '\0';
    put_card(header, keyword, number, text);
}

static void fill(Buf *bytes, char with)
{
    while (bytes->len % BLOCK != 0)
        buf_put_byte(bytes, with);
}

static void put_primary(Buf *header)
{
    put_card(header, "SIMPLE", 0, "                   T");
    put_number(header, "BITPIX", 0, 8);
    put_number(header, "NAXIS", 0, 0);
    put_card(header, "EXTEND", 0, "                   T");
    put_card(header, "END", 0, NULL);
    fill(header, ' ');
}

static void put_column(Buf *header, const Fits *fits, size_t i)
{
    static const char *const forms[] = {
        [ROW_BOOL] = "1L", [ROW_INT2] = "1I",   [ROW_INT4] = "1J",
        [ROW_INT8] = "1K", [ROW_FLOAT4] = "1E", [ROW_FLOAT8] = "1D",
    };
    static const int64_t nulls[] = {[ROW_INT2] = INT16_MIN, [ROW_INT4] = INT32_MIN, [ROW_INT8] = INT64_MIN};
    const RowColumn *column = &fits->target.columns[i];
    char form[40];

    if (column->kind == ROW_TEXT)
        (void)snprintf(form, sizeof form, "1QA(%lld)", (long long)fits->longest[i]);
    put_text(header, "TTYPE", i + 1, column->name);
    put_text(header, "TFORM", i + 1, column->kind == ROW_TEXT ? form : forms[column->kind]);
    if (column->kind == ROW_INT2 || column->kind == ROW_INT4 || column->kind == ROW_INT8)
        put_number(header, "TNULL", i + 1, nulls[column->kind]);
}

/* It has the same length whatever the numbers are. */
static void put_header(Buf *header, const Fits *fits)
{
    put_primary(header);
    put_card(header, "XTENSION", 0, "'BINTABLE'");
    put_number(header, "BITPIX", 0, 8);
    put_number(header, "NAXIS", 0, 2);
    put_number(header, "NAXIS1", 0, (int64_t)fits->row_bytes);
    put_number(header, "NAXIS2", 0, fits->rows);
    put_number(header, "PCOUNT", 0, spool_len(&fits->heap));
    put_number(header, "GCOUNT", 0, 1);
    put_number(header, "TFIELDS", 0, (int64_t)fits->target.count);
    for (size_t i = 0; i < fits->target.count; i++)
        put_column(header, fits, i);
    put_card(header, "END", 0, NULL);
    fill(header, ' ');
}

/* ---- rows ---- */

static bool check_columns(const RowTarget *target, Err *err)
{
    if (target->count > COLUMNS_MAX)
        return err_set(err, ERR_USAGE, "a table in FITS has at most %d columns", COLUMNS_MAX);
    for (size_t i = 0; i < target->count; i++) {
        const char *name = target->columns[i].name;
        size_t len = strlen(name), quotes = 0;

        for (const char *c = name; *c; c++) {
            if (*c < ' ' || *c > '~')
                return err_set(err, ERR_USAGE,
                               "the column '%s' cannot be named so in FITS: it has ASCII alone", name);
            quotes += *c == '\'';
        }
        if (len + quotes > NAME_MAX_LEN)
            return err_set(err, ERR_USAGE, "the name of column '%s' is too long for FITS", name);
    }
    return true;
}

static bool begin(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    Fits *fits = arena_new(arena, Fits, 1);
    BUF_SCOPE(header);

    if (!check_columns(target, err))
        return false;
    *fits = (Fits){.target = *target,
                   .out = row_out_new(target->fd),
                   .pool = spool_pool_new(target->dir, HEAP_MEMORY),
                   .longest = arena_new(arena, int64_t, target->count + 1)};
    fits->heap = spool_new(&fits->pool);
    arena_defer(arena, release, fits);
    for (size_t i = 0; i < target->count; i++)
        fits->row_bytes += bytes_of(&target->columns[i]);
    put_header(&header, fits);
    *out = fits;
    return row_out_put(&fits->out, buf_str(&header), err);
}

static void put_big_endian(Buf *row, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_put_byte(row, (char)(value >> shift));
}

static bool put_string(Fits *fits, size_t i, RowValue value, Err *err)
{
    for (size_t k = 0; k < value.len; k++)
        if (value.ptr[k] < ' ' || value.ptr[k] > '~') {
            (void)err_set(err, ERR_USAGE,
                          "a text in the column '%s' cannot be in FITS: it has printable ASCII alone",
                          fits->target.columns[i].name);
            return err_hint(err, "votable, hdf5, csv and jsonl have any text");
        }
    put_big_endian(&fits->row, value.len);
    put_big_endian(&fits->row, value.len > 0 ? (uint64_t)spool_len(&fits->heap) : 0);
    if ((int64_t)value.len > fits->longest[i])
        fits->longest[i] = (int64_t)value.len;
    return spool_put(&fits->heap, value, err);
}

static bool put_fixed(Fits *fits, size_t i, RowValue value, Err *err)
{
    static const char lowest[8] = {'\x80'}, nan[8] = {'\x7f', '\xf8'}, nan4[4] = {'\x7f', '\xc0'};
    const RowColumn *column = &fits->target.columns[i];
    size_t size = row_kind_size(column->kind);
    bool is_int = column->kind == ROW_INT2 || column->kind == ROW_INT4 || column->kind == ROW_INT8;

    if (!value.ptr && column->kind == ROW_BOOL)
        buf_put_byte(&fits->row, '\0');
    else if (!value.ptr)
        buf_put(&fits->row, (Str){is_int ? lowest : size == 8 ? nan : nan4, size});
    else if (value.len != size)
        return err_set(err, ERR_CORRUPT, "a value of the column '%s' has %zu bytes", column->name, value.len);
    else if (column->kind == ROW_BOOL)
        buf_put_byte(&fits->row, value.ptr[0] ? 'T' : 'F');
    else if (is_int && memcmp(value.ptr, lowest, size) == 0)
        return err_set(err, ERR_USAGE,
                       "the column '%s' has the lowest number there is, which stands for null in FITS",
                       column->name);
    else
        buf_put(&fits->row, value);
    return true;
}

static bool row(void *fits_v, const RowValue *values, Err *err)
{
    Fits *fits = fits_v;

    buf_reset(&fits->row);
    for (size_t i = 0; i < fits->target.count; i++)
        if (!(fits->target.columns[i].kind == ROW_TEXT ? put_string : put_fixed)(fits, i, values[i], err))
            return false;
    fits->rows++;
    return row_out_put(&fits->out, buf_str(&fits->row), err);
}

static bool put_heap(void *fits_v, Str bytes, Err *err)
{
    return row_out_put(&((Fits *)fits_v)->out, bytes, err);
}

static bool end(void *fits_v, Err *err)
{
    Fits *fits = fits_v;
    BUF_SCOPE(header);
    static const char zeros[BLOCK];

    put_header(&header, fits);
    if (!spool_give(&fits->heap, 0, 0, put_heap, fits, err) ||
        !row_out_put(&fits->out, (Str){zeros, (size_t)(-fits->out.written % BLOCK + BLOCK) % BLOCK}, err) ||
        !row_out_flush(&fits->out, err))
        return false;
    return os_pwrite_all(fits->target.fd, buf_str(&header), 0, err);
}

const RowFormat row_format_fits = {
    .name = "fits", .form = ROW_AS_KINDS, .seeks = true, .begin = begin, .row = row, .end = end};
