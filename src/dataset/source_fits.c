/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary tables of FITS, by cfitsio (loaded when it is needed: its start would be paid by every command). Numbers and texts of all kinds, short
 * arrays as columns of their own; TSCAL, TZERO and TNULL count, and NaN stands for nothing, as FITS 4.0 has it. The rows are read as
 * they are in the file and turned into PostgreSQL's here. Texts of any length (PA, QA) are in the heap behind the rows: a row says where, and
 * gets the address in memory instead.
 */
#include <fitsio.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/late.h"
#include "dataset/fits_heap.h"
#include "dataset/trees.h"

enum {
    ARRAY_MAX = 16 /* elements that become columns */,
    TEXT_MAX_BYTES = 65536,
    ROW_BYTES_MAX = 1024 * 1024
};

#define FUNCTIONS(X) \
    X(ffdkopn)       \
    X(ffclos)        \
    X(ffghadll)      \
    X(ffgkyjj)       \
    X(ffgkys) X(ffthdu) X(ffmahd) X(ffmnhd) X(ffghdt) X(ffgnrwll) X(ffgncl) X(ffgbclll) X(ffgtbb) X(ffgerr)

static struct {
    FUNCTIONS(LATE_MEMBER)
} fits;

static void load(void)
{
#define ENTRY(name) LATE_ENTRY(__typeof__(fits), name)
    static const LateFunction functions[] = {FUNCTIONS(ENTRY)};

    late_load("libcfitsio.so.10", functions, COUNT_OF(functions), &fits);
}

typedef struct FitsState {
    fitsfile *file;
    int hdu; /* from 1 */
    RecordLayout layout;
    bool has_texts; /* in the heap */
    FitsHeap heap;
} FitsState;

static bool failed(const char *doing, const Source *source, int status, Err *err)
{
    char text[FLEN_STATUS] = "";

    fits.ffgerr(status, text);
    return err_set(err, status == FILE_NOT_OPENED ? ERR_IO : ERR_USAGE, "cannot %s '%s': %s", doing,
                   source->path, text);
}

static bool is_fits(Str start, const char *path)
{
    (void)path;
    return str_starts(start, STR("SIMPLE  ="));
}

static void close_fits(void *state_v)
{
    FitsState *state = state_v;
    int status = 0;

    if (state->file)
        (void)fits.ffclos(state->file, &status);
    state->file = NULL;
    fits_heap_release(&state->heap);
}

/* By name or number; without one, the first binary table. */
static bool find_table(Source *source, FitsState *state, const char *part, Err *err)
{
    int status = 0, count = 0, kind = 0, number;
    char *end;

    if (fits.ffthdu(state->file, &count, &status))
        return failed("read", source, status, err);
    for (number = 1; !part && number <= count; number++)
        if (!fits.ffmahd(state->file, number, &kind, &status) && kind == BINARY_TBL)
            break;
    if (part) {
        number = (int)strtol(part, &end, 10);
        if (*end == '\0' ? fits.ffmahd(state->file, number, &kind, &status)
                         : fits.ffmnhd(state->file, ANY_HDU, (char *)(uintptr_t)part, 0, &status))
            return failed("find that part of", source, status, err);
        (void)fits.ffghdt(state->file, &kind, &status);
    }
    if (status || kind != BINARY_TBL)
        return err_set(err, ERR_USAGE, "'%s' has no binary table%s%s", source->path, part ? " at " : "",
                       part ? part : "");
    state->hdu = number;
    return true;
}

/* ---- columns ---- */

/* What cfitsio gives for a TNULL that is not there (NULL_UNDEFINED of its fitsio2.h, which is not installed). */
#define UNDEFINED_NULL 1234554321

static const struct {
    char letter;
    Stored stored;
    size_t bytes;
} kinds[] = {
    {'L', STORED_BOOL, 1},  {'B', STORED_UINT8, 1},   {'I', STORED_INT16, 2},   {'J', STORED_INT32, 4},
    {'K', STORED_INT64, 8}, {'E', STORED_FLOAT32, 4}, {'D', STORED_FLOAT64, 8}, {'A', STORED_CHARS, 1},
    {'X', STORED_NONE, 0},  {'C', STORED_NONE, 8},    {'M', STORED_NONE, 16},   {'P', STORED_NONE, 8},
    {'Q', STORED_NONE, 16},
};

typedef struct FitsColumn {
    char name[FLEN_VALUE], unit[FLEN_VALUE], kind[FLEN_VALUE];
    LONGLONG repeat, null;
    double scale, zero;
} FitsColumn;

