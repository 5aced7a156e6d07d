/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/record.h"

#include <endian.h>
#include <math.h>
#include <xxhash.h>

/* A value on its way from one form to another. */
typedef struct Value {
    enum { IS_NULL, IS_INT, IS_REAL, IS_BOOL, IS_TEXT } kind;
    int64_t whole;
    double real;
    Str text;
} Value;

static const struct {
    const char *type;
    FieldType field;
} types[] = {
    {"smallint", FIELD_INT2},
    {"int2", FIELD_INT2},
    {"integer", FIELD_INT4},
    {"int", FIELD_INT4},
    {"int4", FIELD_INT4},
    {"bigint", FIELD_INT8},
    {"int8", FIELD_INT8},
    {"real", FIELD_FLOAT4},
    {"float4", FIELD_FLOAT4},
    {"float8", FIELD_FLOAT8},
    {"double precision", FIELD_FLOAT8},
    {"boolean", FIELD_BOOL},
    {"bool", FIELD_BOOL},
    {"text", FIELD_TEXT},
};

static bool find_type(const Column *column, FieldType *out, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(column->type, types[i].type) == 0) {
            *out = types[i].field;
            return true;
        }
    return err_set(err, ERR_USAGE, "column '%.*s' cannot be made '%s' of what is stored as %s",
                   STR_ARG(column->name), column->type, stored_name(column->stored));
}

bool record_layout(Arena *arena, const Columns *columns, size_t bytes, bool big_endian, RecordLayout *out,
                   Err *err)
{
    *out = (RecordLayout){arena_new(arena, RecordField, columns->count), columns->count, bytes, big_endian};
    for (size_t i = 0; i < columns->count; i++) {
        const Column *column = &columns->items[i];
        RecordField *field = &out->fields[i];

        if (column->bytes > bytes || column->offset > bytes - column->bytes)
            return err_set(err, ERR_USAGE, "column '%.*s' lies behind the end of a record of %zu bytes",
                           STR_ARG(column->name), bytes);
        *field = (RecordField){.stored = column->stored,
                               .offset = column->offset,
                               .bytes = column->bytes,
                               .encoding = column->encoding,
                               .name = column->name};
        if (!find_type(column, &field->type, err))
            return false;
    }
    return true;
}

/* ---- reading a field ---- */

static uint16_t load16(const unsigned char *at, bool big)
{
    uint16_t bits;

    memcpy(&bits, at, sizeof bits);
    return big ? be16toh(bits) : le16toh(bits);
}

static uint32_t load32(const unsigned char *at, bool big)
{
    uint32_t bits;

    memcpy(&bits, at, sizeof bits);
    return big ? be32toh(bits) : le32toh(bits);
}

static uint64_t load64(const unsigned char *at, bool big)
{
    uint64_t bits;

    memcpy(&bits, at, sizeof bits);
    return big ? be64toh(bits) : le64toh(bits);
}

static Value whole(int64_t value)
{
    return (Value){.kind = IS_INT, .whole = value};
}

static Value real(const RecordField *field, double value)
{
    return (Value){.kind = field->encoding.nan_is_null && isnan(value) ? IS_NULL : IS_REAL, .real = value};
}

static Value text(const unsigned char *at, size_t bytes)
{
    const char *end = memchr(at, 0, bytes);
    size_t len = end ? (size_t)(end - (const char *)at) : bytes;

    while (len > 0 && at[len - 1] == ' ')
        len--;
    return (Value){.kind = IS_TEXT, .text = {(const char *)at, len}};
}

