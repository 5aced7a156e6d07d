/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/record -- records of a fixed size, as SAGE, FITS and HDF5 files have them, turned into rows for COPY in binary form
 *
 * A field is read as a whole number, a real one, a truth or a text, and written as what its column is: whatever fits. PostgreSQL
 * 15 manual, COPY, "Binary Format"; types by their send functions.
 */
#ifndef DATASET_RECORD_H
#define DATASET_RECORD_H

#include "base/buf.h"
#include "dataset/column.h"
#include "dataset/site.h"

/* What one field is turned into. */
typedef enum FieldType {
    FIELD_INT2,
    FIELD_INT4,
    FIELD_INT8,
    FIELD_FLOAT4,
    FIELD_FLOAT8,
    FIELD_BOOL,
    FIELD_TEXT
} FieldType;

typedef struct RecordField {
    Stored stored;
    FieldType type;
    size_t offset, bytes;
    Encoding encoding;
    Str name; /* in messages */
} RecordField;

typedef struct RecordLayout {
    RecordField *fields;
    size_t count, bytes; /* of a record */
    bool big_endian;
} RecordLayout;

/* What the record itself does not have. */
typedef struct RecordPlace {
    int64_t tree, row;
    int32_t inner;
} RecordPlace;

/*
 * The layout for columns as they are. ERR_USAGE: a column's type is none that such a field can become.
 */
bool record_layout(Arena *arena, const Columns *columns, size_t bytes, bool big_endian, RecordLayout *out,
                   Err *err) ATTR_MUST_USE;

/*
 * Put one record as a row: the number of its fields, and each with its length.
 *
 * ERR_USAGE  a value does not fit its column, or is no text
 */
bool record_put(Buf *out, const RecordLayout *layout, const unsigned char *record, const RecordPlace *place,
                Err *err) ATTR_MUST_USE;

/* What is to be known of a record; a key that is no whole number is a hash of what it is. */
void record_site(const RecordLayout *layout, const SiteColumns *sites, const unsigned char *record,
                 const RecordPlace *place, Site *out);

#endif