/* Unsigned numbers are kept as signed ones, with half of their range taken off. */
static Encoding encoding_of(const FitsColumn *from, Stored *stored)
{
    static const struct {
        Stored stored;
        double zero;
        int64_t sign;
    } moved[] = {
        {STORED_UINT8, -128, -128},
        {STORED_INT16, 32768, 32768},
        {STORED_INT32, 2147483648.0, 2147483648},
        {STORED_INT64, 9223372036854775808.0, INT64_MIN},
    };
    bool whole = *stored >= STORED_INT8 && *stored <= STORED_UINT64;
    Encoding out = {.nan_is_null = true};

    if (whole && from->null != UNDEFINED_NULL) {
        out.has_null = true;
        out.null = from->null;
    }
    for (size_t i = 0; i < COUNT_OF(moved); i++)
        if (whole && *stored == moved[i].stored && from->scale == 1 && from->zero == moved[i].zero)
            out.sign = moved[i].sign;
    out.has_null = out.has_null || *stored == STORED_BOOL;
    if (!out.sign && (from->scale != 1 || from->zero != 0)) {
        out.scaled = true;
        out.scale = from->scale;
        out.zero = from->zero;
    }
    return out;
}

static const char *type_of(Stored stored, const Encoding *encoding)
{
    if (encoding->scaled)
        return "double precision";
    return encoding->sign > 0 ? stored_type(stored == STORED_INT16 ? STORED_UINT16 : STORED_UINT32)
                              : stored_type(stored);
}

static void add_column(Source *source, const FitsColumn *from, Stored stored, size_t offset, size_t bytes,
                       int element)
{
    Column *column = &source->columns.items[source->columns.count++];
    Arena *arena = source->arena;

    *column =
        (Column){.stored = stored, .offset = offset, .bytes = bytes, .encoding = encoding_of(from, &stored)};
    column->field =
        element ? str_printf(arena, "%s_%d", from->name, element) : str_copy(arena, str_from_z(from->name));
    column->name = column_name(arena, column->field);
    column->unit = str_copy(arena, str_from_z(from->unit));
    column->type = type_of(stored, &column->encoding);
}

static bool cannot_be_read(const Source *source, const FitsColumn *from, bool *left_out, Err *err)
{
    *left_out = true;
    (void)err_set(err, ERR_USAGE, "column '%s' of '%s' is of kind %s, which is not read", from->name,
                  source->path, from->kind);
    return err_hint(err, "a --schema that leaves it out takes the others");
}

/* How many bytes of the row it takes: *offset goes on. */
static bool take_column(Source *source, const FitsColumn *from, size_t *offset, bool *left_out, Err *err)
{
    size_t repeat = from->repeat < 0 ? 0 : (size_t)from->repeat, each = 0;
    Stored stored = STORED_NONE;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (from->kind[0] == kinds[i].letter) {
            stored = kinds[i].stored;
            each = kinds[i].bytes;
        }
    if ((from->kind[0] == 'P' || from->kind[0] == 'Q') && from->kind[1] == 'A' && repeat == 1)
        stored = STORED_POINTER;
    size_t bytes = from->kind[0] == 'X' ? (repeat + 7) / 8 : each * repeat, at = *offset;
    *offset += bytes;
    if (repeat == 0)
        return true;
    if (stored == STORED_NONE || (stored != STORED_CHARS && repeat > ARRAY_MAX) || bytes > TEXT_MAX_BYTES)
        return cannot_be_read(source, from, left_out, err);
    if (source->columns.count + repeat > COLUMNS_MAX && stored != STORED_CHARS)
        return err_set(err, ERR_USAGE, "'%s' has more than %d columns", source->path, COLUMNS_MAX);
    if (stored == STORED_CHARS)
        add_column(source, from, stored, at, bytes, 0);
    for (size_t i = 0; stored != STORED_CHARS && i < repeat; i++)
        add_column(source, from, stored, at + i * each, each, repeat > 1 ? (int)i + 1 : 0);
    return true;
}

/* cfitsio says P of those with wide places as well, whose rows are longer. */
static bool find_width(const FitsState *state, int number, FitsColumn *column, int *status)
{
    char key[FLEN_KEYWORD], form[FLEN_VALUE];

    if (column->kind[0] != 'P')
        return true;
    (void)snprintf(key, sizeof key, "TFORM%d", number);
    if (fits.ffgkys(state->file, key, form, NULL, status))
        return false;
    if (form[strspn(form, " 0123456789")] == 'Q')
        column->kind[0] = 'Q';
    return true;
}

/* Without a schema a column that cannot be read is a failure; with one, only when the schema wants it. */
static bool read_columns(Source *source, FitsState *state, bool has_schema, size_t *row, Err *err)
{
    int count = 0, status = 0;

    if (fits.ffgncl(state->file, &count, &status))
        return failed("read", source, status, err);
    if (count > COLUMNS_MAX)
        return err_set(err, ERR_USAGE, "'%s' has more than %d columns", source->path, COLUMNS_MAX);
    source->columns.items = arena_new(source->arena, Column, COLUMNS_MAX + 1);
    for (int i = 1; i <= count; i++) {
        FitsColumn column = {.null = UNDEFINED_NULL};
        char display[FLEN_VALUE] = "";
        bool left_out = false;
        Err why = {0};

        if (fits.ffgbclll(state->file, i, column.name, column.unit, column.kind, &column.repeat,
                          &column.scale, &column.zero, &column.null, display, &status) ||
            !find_width(state, i, &column, &status))
            return failed("read", source, status, err);
        if (!take_column(source, &column, row, &left_out, &why) && !(left_out && has_schema)) {
            *err = why;
            return false;
        }
    }
    return true;
}

