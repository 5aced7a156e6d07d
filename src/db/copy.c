/* SPDX-License-Identifier: Apache-2.0 */
#include "db/copy.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* PostgreSQL counts microseconds from 2000-01-01. */
#define POSTGRES_EPOCH (INT64_C(946684800) * 1000000)

static const char signature[] =
    "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* 11 bytes, flags, length of no extension */
enum { SIGNATURE_BYTES = 19 };

static void put16(Buf *rows, int16_t value)
{
    uint16_t wire = htobe16((uint16_t)value);

    memcpy(buf_reserve(rows, sizeof wire), &wire, sizeof wire);
    rows->len += sizeof wire;
}

static void put32(Buf *rows, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);

    memcpy(buf_reserve(rows, sizeof wire), &wire, sizeof wire);
    rows->len += sizeof wire;
}

static void put64(Buf *rows, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);

    memcpy(buf_reserve(rows, sizeof wire), &wire, sizeof wire);
    rows->len += sizeof wire;
}

void copy_row(Buf *rows, int columns)
{
    if (rows->len == 0)
        buf_put(rows, (Str){signature, SIGNATURE_BYTES});
    put16(rows, (int16_t)columns);
}

void copy_null(Buf *rows)
{
    put32(rows, -1);
}

void copy_bool(Buf *rows, bool value)
{
    put32(rows, 1);
    buf_put_byte(rows, value ? 1 : 0);
}

void copy_int2(Buf *rows, int16_t value)
{
    put32(rows, sizeof value);
    put16(rows, value);
}

void copy_int4(Buf *rows, int32_t value)
{
    put32(rows, sizeof value);
    put32(rows, value);
}

void copy_int8(Buf *rows, int64_t value)
{
    put32(rows, sizeof value);
    put64(rows, value);
}

void copy_float8(Buf *rows, double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof bits);
    copy_int8(rows, bits);
}

void copy_text(Buf *rows, Str value)
{
    put32(rows, (int32_t)value.len);
    buf_put(rows, value);
}

void copy_jsonb(Buf *rows, Str json)
{
    put32(rows, (int32_t)json.len + 1);
    buf_put_byte(rows, 1); /* version of the wire form */
    buf_put(rows, json);
}

void copy_uuid(Buf *rows, const unsigned char uuid[16])
{
    copy_text(rows, (Str){(const char *)uuid, 16});
}

void copy_timestamptz(Buf *rows, Instant at)
{
    copy_int8(rows, at - POSTGRES_EPOCH);
}

/* Dimensions, no nulls, element type, then one dimension from 1; an empty array has no dimension. */
static void begin_array(Buf *rows, int oid, int count, int element_bytes)
{
    put32(rows, count ? 20 + count * (4 + element_bytes) : 12);
    put32(rows, count ? 1 : 0);
    put32(rows, 0);
    put32(rows, oid);
    if (count) {
        put32(rows, count);
        put32(rows, 1);
    }
}

void copy_uuid_array(Buf *rows, const unsigned char *uuids, int count)
{
    begin_array(rows, COPY_OID_UUID, count, 16);
    for (int i = 0; i < count; i++)
        copy_uuid(rows, uuids + (size_t)i * 16);
}

void copy_timestamptz_array(Buf *rows, const Instant *stamps, int count)
{
    begin_array(rows, COPY_OID_TIMESTAMPTZ, count, 8);
    for (int i = 0; i < count; i++)
        copy_timestamptz(rows, stamps[i]);
}

enum { NUMERIC_DIGITS = 17, NUMERIC_POSITIVE = 0, NUMERIC_NEGATIVE = 0x4000 };

/*
 * numeric on the wire: count of base-10000 digits, weight of the first, sign, digits behind the point.
 * Source: PostgreSQL 15, src/backend/utils/adt/numeric.c, numeric_recv().
 */
static void put_numeric(Buf *rows, const char *digits, int count, int exponent, bool negative)
{
    /* value = 0.d1d2d3... * 10^exponent; align to groups of four decimal digits around the point */
    int weight = (exponent > 0 ? (exponent + 3) / 4 : -(-exponent / 4)) - 1;
    int lead = (weight + 1) * 4 - exponent; /* zeros in front of d1 in its group */
    int groups = (lead + count + 3) / 4;
    int scale = count > exponent ? count - exponent : 0;

    put32(rows, 8 + groups * 2);
    put16(rows, (int16_t)groups);
    put16(rows, (int16_t)weight);
    put16(rows, negative ? NUMERIC_NEGATIVE : NUMERIC_POSITIVE);
    put16(rows, (int16_t)scale);
    for (int g = 0; g < groups; g++) {
        int value = 0;

        for (int i = g * 4 - lead; i < g * 4 - lead + 4; i++)
            value = value * 10 + (i >= 0 && i < count ? digits[i] - '0' : 0);
        put16(rows, (int16_t)value);
    }
}

