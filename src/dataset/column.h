/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/column -- the columns of a table to be: what they are called in the file and in the database, their types, units and
 * descriptions; and the schema file, which says so instead of the file
 *
 * A schema file is JSON lines, one for each column that is wanted, as `strata dataset import --show --json` prints them:
 *
 *     {"field":"Mvir","column":"mvir","type":"real","unit":"1e10 Msun/h","description":"virial mass"}
 *
 * Columns are found by `field`, the name in the file, wherever in the file they stand; `column` is the same in small letters
 * where it is missing. For records in binary files `stored` tells how a field is kept, and `offset` at which byte of the record.
 */
#ifndef DATASET_COLUMN_H
#define DATASET_COLUMN_H

#include "base/str.h"

enum {
    COLUMNS_MAX = 1600,     /* as PostgreSQL has it */
    COLUMN_NAME_MAX = 63,   /* bytes, likewise */
    COLUMN_TEXT_MAX = 4000, /* bytes of a unit or description */
    SCHEMA_BYTES_MAX = 4 * 1024 * 1024
};

/* How a field is kept in a record. */
typedef enum Stored {
    STORED_NONE, /* the file has text */
    STORED_INT8,
    STORED_UINT8,
    STORED_INT16,
    STORED_UINT16,
    STORED_INT32,
    STORED_UINT32,
    STORED_INT64,
    STORED_UINT64,
    STORED_FLOAT32,
    STORED_FLOAT64,
    STORED_BOOL,
    STORED_CHARS,   /* filled up with zeros or spaces */
    STORED_POINTER, /* the address of a text that ends with a zero */
    STORED_TREE,    /* made by us: the tree's number, */
    STORED_ROW,     /* the row's within all that is imported, */
    STORED_INNER,   /* and within its tree */
    STORED_COUNT
} Stored;

const char *stored_name(Stored stored); /* "int32" */
size_t stored_bytes(Stored stored);     /* 0: it has none of its own, or their number is the column's */
const char *stored_type(Stored stored); /* of PostgreSQL: "integer" */

/* What a file says of the numbers in a field. */
typedef struct Encoding {
    bool scaled; /* value = stored * scale + zero */
    double scale, zero;
    int64_t sign; /* added to whole numbers; INT64_MIN: the highest bit is turned over */
    bool has_null;
    int64_t null; /* a whole number that stands for nothing */
    bool nan_is_null;
    unsigned char
        null_mask;  /* the bit of a byte of the record that is set where it is null; 0: there is none */
    size_t null_at; /* which byte */
} Encoding;

typedef struct Column {
    Str field, name;  /* in the file; in the database */
    const char *type; /* of PostgreSQL */
    Str unit, description;
    Stored stored;
    size_t offset, bytes; /* in the record */
    Encoding encoding;
} Column;

typedef struct Columns {
    Column *items;
    size_t count;
} Columns;

/* The one of that name in the database, or -1. */
int columns_find(const Columns *columns, Str name);

/* Check names, in whatever they come from: not empty, not too long, each once. ERR_USAGE. */
bool columns_check(const Columns *columns, const char *path, Err *err) ATTR_MUST_USE;

/* The name of a column in the database: the field's in small letters. */
Str column_name(Arena *arena, Str field);

/*
 * ERR_NOT_FOUND, ERR_IO  it is not there, or cannot be read
 * ERR_USAGE              it is no schema: the message has the line
 */
bool columns_read(Arena *arena, const char *path, Columns *out, Err *err) ATTR_MUST_USE;

/*
 * What a schema makes of the fields that a file has: its columns, with what the file knows of them where the schema says nothing.
 *
 * ERR_USAGE  the file has no such field
 */
bool columns_apply(Arena *arena, const Columns *schema, const Columns *file, const char *path, Columns *out,
                   Err *err) ATTR_MUST_USE;

#endif
