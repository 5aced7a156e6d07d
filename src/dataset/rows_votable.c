/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VOTable 1.4 (IVOA recommendation, 2019), serialised as BINARY2: for each row a bit a column that says whether it is null, and then the
 * values, big endian as PostgreSQL has them; all of it as base64 in the XML
 *
 * Texts are unicodeChar (UTF-16): char is ASCII in that version.
 */
#include "dataset/rows.h"

typedef struct VoTable {
    RowTarget target;
    RowOut out;
    Buf raw; /* bytes that are not yet written as base64 */
} VoTable;

enum { LINE = 57 * 512 }; /* bytes that are written at once: lines of base64 as they are everywhere */

static void release(void *vo_v)
{
    VoTable *vo = vo_v;

    row_out_release(&vo->out);
    buf_release(&vo->raw);
}

static void put_attribute(Buf *out, const char *value)
{
    for (const char *c = value; *c; c++)
        switch (*c) {
        case '&':
            buf_put_z(out, "&amp;");
            break;
        case '<':
            buf_put_z(out, "&lt;");
            break;
        case '"':
            buf_put_z(out, "&quot;");
            break;
        default:
            if ((unsigned char)*c < ' ')
                buf_printf(out, "?"); /* XML 1.0 has no way to write most of them */
            else
                buf_put_byte(out, *c);
        }
}

static bool begin(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    static const char *const types[] = {
        [ROW_BOOL] = "boolean", [ROW_INT2] = "short",    [ROW_INT4] = "int",         [ROW_INT8] = "long",
        [ROW_FLOAT4] = "float", [ROW_FLOAT8] = "double", [ROW_TEXT] = "unicodeChar",
    };
    VoTable *vo = arena_new(arena, VoTable, 1);
    BUF_SCOPE(head);

    *vo = (VoTable){.target = *target, .out = row_out_new(target->fd)};
    arena_defer(arena, release, vo);
    buf_put_z(&head, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<VOTABLE version=\"1.4\" xmlns=\"http://www.ivoa.net/xml/VOTable/v1.3\">\n"
                     "<RESOURCE type=\"results\">\n<TABLE>\n");
    for (size_t i = 0; i < target->count; i++) {
        buf_put_z(&head, "<FIELD name=\"");
        put_attribute(&head, target->columns[i].name);
        buf_printf(&head, "\" ID=\"col%zu\" datatype=\"%s\"%s/>\n", i + 1, types[target->columns[i].kind],
                   target->columns[i].kind == ROW_TEXT ? " arraysize=\"*\"" : "");
    }
    buf_put_z(&head, "<DATA>\n<BINARY2>\n<STREAM encoding=\"base64\">\n");
    *out = vo;
    return row_out_put(&vo->out, buf_str(&head), err);
}

/* Whole lines, until the end comes. */
static bool put_base64(VoTable *vo, bool last, Err *err)
{
    enum { BYTES = 57 };
    BUF_SCOPE(text);
    size_t at = 0;

    for (; vo->raw.len - at >= BYTES || (last && at < vo->raw.len);) {
        size_t len = vo->raw.len - at < BYTES ? vo->raw.len - at : BYTES;

        buf_put_base64(&text, (Str){vo->raw.ptr + at, len});
        buf_put_byte(&text, '\n');
        at += len;
    }
    buf_consume(&vo->raw, at);
    return row_out_put(&vo->out, buf_str(&text), err);
}

static void put_unit(Buf *out, uint32_t unit)
{
    buf_put_byte(out, (char)(unit >> 8));
    buf_put_byte(out, (char)unit);
}

/* PostgreSQL's text is UTF-8 and valid: the connection's encoding. */
static void put_utf16(Buf *out, RowValue text)
{
    size_t length_at = out->len, units = 0;

    buf_put(out, (Str){"\0\0\0\0", 4});
    for (size_t i = 0; i < text.len;) {
        unsigned char first = (unsigned char)text.ptr[i];
        size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        uint32_t code = len == 1 ? first : first & (0xffU >> (len + 1));

        for (size_t k = 1; k < len && i + k < text.len; k++)
            code = code << 6 | ((unsigned char)text.ptr[i + k] & 0x3f);
        i += len;
        if (code >= 0x10000) {
            put_unit(out, 0xd800 + ((code - 0x10000) >> 10));
            put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        } else
            put_unit(out, code);
        units += code >= 0x10000 ? 2 : 1;
    }
    for (size_t k = 0; k < 4; k++)
        out->ptr[length_at + k] = (char)(units >> (24 - 8 * k));
}

static bool put_value(VoTable *vo, size_t i, RowValue value, Err *err)
{
    static const char zeros[8];
    const RowColumn *column = &vo->target.columns[i];
    size_t size = row_kind_size(column->kind);

    if (column->kind == ROW_TEXT)
        put_utf16(&vo->raw, value);
    else if (!value.ptr)
        buf_put(&vo->raw, (Str){column->kind == ROW_BOOL ? "?" : zeros, size});
    else if (value.len != size)
        return err_set(err, ERR_CORRUPT, "a value of the column '%s' has %zu bytes", column->name, value.len);
    else if (column->kind == ROW_BOOL)
        buf_put_byte(&vo->raw, value.ptr[0] ? 'T' : 'F');
    else
        buf_put(&vo->raw, value);
    return true;
}

static bool row(void *vo_v, const RowValue *values, Err *err)
{
    VoTable *vo = vo_v;

    for (size_t i = 0; i < vo->target.count; i += 8) {
        unsigned nulls = 0;

        for (size_t k = 0; k < 8 && i + k < vo->target.count; k++)
            nulls |= (unsigned)(values[i + k].ptr == NULL) << (7 - k);
        buf_put_byte(&vo->raw, (char)nulls);
    }
    for (size_t i = 0; i < vo->target.count; i++)
        if (!put_value(vo, i, values[i], err))
            return false;
    return vo->raw.len < LINE || put_base64(vo, false, err);
}

static bool end(void *vo_v, Err *err)
{
    VoTable *vo = vo_v;

    return put_base64(vo, true, err) &&
           row_out_put(&vo->out, STR("</STREAM>\n</BINARY2>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n"),
                       err) &&
           row_out_flush(&vo->out, err);
}

const RowFormat row_format_votable = {
    .name = "votable", .form = ROW_AS_KINDS, .begin = begin, .row = row, .end = end};