static Value read_plain(const RecordField *field, const unsigned char *record, const RecordPlace *place,
                        bool big)
{
    const unsigned char *at = record + field->offset;
    uint32_t bits32;
    uint64_t bits64;
    const char *pointer;
    float f;
    double d;

    switch (field->stored) {
    case STORED_INT8:
        return whole((int8_t)*at);
    case STORED_UINT8:
        return whole(*at);
    case STORED_INT16:
        return whole((int16_t)load16(at, big));
    case STORED_UINT16:
        return whole(load16(at, big));
    case STORED_INT32:
        return whole((int32_t)load32(at, big));
    case STORED_UINT32:
        return whole(load32(at, big));
    case STORED_INT64:
        return whole((int64_t)load64(at, big));
    case STORED_UINT64:
        bits64 = load64(at, big);
        return bits64 > INT64_MAX ? real(field, (double)bits64) : whole((int64_t)bits64);
    case STORED_FLOAT32:
        bits32 = load32(at, big);
        memcpy(&f, &bits32, sizeof f);
        return real(field, f);
    case STORED_FLOAT64:
        bits64 = load64(at, big);
        memcpy(&d, &bits64, sizeof d);
        return real(field, d);
    case STORED_BOOL: /* FITS has letters, and 0 for nothing */
        return *at == 'T' || *at == 1 ? (Value){.kind = IS_BOOL, .whole = 1}
               : *at == 'F' || *at == 0
                   ? (Value){.kind = *at == 0 && field->encoding.has_null ? IS_NULL : IS_BOOL}
                   : (Value){.kind = IS_NULL};
    case STORED_CHARS:
        return text(at, field->bytes);
    case STORED_POINTER:
        memcpy(&pointer, at, sizeof pointer);
        return (Value){.kind = IS_TEXT, .text = str_from_z(pointer ? pointer : "")};
    case STORED_TREE:
        return whole(place->tree);
    case STORED_ROW:
        return whole(place->row);
    case STORED_INNER:
        return whole(place->inner);
    case STORED_NONE:
    case STORED_COUNT:
        break;
    }
    return (Value){.kind = IS_NULL};
}

static Value read_field(const RecordField *field, const unsigned char *record, const RecordPlace *place,
                        bool big)
{
    if (record[field->encoding.null_at] & field->encoding.null_mask)
        return (Value){.kind = IS_NULL};
    Value value = read_plain(field, record, place, big);

    if (value.kind == IS_INT && field->encoding.has_null && value.whole == field->encoding.null)
        return (Value){.kind = IS_NULL};
    if (value.kind == IS_INT && field->encoding.sign == INT64_MIN) {
        uint64_t turned = (uint64_t)value.whole ^ (uint64_t)INT64_MIN;

        return turned > INT64_MAX ? real(field, (double)turned) : whole((int64_t)turned);
    }
    if (value.kind == IS_INT)
        value.whole += field->encoding.sign;
    if (field->encoding.scaled && (value.kind == IS_INT || value.kind == IS_REAL))
        return real(field, (value.kind == IS_INT ? (double)value.whole : value.real) * field->encoding.scale +
                               field->encoding.zero);
    return value;
}

/* ---- writing it ---- */

static void put16(Buf *out, uint16_t value)
{
    uint16_t wire = htobe16(value);

    memcpy(buf_reserve(out, sizeof wire), &wire, sizeof wire);
    out->len += sizeof wire;
}

/* A length and a value of 4 or 8 bytes in one go: nearly all fields are such. */
static void put_4(Buf *out, uint32_t value)
{
    const uint32_t wire[] = {htobe32(4), htobe32(value)};

    memcpy(buf_reserve(out, sizeof wire), wire, sizeof wire);
    out->len += sizeof wire;
}

static void put_length(Buf *out, int32_t length)
{
    uint32_t wire = htobe32((uint32_t)length);

    memcpy(buf_reserve(out, sizeof wire), &wire, sizeof wire);
    out->len += sizeof wire;
}

static void put_8(Buf *out, uint64_t value)
{
    uint64_t wire = htobe64(value);

    put_length(out, 8);
    memcpy(buf_reserve(out, sizeof wire), &wire, sizeof wire);
    out->len += sizeof wire;
}

static bool does_not_fit(const RecordField *field, const char *what, Err *err)
{
    return err_set(err, ERR_USAGE, "a value of the column '%.*s' is no %s", STR_ARG(field->name), what);
}

/* A whole number within a range; a real one when it is whole. */
static bool take_whole(const Value *value, int64_t least, int64_t most, int64_t *out)
{
    if (value->kind == IS_REAL) {
        if (!(value->real >= -9007199254740992.0 && value->real <= 9007199254740992.0) ||
            value->real != floor(value->real))
            return false;
        *out = (int64_t)value->real;
    } else if (value->kind == IS_TEXT) {
        if (!str_to_int64(str_trim(value->text), out))
            return false;
    } else
        *out = value->whole;
    return *out >= least && *out <= most;
}

static bool put_whole(Buf *out, const RecordField *field, const Value *value, Err *err)
{
    int64_t number;

    switch (field->type) {
    case FIELD_INT2:
        if (!take_whole(value, INT16_MIN, INT16_MAX, &number))
            return does_not_fit(field, "smallint", err);
        put_length(out, 2);
        put16(out, (uint16_t)number);
        return true;
    case FIELD_INT4:
        if (!take_whole(value, INT32_MIN, INT32_MAX, &number))
            return does_not_fit(field, "integer", err);
        put_4(out, (uint32_t)number);
        return true;
    default:
        if (!take_whole(value, INT64_MIN, INT64_MAX, &number))
            return does_not_fit(field, "bigint", err);
        put_8(out, (uint64_t)number);
        return true;
    }
}

