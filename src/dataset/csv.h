/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/csv -- a CSV file read in pieces of whole rows (RFC 4180), with what its columns are
 *
 *     if (!csv_open(arena, path, &csv, err))
 *         return false;
 *     while (csv_next(csv, most, &piece, &rows, err) && rows > 0)
 *         ... piece is `rows` rows as they are in the file ...
 *
 * The first row has the names. The bytes of rows are not changed: PostgreSQL reads the same format.
 */
#ifndef DATASET_CSV_H
#define DATASET_CSV_H

#include "base/buf.h"
#include "dataset/column.h"

enum {
    CSV_ROW_MAX = 16 * 1024 * 1024, /* bytes */
    CSV_SAMPLE = 1000               /* rows that types are found from */
};

typedef struct Csv Csv;

/*
 * Read the names, and find types from the first CSV_SAMPLE rows (of 4 MiB at most). The file is closed when `arena` goes.
 *
 * ERR_NOT_FOUND, ERR_IO  it is not there, or cannot be read
 * ERR_USAGE              it is empty; a name is missing, too long or there twice; too many columns
 * ERR_LIMIT              a row is longer than CSV_ROW_MAX
 */
bool csv_open(Arena *arena, const char *path, Csv **out, Err *err) ATTR_MUST_USE;

/* Their types are bigint, double precision or text. */
const Columns *csv_columns(const Csv *csv);

/*
 * The next rows, `most` or fewer; *rows is 0 at the end. `out` is valid until the next call, and ends with a newline.
 *
 * ERR_IO     it cannot be read
 * ERR_USAGE  it ends within quotes
 * ERR_LIMIT  a row is longer than CSV_ROW_MAX
 */
bool csv_next(Csv *csv, int64_t most, Str *out, int64_t *rows, Err *err) ATTR_MUST_USE;

/* Whether there are no more rows. Errors as csv_next(): ERR_IO ... */
bool csv_at_end(Csv *csv, bool *out, Err *err) ATTR_MUST_USE;

int64_t csv_row(const Csv *csv); /* how many rows were given, without that of the names */

/* At which byte the next row begins, and to go on there: it is the `row`th. */
int64_t csv_offset(const Csv *csv);
void csv_seek(Csv *csv, int64_t offset, int64_t row);

/* Take the next field of a row off its front, into `out` without its quotes; false behind the last. */
bool csv_take_field(Str *row, Buf *out, bool *quoted);

Str csv_without_end(Str row); /* of its line */

/* Of two types that csv_columns() gives, the one that holds values of both. */
const char *csv_wider(const char *a, const char *b);

#endif
