/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"

enum { PIECE = 256 * 1024, SAMPLE_BYTES = 4 * 1024 * 1024 };

struct Csv {
    const char *path;
    int fd;
    Buf in; /* what was read; from `used` on it was not given */
    size_t used;
    off_t at;    /* where in the file the next bytes are read */
    bool ended;  /* there is no more to read */
    int made;    /* bytes in `in` that the file does not have: a last newline */
    int64_t row; /* rows given */
    Columns columns;
};

static void close_csv(void *csv_v)
{
    Csv *csv = csv_v;

    os_close(&csv->fd);
    buf_release(&csv->in);
}

const Columns *csv_columns(const Csv *csv)
{
    return &csv->columns;
}

int64_t csv_row(const Csv *csv)
{
    return csv->row;
}

/* ---- rows ---- */

static bool read_more(Csv *csv, Err *err)
{
    buf_consume(&csv->in, csv->used);
    csv->used = 0;
    size_t got;
    if (!os_pread_all(csv->fd, buf_reserve(&csv->in, PIECE + 1), PIECE, csv->at, &got, err))
        return err_wrap(err, "cannot read '%s'", csv->path);
    csv->in.len += got;
    csv->at += (off_t)got;
    csv->ended = got == 0;
    if (csv->ended && csv->in.len > 0 && csv->in.ptr[csv->in.len - 1] != '\n') {
        buf_put_byte(&csv->in, '\n');
        csv->made = 1;
    }
    return true;
}

/* Where rows end: at newlines that are not in quotes. A quote in quotes is written twice, which opens them again at once. */
static size_t find_rows(Str bytes, int64_t most, int64_t *rows, bool *quoted)
{
    size_t end = 0;
    bool in_quotes = false;

    *rows = 0;
    for (size_t i = 0; i < bytes.len && *rows < most; i++) {
        if (bytes.ptr[i] == '"')
            in_quotes = !in_quotes;
        else if (bytes.ptr[i] == '\n' && !in_quotes) {
            end = i + 1;
            ++*rows;
        }
    }
    *quoted = in_quotes;
    return end;
}

/* Rows from `used` on, left there: as many as are read, one at least unless the file has no more. */
static bool look_ahead(Csv *csv, int64_t most, Str *out, int64_t *rows, Err *err)
{
    for (;;) {
        Str left = str_sub(buf_str(&csv->in), csv->used, csv->in.len);
        bool quoted;
        size_t end = find_rows(left, most, rows, &quoted);

        *out = str_sub(left, 0, end);
        if (*rows > 0)
            return true;
        if (csv->ended && left.len == 0)
            return true;
        if (csv->ended)
            return err_set(err, ERR_USAGE, "'%s' ends within quotes, behind row %lld", csv->path,
                           (long long)csv->row);
        if (left.len > CSV_ROW_MAX)
            return err_set(err, ERR_LIMIT, "row %lld of '%s' is longer than %d bytes",
                           (long long)csv->row + 1, csv->path, CSV_ROW_MAX);
        if (!read_more(csv, err))
            return false;
    }
}

bool csv_next(Csv *csv, int64_t most, Str *out, int64_t *rows, Err *err)
{
    if (!look_ahead(csv, most, out, rows, err))
        return false;
    csv->used += out->len;
    csv->row += *rows;
    return true;
}

bool csv_at_end(Csv *csv, bool *out, Err *err)
{
    int64_t rows;
    Str ignored;

    if (!look_ahead(csv, 1, &ignored, &rows, err))
        return false;
    *out = rows == 0;
    return true;
}

int64_t csv_offset(const Csv *csv)
{
    return (int64_t)csv->at - (int64_t)(csv->in.len - csv->used) + csv->made;
}

void csv_seek(Csv *csv, int64_t offset, int64_t row)
{
    buf_reset(&csv->in);
    csv->used = 0;
    csv->at = (off_t)offset;
    csv->made = 0;
    csv->ended = false;
    csv->row = row;
}

/* ---- fields ---- */

bool csv_take_field(Str *row, Buf *out, bool *quoted)
{
    size_t at = 0;

    buf_reset(out);
    *quoted = false;
    if (!row->ptr)
        return false;
    for (bool in_quotes = false; at < row->len && (in_quotes || row->ptr[at] != ','); at++) {
        char c = row->ptr[at];

        if (c == '"' && in_quotes && at + 1 < row->len && row->ptr[at + 1] == '"') {
            buf_put_byte(out, c);
            at++;
        } else if (c == '"') {
            in_quotes = !in_quotes;
            *quoted = true;
        } else
            buf_put_byte(out, c);
    }
    *row = at < row->len ? str_sub(*row, at + 1, row->len) : (Str){0};
    return true;
}