static bool put_real(Buf *out, const RecordField *field, const Value *value, Err *err)
{
    double number = value->kind == IS_REAL ? value->real : (double)value->whole;
    float single;
    uint32_t bits32;
    uint64_t bits64;

    if (value->kind == IS_TEXT && !str_to_double(str_trim(value->text), &number))
        return does_not_fit(field, "number", err);
    if (field->type == FIELD_FLOAT4) {
        single = (float)number;
        if (isinf(single) && !isinf(number))
            return does_not_fit(field, "real", err);
        memcpy(&bits32, &single, sizeof bits32);
        put_4(out, bits32);
        return true;
    }
    memcpy(&bits64, &number, sizeof bits64);
    put_8(out, bits64);
    return true;
}

static bool put_truth(Buf *out, const RecordField *field, const Value *value, Err *err)
{
    if (value->kind != IS_BOOL && !(value->kind == IS_INT && (value->whole == 0 || value->whole == 1)))
        return does_not_fit(field, "boolean", err);
    put_length(out, 1);
    buf_put_byte(out, value->whole != 0);
    return true;
}

static bool put_text(Buf *out, const RecordField *field, const Value *value, Err *err)
{
    size_t at = out->len;

    put_length(out, 0);
    if (value->kind == IS_TEXT) {
        if (str_utf8_prefix(value->text) != value->text.len)
            return does_not_fit(field, "text in UTF-8", err);
        buf_put(out, value->text);
    } else if (value->kind == IS_REAL)
        buf_printf(out, "%.17g", value->real);
    else
        buf_printf(out, "%lld", (long long)value->whole);
    uint32_t wire = htobe32((uint32_t)(out->len - at - sizeof wire));
    memcpy(out->ptr + at, &wire, sizeof wire);
    return true;
}

static bool put_field(Buf *out, const RecordField *field, const Value *value, Err *err)
{
    if (value->kind == IS_NULL) {
        put_length(out, -1);
        return true;
    }
    switch (field->type) {
    case FIELD_INT2:
    case FIELD_INT4:
    case FIELD_INT8:
        return put_whole(out, field, value, err);
    case FIELD_FLOAT4:
    case FIELD_FLOAT8:
        return put_real(out, field, value, err);
    case FIELD_BOOL:
        return put_truth(out, field, value, err);
    case FIELD_TEXT:
        break;
    }
    return put_text(out, field, value, err);
}

bool record_put(Buf *out, const RecordLayout *layout, const unsigned char *record, const RecordPlace *place,
                Err *err)
{
    put16(out, (uint16_t)layout->count);
    for (size_t i = 0; i < layout->count; i++) {
        const RecordField *field = &layout->fields[i];
        Value value = read_field(field, record, place, layout->big_endian);

        if (!put_field(out, field, &value, err))
            return false;
    }
    return true;
}

/* ---- sites ---- */

static int64_t key_of(const Value *value)
{
    int64_t number;

    if (value->kind != IS_BOOL && take_whole(value, INT64_MIN, INT64_MAX, &number))
        return number;
    if (value->kind == IS_TEXT)
        return (int64_t)XXH3_64bits(value->text.ptr, value->text.len);
    return (int64_t)XXH3_64bits(&value->real, sizeof value->real) + value->whole;
}

static Value read_site(const RecordLayout *layout, int field, const unsigned char *record,
                       const RecordPlace *place)
{
    return field < 0 ? (Value){.kind = IS_NULL}
                     : read_field(&layout->fields[field], record, place, layout->big_endian);
}

void record_site(const RecordLayout *layout, const SiteColumns *sites, const unsigned char *record,
                 const RecordPlace *place, Site *out)
{
    Value key = read_site(layout, sites->key, record, place),
          snap = read_site(layout, sites->snap, record, place);
    int64_t number;

    *out = (Site){.has_key = key.kind != IS_NULL, .snap = SITE_NO_SNAP};
    if (out->has_key)
        out->key = key_of(&key);
    if (snap.kind != IS_NULL && snap.kind != IS_BOOL &&
        take_whole(&snap, INT32_MIN + 1LL, INT32_MAX, &number))
        out->snap = (int32_t)number;
    for (int i = 0; i < 3; i++) {
        Value at = read_site(layout, sites->at[i], record, place);

        out->at[i] = at.kind == IS_REAL ? at.real : at.kind == IS_INT ? (double)at.whole : NAN;
    }
}