static bool open_file(Source *source, FitsState *state, Err *err)
{
    int status = 0;

    return !fits.ffdkopn(&state->file, source->path, READONLY, &status) ||
           failed("open", source, status, err);
}

/* Behind the rows, or where THEAP says; it ends PCOUNT bytes behind the rows. */
static bool find_heap(const Source *source, FitsState *state, Err *err)
{
    LONGLONG start = 0, rows_at = 0, end = 0, pcount = 0, theap = 0;
    LONGLONG table = (LONGLONG)state->layout.bytes * source->rows;
    int status = 0;

    for (size_t i = 0; i < state->layout.count; i++)
        state->has_texts = state->has_texts || state->layout.fields[i].stored == STORED_POINTER;
    if (!state->has_texts)
        return true;
    if (fits.ffghadll(state->file, &start, &rows_at, &end, &status) ||
        fits.ffgkyjj(state->file, "PCOUNT", &pcount, NULL, &status))
        return failed("read", source, status, err);
    if (fits.ffgkyjj(state->file, "THEAP", &theap, NULL, &status))
        theap = table;
    if (theap < table || pcount < theap - table)
        return err_set(err, ERR_USAGE, "the heap of '%s' is not where its header says", source->path);
    state->heap.at = rows_at + theap;
    state->heap.bytes = pcount - (theap - table);
    return fits_heap_open(&state->heap, source->path, err);
}

static bool open_fits(Source *source, const SourceOptions *options, Err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    FitsState *state = arena_new(source->arena, FitsState, 1);
    LONGLONG rows = 0;
    size_t bytes = 0;
    int status = 0;

    (void)pthread_once(&once, load);
    *state = (FitsState){.heap = {.fd = -1}};
    source->state = state;
    arena_defer(source->arena, close_fits, state);
    if (!open_file(source, state, err))
        return false;
    if (!find_table(source, state, options->part, err))
        return false;
    if (fits.ffgnrwll(state->file, &rows, &status))
        return failed("read", source, status, err);
    source->rows = rows;
    if (!read_columns(source, state, options->schema != NULL, &bytes, err))
        return false;
    if (bytes > ROW_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "rows of '%s' have more than %d bytes", source->path, ROW_BYTES_MAX);
    Columns file = source->columns;
    if (options->schema &&
        !columns_apply(source->arena, options->schema, &file, source->path, &source->columns, err))
        return false;
    return record_layout(source->arena, &source->columns, bytes, true, &state->layout, err) &&
           find_heap(source, state, err);
}

/* What the parent has open is the parent's; another place in the file as well. */
static bool reopen_fits(Source *source, Err *err)
{
    FitsState *state = source->state;
    int status = 0, kind;

    if (!open_file(source, state, err))
        return false;
    if (fits.ffmahd(state->file, state->hdu, &kind, &status))
        return failed("read", source, status, err);
    return !state->has_texts || fits_heap_open(&state->heap, source->path, err);
}

/* ---- rows ---- */

static bool read_records(Source *source, int64_t first, int64_t count, unsigned char *out, Err *err)
{
    FitsState *state = source->state;
    int status = 0;

    if (!fits.ffgtbb(state->file, first + 1, 1, (LONGLONG)state->layout.bytes * count, out, &status))
        return true;
    char text[FLEN_STATUS] = "";
    fits.ffgerr(status, text);
    return err_set(err, ERR_IO, "cannot read rows %lld to %lld: %s", (long long)first + 1,
                   (long long)(first + count), text);
}

static bool read_with_texts(Source *source, int64_t first, int64_t count, unsigned char *out, Err *err)
{
    FitsState *state = source->state;

    return read_records(source, first, count, out, err) &&
           (!state->has_texts || fits_heap_read(&state->heap, &state->layout, first, count, out, err));
}

static const RecordReader reader = {read_with_texts}, reader_without_texts = {read_records};

static bool put_rows(Source *source, int64_t first, int64_t count, Buf *out, Err *err)
{
    return records_put(source, &((FitsState *)source->state)->layout, &reader, NULL, first, count, out, err);
}

static bool is_text(const FitsState *state, int field)
{
    return field >= 0 && state->layout.fields[field].stored == STORED_POINTER;
}

/* Most files are planned without a look at their texts. */
static bool read_sites(Source *source, int64_t first, int64_t count, Site *out, Err *err)
{
    const FitsState *state = source->state;
    const SiteColumns *sites = &source->sites;
    bool texts = is_text(state, sites->key) || is_text(state, sites->snap) || is_text(state, sites->at[0]) ||
                 is_text(state, sites->at[1]) || is_text(state, sites->at[2]);

    return records_sites(source, &state->layout, texts ? &reader : &reader_without_texts, NULL, first, count,
                         out, err);
}

const SourceKind source_fits = {
    .name = "fits",
    .what = "a binary table of FITS",
    .binary = true,
    .is = is_fits,
    .open = open_fits,
    .reopen = reopen_fits,
    .put = put_rows,
    .sites = read_sites,
};