Str csv_without_end(Str row)
{
    while (row.len > 0 && (row.ptr[row.len - 1] == '\n' || row.ptr[row.len - 1] == '\r'))
        row.len--;
    return row;
}

static bool read_names(Csv *csv, Arena *arena, Err *err)
{
    static const Str mark = {"\xef\xbb\xbf", 3}; /* what some programs begin UTF-8 with */
    BUF_SCOPE(field);
    int64_t rows;
    bool quoted;
    Str row;

    if (!csv_next(csv, 1, &row, &rows, err))
        return false;
    if (rows == 0)
        return err_set(err, ERR_USAGE, "'%s' is empty", csv->path);
    csv->row = 0;
    row = csv_without_end(str_starts(row, mark) ? str_sub(row, mark.len, row.len) : row);
    csv->columns = (Columns){arena_new(arena, Column, COLUMNS_MAX + 1), 0};
    while (csv->columns.count <= COLUMNS_MAX && csv_take_field(&row, &field, &quoted)) {
        Column *column = &csv->columns.items[csv->columns.count++];

        *column = (Column){.field = str_copy(arena, str_trim(buf_str(&field))), .type = "text"};
        column->name = column_name(arena, column->field);
    }
    return columns_check(&csv->columns, csv->path, err);
}

/* ---- types ---- */

/* From narrow to wide; a column has the widest that one of its values needs. */
static const char *const types[] = {"bigint", "double precision", "text"};
enum { TYPE_BIGINT, TYPE_DOUBLE, TYPE_TEXT };

const char *csv_wider(const char *a, const char *b)
{
    for (size_t i = COUNT_OF(types); i > 0; i--)
        if (strcmp(a, types[i - 1]) == 0 || strcmp(b, types[i - 1]) == 0)
            return types[i - 1];
    return a;
}

static int type_of(Str value, bool quoted)
{
    int64_t number;
    double real;

    if (quoted)
        return TYPE_TEXT;
    return str_to_int64(value, &number) ? TYPE_BIGINT : str_to_double(value, &real) ? TYPE_DOUBLE : TYPE_TEXT;
}

static void widen(const Csv *csv, Str row, int *found)
{
    BUF_SCOPE(field);
    bool quoted;

    row = csv_without_end(row);
    for (size_t i = 0; i < csv->columns.count && csv_take_field(&row, &field, &quoted); i++) {
        Str value = buf_str(&field);
        int type = value.len == 0 && !quoted ? -1 : type_of(value, quoted); /* nothing: null */

        found[i] = type > found[i] ? type : found[i];
    }
}

/* What is looked at stays to be given. */
static bool find_types(Csv *csv, Arena *arena, Err *err)
{
    int *found = arena_new(arena, int, csv->columns.count);
    int64_t rows, one;
    bool quoted;
    Str sample;

    for (size_t i = 0; i < csv->columns.count; i++)
        found[i] = -1;
    while (!csv->ended && csv->in.len - csv->used < SAMPLE_BYTES) {
        if (!look_ahead(csv, CSV_SAMPLE, &sample, &rows, err))
            return false;
        if (rows == CSV_SAMPLE || csv->ended)
            break;
        if (!read_more(csv, err))
            return false;
    }
    if (!look_ahead(csv, CSV_SAMPLE, &sample, &rows, err))
        return false;
    while (sample.len > 0) {
        size_t end = find_rows(sample, 1, &one, &quoted);

        widen(csv, str_sub(sample, 0, end), found);
        sample = str_sub(sample, end, sample.len);
    }
    for (size_t i = 0; i < csv->columns.count; i++)
        csv->columns.items[i].type = types[found[i] < 0 ? TYPE_TEXT : found[i]];
    return true;
}

bool csv_open(Arena *arena, const char *path, Csv **out, Err *err)
{
    Csv *csv = arena_new(arena, Csv, 1);

    *csv = (Csv){.path = str_copy(arena, str_from_z(path)).ptr, .fd = os_open(path, O_RDONLY, 0)};
    if (csv->fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open '%s'", path);
    arena_defer(arena, close_csv, csv);
    if (!read_names(csv, arena, err) || !find_types(csv, arena, err))
        return false;
    *out = csv;
    return true;
}
