/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/rows -- what rows look like when they leave: a table of formats, each a few functions
 *
 * CSV, lines of JSON and PostgreSQL's own binary form are made by the servers and passed on as they are. The others are made here, from
 * columns of the kinds below; a column of any other type is asked for as text.
 */
#ifndef DATASET_ROWS_H
#define DATASET_ROWS_H

#include "base/buf.h"

typedef enum RowKind { ROW_BOOL, ROW_INT2, ROW_INT4, ROW_INT8, ROW_FLOAT4, ROW_FLOAT8, ROW_TEXT } RowKind;

typedef struct RowColumn {
    const char *name;
    uint32_t type; /* PostgreSQL's number of it */
    RowKind kind;
} RowColumn;

/* A value in PostgreSQL's binary form: numbers are big endian. ptr is NULL for a null. */
typedef Str RowValue;

/* The form in which servers send rows. */
typedef enum RowForm {
    ROW_AS_CSV,
    ROW_AS_JSON,
    ROW_AS_BINARY, /* COPY binary, with the types that there are */
    ROW_AS_KINDS   /* the same, of the kinds above */
} RowForm;

/* What a writer is given to begin with. */
typedef struct RowTarget {
    int fd;          /* where rows go */
    const char *dir; /* for what has to be kept aside */
    const RowColumn *columns;
    size_t count;
} RowTarget;

typedef struct RowFormat {
    const char *name;
    RowForm form;
    bool seeks; /* the target has to be a file */
    /* All of them: ERR_IO; ERR_USAGE: a column or a value cannot be had in this format. What begin() makes is released with `arena`. */
    bool (*begin)(Arena *arena, const RowTarget *target, void **out, Err *err);
    bool (*put)(void *writer, Str bytes, Err *err); /* forms but ROW_AS_KINDS: bytes of whole rows */
    bool (*row)(void *writer, const RowValue *values, Err *err); /* ROW_AS_KINDS */
    bool (*end)(void *writer, Err *err);
} RowFormat;

typedef enum RowFormatName {
    ROWS_CSV,
    ROWS_JSONL,
    ROWS_BINARY,
    ROWS_FITS,
    ROWS_HDF5,
    ROWS_VOTABLE
} RowFormatName;

extern const RowFormat *const row_formats[]; /* by RowFormatName */
extern const RowFormat row_format_csv, row_format_jsonl, row_format_binary, row_format_fits, row_format_hdf5,
    row_format_votable;

RowKind row_kind(uint32_t type);
size_t row_kind_size(RowKind kind);       /* bytes; 0: a text */
const char *row_type_name(uint32_t type); /* NULL: it has a name that is not known here */

/* ---- rows in PostgreSQL's binary form ---- */

typedef bool RowTake(void *ctx, const RowValue *values, Err *err);

/* Rows cut out of bytes that come in pieces. */
typedef struct RowReader {
    size_t columns;
    RowTake *take;
    void *ctx;
    RowValue *values;
    Buf rest; /* the beginning of a row whose end has not come */
} RowReader;

RowReader row_reader_new(Arena *arena, size_t columns, RowTake *take, void *ctx);
void row_reader_release(RowReader *reader);

/* ERR_CORRUPT: these are no such rows; and as `take`. */
bool row_reader_put(RowReader *reader, Str bytes, Err *err) ATTR_MUST_USE;

/* ERR_CORRUPT: a row is half there. */
bool row_reader_end(RowReader *reader, Err *err) ATTR_MUST_USE;

/* ---- for writers ---- */

/* Bytes on their way to a file, many at a time. */
typedef struct RowOut {
    int fd;
    Buf bytes;
    int64_t written; /* with those still in `bytes` */
} RowOut;

RowOut row_out_new(int fd);
void row_out_release(RowOut *out);

/* ERR_IO. */
bool row_out_put(RowOut *out, Str bytes, Err *err) ATTR_MUST_USE;

/* ERR_IO. */
bool row_out_flush(RowOut *out, Err *err) ATTR_MUST_USE;

#endif
