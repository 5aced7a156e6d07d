/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/list.h"

#include "db/copy.h"

/* ---- rows ---- */

static ListCell read_cell(const PGresult *row, int column, ListKind kind)
{
    Str field = db_text(row, 0, column);
    ListCell cell = {.null = db_is_null(row, 0, column), .text = field};

    if (cell.null)
        return (ListCell){.null = true};
    switch (kind) {
    case LIST_INT:
    case LIST_BYTES:
        cell.number = field.len == 4 ? copy_get_int4(field) : copy_get_int8(field);
        break;
    case LIST_NUMBER:
        cell.real = copy_get_float8(field);
        break;
    case LIST_BOOL:
        cell.number = field.ptr[0] != 0;
        break;
    case LIST_TIME:
        cell.number = copy_get_timestamptz(field);
        break;
    case LIST_TEXT:
    case LIST_HEX:
    case LIST_JSON:
        break;
    }
    return cell;
}

typedef struct Run {
    const ListShape *shape;
    ListSink *sink;
    int64_t rows;
    Buf key; /* of the row before */
} Run;

static void run_release(Run *run)
{
    buf_release(&run->key);
}

static bool take_row(void *ctx, const PGresult *row, Err *err)
{
    Run *run = ctx;
    ListCell cells[LIST_COLUMNS_MAX];

    if (run->sink->limit > 0 && run->rows == run->sink->limit) {
        run->sink->next = str_copy(run->sink->arena, buf_str(&run->key));
        return true;
    }
    for (size_t i = 0; i < run->shape->count; i++)
        cells[i] = read_cell(row, (int)i, run->shape->columns[i].kind);
    run->rows++;
    if (run->rows == run->sink->limit)
        buf_put(&run->key, db_text(row, 0, (int)run->shape->count));
    return run->sink->row(run->sink->ctx, run->shape, cells, err);
}

DbArg list_count(const ListSink *sink)
{
    return sink->limit > 0 ? DB_INT(sink->limit + 1) : DB_NULL;
}

bool list_run(Db *db, const Sql *sql, const DbArg *args, const ListShape *shape, ListSink *sink, Err *err)
{
    ATTR_CLEANUP(run_release) Run run = {.shape = shape, .sink = sink};

    sink->next = (Str){0};
    return db_stream(db, sql, args, true, take_row, &run, err);
}

/* ---- keys ---- */

static bool key_is_wrong(Err *err)
{
    (void)err_set(err, ERR_USAGE, "'after' is not a key of this list");
    return err_hint(err, "give the `next` of the page before, with the same parameters otherwise");
}

bool list_key_parse(Str key, int numbers, int64_t *out, Str *out_rest, Err *err)
{
    for (int i = 0; i < numbers; i++) {
        Str number;

        key = str_cut(key, ' ', &number);
        if (!str_to_int64(number, &out[i]))
            return key_is_wrong(err);
    }
    if (key.len == 0)
        return key_is_wrong(err);
    *out_rest = key;
    return true;
}

bool list_key_uuid(Str key, int numbers, int64_t *out, Str *out_uuid, Err *err)
{
    Str rest;

    if (!list_key_parse(key, numbers, out, &rest, err))
        return false;
    bool ok = rest.len == 36;
    for (size_t i = 0; ok && i < rest.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        ok = dash ? rest.ptr[i] == '-' : rest.ptr[i] && strchr("0123456789abcdef", rest.ptr[i]) != NULL;
    }
    if (!ok)
        return key_is_wrong(err);
    *out_uuid = rest;
    return true;
}

/* ---- types ---- */

static const struct {
    AccessType type;
    const char *name;
} types[] = {{ACCESS_FILE, "file"}, {ACCESS_DIRECTORY, "directory"}, {ACCESS_LINK, "link"}};

AccessType list_type_from_name(Str name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_eq_z(name, types[i].name))
            return types[i].type;
    return 0;
}

const char *list_type_name(AccessType type)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}