void copy_numeric(Buf *rows, double value)
{
    char text[40], digits[NUMERIC_DIGITS + 1];
    int count = 0;

    if (!isfinite(value)) {
        copy_null(rows);
        return;
    }
    for (int precision = 14; precision < NUMERIC_DIGITS; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    const char *at = text + (text[0] == '-');
    for (; *at && *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    int exponent = (int)strtol(at + 1, NULL, 10) + 1;
    while (count > 0 && digits[count - 1] == '0')
        count--;
    if (count == 0)
        exponent = 1;
    put_numeric(rows, digits, count, exponent, text[0] == '-' && count > 0);
}

/* ---- sending ---- */

enum { PIECE_BYTES = 256 * 1024 };

/* Ends the COPY that the connection is in; with `why` it is made to fail. */
static bool end_copy(Db *db, const char *why, Err *err)
{
    bool ok = true;

    if (PQputCopyEnd(db_handle(db), why) < 0)
        ok = db_err(db, NULL, err);
    PGresult *result;
    while (db_next_result(db, &result) && result) {
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_err(db, result, err);
        PQclear(result);
    }
    return ok && !db_handle(db) ? db_err(db, NULL, err) : ok;
}

static bool begin_copy(Db *db, const char *statement, ExecStatusType want, Err *err)
{
    RESULT_SCOPE(result);

    if (!db_handle(db))
        return err_set(err, ERR_DB, "the connection is closed");
    result = db_exec(db, statement);
    if (PQresultStatus(result) != want)
        return db_err(db, result, err);
    return true;
}

bool copy_begin(Db *db, const char *statement, Err *err)
{
    return begin_copy(db, statement, PGRES_COPY_IN, err);
}

bool copy_put(Db *db, Str bytes, Err *err)
{
    for (Str left = bytes; left.len > 0; left = str_sub(left, PIECE_BYTES, left.len)) {
        Str piece = str_sub(left, 0, PIECE_BYTES);

        if (PQputCopyData(db_handle(db), piece.ptr, (int)piece.len) < 0)
            return db_err(db, NULL, err);
    }
    return true;
}

bool copy_end(Db *db, Err *err)
{
    return end_copy(db, NULL, err);
}

void copy_cancel(Db *db)
{
    Err ignored = {0};

    if (db_handle(db))
        (void)!end_copy(db, "given up", &ignored);
}

Str copy_head(void)
{
    return (Str){signature, SIGNATURE_BYTES};
}

Str copy_tail(void)
{
    static const char trailer[] = {'\377', '\377'};

    return (Str){trailer, sizeof trailer};
}

bool copy_send(Db *db, const char *statement, Buf *rows, Err *err)
{
    if (rows->len == 0)
        return true;
    if (!copy_begin(db, statement, err) || !copy_put(db, buf_str(rows), err) ||
        !copy_put(db, copy_tail(), err) || !copy_end(db, err))
        return false;
    buf_reset(rows);
    return true;
}

/* ---- receiving ---- */

int16_t copy_get_int2(Str field)
{
    uint16_t wire;

    memcpy(&wire, field.ptr, sizeof wire);
    return (int16_t)be16toh(wire);
}

int32_t copy_get_int4(Str field)
{
    uint32_t wire;

    memcpy(&wire, field.ptr, sizeof wire);
    return (int32_t)be32toh(wire);
}

int64_t copy_get_int8(Str field)
{
    uint64_t wire;

    memcpy(&wire, field.ptr, sizeof wire);
    return (int64_t)be64toh(wire);
}

double copy_get_float8(Str field)
{
    int64_t bits = copy_get_int8(field);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

Instant copy_get_timestamptz(Str field)
{
    return copy_get_int8(field) + POSTGRES_EPOCH;
}

enum { FIELDS_MAX = 64 };

/* Splits one message of COPY data into its fields; the server sends a whole row in each. */
static bool split_row(Str data, Str *fields, int *count, Err *err)
{
    *count = data.len >= 2 ? copy_get_int2(data) : -2;
    data = str_sub(data, 2, data.len);
    if (*count > FIELDS_MAX || *count < -1)
        return err_set(err, ERR_CORRUPT, "COPY data with %d fields", *count);
    for (int i = 0; i < *count; i++) {
        int32_t len = data.len >= 4 ? copy_get_int4(data) : -2;

        data = str_sub(data, 4, data.len);
        if (len < -1 || (len > 0 && (size_t)len > data.len))
            return err_set(err, ERR_CORRUPT, "COPY data with a field of %d bytes", len);
        fields[i] = len < 0 ? (Str){0} : (Str){data.ptr, (size_t)len};
        data = str_sub(data, len < 0 ? 0 : (size_t)len, data.len);
    }
    return true;
}

bool copy_receive(Db *db, const char *statement, CopyRowFn *row, void *ctx, Err *err)
{
    Str fields[FIELDS_MAX];
    bool ok = true, first = true, cancelled = false;
    char *data;
    int len, count;

    if (!begin_copy(db, statement, PGRES_COPY_OUT, err))
        return false;
    while ((len = PQgetCopyData(db_handle(db), &data, 0)) > 0) {
        Str message = {data, (size_t)len};

        if (first)
            message = str_sub(message, SIGNATURE_BYTES, message.len);
        first = false;
        ok = ok && (message.len == 0 ||
                    (split_row(message, fields, &count, err) && (count < 0 || row(ctx, fields, count, err))));
        PQfreemem(data);
        if (!ok && !cancelled) { /* what is on its way is read away below */
            db_cancel(db);
            cancelled = true;
        }
    }
    for (PGresult *result; (result = PQgetResult(db_handle(db))); PQclear(result))
        if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
            ok = db_err(db, result, err);
    return ok;
}
