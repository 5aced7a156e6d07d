/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/column.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/jsonread.h"
#include "base/os.h"

static const struct {
    const char *name, *type;
    size_t bytes;
} kinds[STORED_COUNT] = {
    [STORED_NONE] = {"text", "text", 0},
    [STORED_INT8] = {"int8", "smallint", 1},
    [STORED_UINT8] = {"uint8", "smallint", 1},
    [STORED_INT16] = {"int16", "smallint", 2},
    [STORED_UINT16] = {"uint16", "integer", 2},
    [STORED_INT32] = {"int32", "integer", 4},
    [STORED_UINT32] = {"uint32", "bigint", 4},
    [STORED_INT64] = {"int64", "bigint", 8},
    [STORED_UINT64] = {"uint64", "bigint", 8},
    [STORED_FLOAT32] = {"float32", "real", 4},
    [STORED_FLOAT64] = {"float64", "double precision", 8},
    [STORED_BOOL] = {"bool", "boolean", 1},
    [STORED_CHARS] = {"chars", "text", 0},
    [STORED_POINTER] = {"pointer", "text", 0},
    [STORED_TREE] = {"tree", "bigint", 0},
    [STORED_ROW] = {"row", "bigint", 0},
    [STORED_INNER] = {"inner", "integer", 0},
};

const char *stored_name(Stored stored)
{
    return kinds[stored].name;
}

size_t stored_bytes(Stored stored)
{
    return kinds[stored].bytes;
}

const char *stored_type(Stored stored)
{
    return kinds[stored].type;
}

int columns_find(const Columns *columns, Str name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (str_eq(columns->items[i].name, name))
            return (int)i;
    return -1;
}

bool columns_check(const Columns *columns, const char *path, Err *err)
{
    if (columns->count == 0)
        return err_set(err, ERR_USAGE, "'%s' has no columns", path);
    if (columns->count > COLUMNS_MAX)
        return err_set(err, ERR_USAGE, "'%s' has more than %d columns", path, COLUMNS_MAX);
    for (size_t i = 0; i < columns->count; i++) {
        Str name = columns->items[i].name;

        if (name.len == 0)
            return err_set(err, ERR_USAGE, "column %zu of '%s' has no name", i + 1, path);
        if (name.len > COLUMN_NAME_MAX || str_utf8_prefix(name) != name.len || memchr(name.ptr, 0, name.len))
            return err_set(err, ERR_USAGE,
                           "column %zu of '%s' has a name that cannot be one: text of at most %d bytes",
                           i + 1, path, COLUMN_NAME_MAX);
        if (columns_find(columns, name) != (int)i)
            return err_set(err, ERR_USAGE, "'%s' has the column '%.*s' twice", path, STR_ARG(name));
    }
    return true;
}

Str column_name(Arena *arena, Str field)
{
    Str trimmed = str_trim(field);
    char *name = arena_new(arena, char, trimmed.len + 1);

    for (size_t i = 0; i < trimmed.len; i++)
        name[i] = (char)tolower((unsigned char)trimmed.ptr[i]);
    return (Str){name, trimmed.len};
}

/* ---- the schema file ---- */

static bool take_text(Arena *arena, const char *key, const JsonValue *value, Str *out, Err *err)
{
    if (value->kind == JSON_NULL)
        return true;
    if (value->kind != JSON_STRING)
        return err_set(err, ERR_USAGE, "'%s' is not a text", key);
    if (value->raw.len > COLUMN_TEXT_MAX)
        return err_set(err, ERR_USAGE, "'%s' is longer than %d bytes", key, COLUMN_TEXT_MAX);
    *out = str_copy(arena, json_text(arena, value));
    return true;
}

static bool take_count(const char *key, const JsonValue *value, size_t *out, Err *err)
{
    int64_t number;

    if (value->kind == JSON_NULL)
        return true;
    if (value->kind != JSON_NUMBER || !json_to_int64(value, &number) || number < 0 || number > INT32_MAX)
        return err_set(err, ERR_USAGE, "'%s' is not a number from 0 to %d", key, INT32_MAX);
    *out = (size_t)number;
    return true;
}

static bool find_stored(Str text, Stored *out, Err *err)
{
    for (int i = STORED_INT8; i < STORED_COUNT; i++)
        if (i != STORED_POINTER && str_eq_z(text, kinds[i].name)) { /* no file may say where we read */
            *out = (Stored)i;
            return true;
        }
    return err_set(err, ERR_USAGE, "'stored' is '%.*s': no kind of field that is known", STR_ARG(text));
}

