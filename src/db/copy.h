/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy -- rows into a table at full speed: COPY ... FROM STDIN (FORMAT BINARY)
 *
 * Rows are put together in a Buf that the caller keeps (several tables can be filled side by side) and
 * sent with copy_send(). Field writers must be called in the order of the columns:
 *
 *     copy_row(&rows, 2);
 *     copy_uuid(&rows, hash);
 *     copy_text(&rows, name);
 *     ...
 *     copy_send(db, "copy paths (pa_hash, pa_path) from stdin (format binary)", &rows, err)
 *
 * Source of the format: PostgreSQL 15 manual, COPY, "Binary Format"; array and type forms: their recv functions.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include "base/buf.h"
#include "db/db.h"

enum { COPY_OID_UUID = 2950, COPY_OID_TIMESTAMPTZ = 1184, COPY_OID_INT8 = 20, COPY_OID_TEXT = 25 };

void copy_row(Buf *rows, int columns);
void copy_null(Buf *rows);
void copy_bool(Buf *rows, bool value);
void copy_int2(Buf *rows, int16_t value);
void copy_int4(Buf *rows, int32_t value);
void copy_int8(Buf *rows, int64_t value);
void copy_float8(Buf *rows, double value);
void copy_text(Buf *rows, Str value); /* text, enum labels, bytea */
void copy_jsonb(Buf *rows, Str json); /* the server parses it */
void copy_uuid(Buf *rows, const unsigned char uuid[16]);
void copy_timestamptz(Buf *rows, Instant at);
void copy_uuid_array(Buf *rows, const unsigned char *uuids, int count); /* 16 bytes each, one after another */
void copy_timestamptz_array(Buf *rows, const Instant *stamps, int count);

/*
 * PostgreSQL numeric from a double: the shortest decimal that reads back the same (for numbers below 2.3e-308, one of
 * 15 digits). NaN and infinities are null.
 */
void copy_numeric(Buf *rows, double value);

/*
 * Send the rows gathered so far with a whole COPY of their own, and empty `rows`.
 *
 * Errors as db_query(); on failure nothing was copied and `rows` is kept.
 */
bool copy_send(Db *db, const char *statement, Buf *rows, Err *err) ATTR_MUST_USE;

/*
 * The same in steps, for what comes in any form: bytes as they are, as often as one likes. Errors as db_query(): ERR_DB ...
 * After a failure, and instead of copy_end(), copy_cancel() makes the connection usable again; nothing was copied then.
 */
bool copy_begin(Db *db, const char *statement, Err *err) ATTR_MUST_USE;
bool copy_put(Db *db, Str bytes, Err *err) ATTR_MUST_USE;
bool copy_end(Db *db, Err *err) ATTR_MUST_USE;
void copy_cancel(Db *db);

/* What stands before the rows of the binary form, and behind them. */
Str copy_head(void);
Str copy_tail(void);

/* ---- reading: COPY ... TO STDOUT (FORMAT BINARY) ---- */

/* One row: `fields[i].ptr` is NULL for null. Valid during the call. */
typedef bool CopyRowFn(void *ctx, const Str *fields, int count, Err *err);

/*
 * Read every row of a COPY TO in binary form.
 *
 * ERR_CORRUPT  what the server sent is not the format; otherwise errors as db_query()
 */
bool copy_receive(Db *db, const char *statement, CopyRowFn *row, void *ctx, Err *err) ATTR_MUST_USE;

int16_t copy_get_int2(Str field);
int32_t copy_get_int4(Str field);
int64_t copy_get_int8(Str field);
double copy_get_float8(Str field);
Instant copy_get_timestamptz(Str field);

#endif
