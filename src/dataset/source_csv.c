/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <xxhash.h>

#include "dataset/csv.h"
#include "dataset/source.h"

enum { EVERY = 1024 /* rows between two places that are known */ };

typedef struct CsvState {
    Csv *csv;
    int64_t *places; /* of every EVERYth row, in bytes */
    size_t places_count, places_size;
    size_t *pick;  /* for each column: which field of a row */
    bool as_it_is; /* rows need not be changed */
} CsvState;

static bool is_csv(Str start, const char *path)
{
    (void)path;
    return !start.ptr || !memchr(start.ptr, 0, start.len);
}

static void note_place(Source *source, CsvState *state)
{
    if (state->places_count == state->places_size) {
        size_t size = state->places_size ? state->places_size * 2 : 64;
        int64_t *more = arena_new(source->arena, int64_t, size);

        if (state->places_count)
            memcpy(more, state->places, state->places_count * sizeof *more);
        state->places = more;
        state->places_size = size;
    }
    state->places[state->places_count++] = csv_offset(state->csv);
}

static bool find_places(Source *source, CsvState *state, Err *err)
{
    int64_t rows, in_step = 0;
    Str piece;

    for (;;) {
        if (in_step == 0)
            note_place(source, state);
        if (!csv_next(state->csv, EVERY - in_step, &piece, &rows, err))
            return false;
        if (rows == 0)
            break;
        in_step = (in_step + rows) % EVERY;
    }
    source->rows = csv_row(state->csv);
    return true;
}

static size_t field_of(const Columns *file, Str field)
{
    size_t i = 0;

    while (!str_eq(file->items[i].field, field))
        i++;
    return i;
}

static bool open_csv(Source *source, const SourceOptions *options, Err *err)
{
    CsvState *state = arena_new(source->arena, CsvState, 1);

    *state = (CsvState){0};
    source->state = state;
    if (!csv_open(source->arena, source->path, &state->csv, err))
        return false;
    const Columns *file = csv_columns(state->csv);
    source->columns = *file;
    if (options->schema &&
        !columns_apply(source->arena, options->schema, file, source->path, &source->columns, err))
        return false;
    state->pick = arena_new(source->arena, size_t, source->columns.count);
    state->as_it_is = source->columns.count == file->count;
    for (size_t i = 0; i < source->columns.count; i++) {
        state->pick[i] = field_of(file, source->columns.items[i].field);
        state->as_it_is = state->as_it_is && state->pick[i] == i;
    }
    return find_places(source, state, err);
}

/* To a row: from where one is, or from the last known place before it. */
static bool go_to(CsvState *state, int64_t row, Err *err)
{
    int64_t here = csv_row(state->csv), rows;
    Str piece;

    if (row < here || row / EVERY > here / EVERY)
        csv_seek(state->csv, state->places[row / EVERY], row / EVERY * EVERY);
    while (csv_row(state->csv) < row)
        if (!csv_next(state->csv, row - csv_row(state->csv), &piece, &rows, err))
            return false;
    return true;
}

/* ---- rows ---- */

/* A field with its quotes, off the front of a row. */
static bool take_raw(Str *row, Str *out)
{
    bool in_quotes = false;
    size_t at = 0;

    if (!row->ptr)
        return false;
    for (; at < row->len && (in_quotes || row->ptr[at] != ','); at++)
        in_quotes ^= row->ptr[at] == '"';
    *out = str_sub(*row, 0, at);
    *row = at < row->len ? str_sub(*row, at + 1, row->len) : (Str){0};
    return true;
}

static bool put_picked(const Source *source, const CsvState *state, Str row, Str *fields, Buf *out, Err *err)
{
    size_t count = csv_columns(state->csv)->count, found = 0;
    Str rest = csv_without_end(row);

    while (found < count && take_raw(&rest, &fields[found]))
        found++;
    if (found < count || rest.ptr)
        return err_set(err, ERR_USAGE, "row %lld has %s than %zu fields", (long long)csv_row(state->csv),
                       rest.ptr ? "more" : "less", count);
    for (size_t i = 0; i < source->columns.count; i++) {
        if (i > 0)
            buf_put_byte(out, ',');
        buf_put(out, fields[state->pick[i]]);
    }
    buf_put_byte(out, '\n');
    return true;
}

static bool put_rows(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    CsvState *state = source->state;
    ARENA_SCOPE(scratch);
    Str *fields = arena_new(&scratch, Str, csv_columns(state->csv)->count);
    int64_t rows;
    Str piece;

    if (!go_to(state, first, err))
        return false;
    for (int64_t left = count; left > 0; left -= rows) {
        if (!csv_next(state->csv, state->as_it_is ? left : 1, &piece, &rows, err))
            return false;
        if (rows == 0)
            return err_set(err, ERR_IO, "it became shorter while it was read");
        if (state->as_it_is)
            buf_put(out, piece);
        else if (!put_picked(source, state, piece, fields, out, err))
            return false;
    }
    return true;
}

/* ---- sites ---- */

static bool is_wanted(const CsvState *state, int column, size_t field)
{
    return column >= 0 && state->pick[column] == field;
}

static void take_site(const Source *source, const CsvState *state, size_t field, Str value, Site *out)
{
    const SiteColumns *sites = &source->sites;
    int64_t number;
    double real;

    if (is_wanted(state, sites->key, field) && value.len > 0) {
        out->has_key = true;
        if (!str_to_int64(value, &out->key))
            out->key = (int64_t)XXH3_64bits(value.ptr, value.len);
    }
    if (is_wanted(state, sites->snap, field) && str_to_int64(value, &number) && number > INT32_MIN &&
        number <= INT32_MAX)
        out->snap = (int32_t)number;
    for (int i = 0; i < 3; i++)
        if (is_wanted(state, sites->at[i], field) && str_to_double(value, &real))
            out->at[i] = real;
}

static bool read_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    CsvState *state = source->state;
    BUF_SCOPE(field);
    int64_t rows;
    bool quoted;
    Str row;

    if (!go_to(state, first, err))
        return false;
    for (int64_t i = 0; i < count; i++) {
        if (!csv_next(state->csv, 1, &row, &rows, err))
            return false;
        if (rows == 0)
            return err_set(err, ERR_IO, "it became shorter while it was read");
        out[i] = (Site){.at = {NAN, NAN, NAN}, .snap = SITE_NO_SNAP};
        row = csv_without_end(row);
        for (size_t f = 0; csv_take_field(&row, &field, &quoted); f++)
            take_site(source, state, f, buf_str(&field), &out[i]);
    }
    return true;
}

const SourceKind source_csv = {
    .name = "csv",
    .what = "CSV with a line of names",
    .is = is_csv,
    .open = open_csv,
    .put = put_rows,
    .sites = read_sites,
};