/* What a line of a schema may say, and where that goes. */
static const struct {
    const char *key;
    bool is_count;
    size_t offset;
} keys[] = {
    {"field", false, offsetof(Column, field)},
    {"column", false, offsetof(Column, name)},
    {"type", false, SIZE_MAX},
    {"unit", false, offsetof(Column, unit)},
    {"description", false, offsetof(Column, description)},
    {"stored", false, SIZE_MAX},
    {"offset", true, offsetof(Column, offset)},
    {"bytes", true, offsetof(Column, bytes)},
};

static bool take_key(Arena *arena, Str key, const JsonValue *value, Column *out, Err *err)
{
    Str text = {0};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        void *at = keys[i].offset == SIZE_MAX ? NULL : (char *)out + keys[i].offset;

        if (!str_eq_z(key, keys[i].key))
            continue;
        if (keys[i].is_count)
            return take_count(keys[i].key, value, at, err);
        if (keys[i].offset != SIZE_MAX)
            return take_text(arena, keys[i].key, value, at, err);
        if (!take_text(arena, keys[i].key, value, &text, err))
            return false;
        if (text.len == 0)
            return true;
        if (keys[i].key[0] == 's')
            return find_stored(text, &out->stored, err);
        out->type = str_to_z(arena, text);
        return true;
    }
    return err_set(err, ERR_USAGE, "there is no '%.*s' in a schema", STR_ARG(key));
}

static bool parse_line(Arena *arena, Str text, Column *out, Err *err)
{
    JsonIn in = json_in(text);
    JsonValue value;
    Str key;

    *out = (Column){.offset = SIZE_MAX};
    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);)
        if (json_value(&in, &value) && !take_key(arena, key, &value, out, err))
            return false;
    if (!json_done(&in))
        return err_set(err, ERR_USAGE, "it is no JSON object: %s at byte %zu",
                       in.problem ? in.problem : "something else", json_at(&in) + 1);
    if (out->field.len == 0)
        return err_set(err, ERR_USAGE, "it has no 'field'");
    if (!out->name.len)
        out->name = column_name(arena, out->field);
    if (out->stored && stored_bytes(out->stored))
        out->bytes = stored_bytes(out->stored);
    return true;
}

/* A field without an offset follows the one before it. */
static void set_offsets(Columns *columns)
{
    size_t end = 0;

    for (size_t i = 0; i < columns->count; i++) {
        Column *column = &columns->items[i];

        if (column->offset == SIZE_MAX)
            column->offset = column->bytes ? end : 0;
        if (column->bytes)
            end = column->offset + column->bytes;
    }
}

static bool parse_lines(Arena *arena, Str text, const char *path, Columns *out, Err *err)
{
    Str line;

    out->items = arena_new(arena, Column, COLUMNS_MAX + 1);
    for (int number = 1; text.len > 0; number++) {
        text = str_cut(text, '\n', &line);
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (out->count > COLUMNS_MAX)
            return err_set(err, ERR_USAGE, "'%s' has more than %d columns", path, COLUMNS_MAX);
        if (!parse_line(arena, line, &out->items[out->count++], err))
            return err_wrap(err, "line %d of '%s'", number, path);
    }
    set_offsets(out);
    return columns_check(out, path, err);
}

bool columns_read(Arena *arena, const char *path, Columns *out, Err *err)
{
    BUF_SCOPE(text);

    *out = (Columns){0};
    return os_read_file(path, SCHEMA_BYTES_MAX, &text, err) &&
           parse_lines(arena, buf_str(&text), path, out, err);
}

/* ---- the schema and the file ---- */

static const Column *find_field(const Columns *file, Str field)
{
    for (size_t i = 0; i < file->count; i++)
        if (str_eq(file->items[i].field, field))
            return &file->items[i];
    return NULL;
}

bool columns_apply(Arena *arena, const Columns *schema, const Columns *file, const char *path, Columns *out,
                   Err *err)
{
    out->items = arena_new(arena, Column, schema->count);
    out->count = schema->count;
    for (size_t i = 0; i < schema->count; i++) {
        const Column *there = find_field(file, schema->items[i].field);
        Column *column = &out->items[i];

        if (!there)
            return err_set(err, ERR_USAGE, "'%s' has no field '%.*s', which the schema names", path,
                           STR_ARG(schema->items[i].field));
        *column = *there;
        column->name = schema->items[i].name;
        column->type = schema->items[i].type ? schema->items[i].type : there->type;
        column->unit = schema->items[i].unit.len ? schema->items[i].unit : there->unit;
        column->description =
            schema->items[i].description.len ? schema->items[i].description : there->description;
    }
    return columns_check(out, path, err);
}
