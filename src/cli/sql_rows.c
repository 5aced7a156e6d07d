/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sql_rows.h"

/* Their numbers are part of PostgreSQL's protocol: src/include/catalog/pg_type.dat. */
enum {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_OID = 26,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_NUMERIC = 1700,
    TYPE_JSONB = 3802,
};

/* NaN and Infinity are none in JSON. */
static bool is_json_number(Str text)
{
    return text.len && text.ptr[text.len - 1] >= '0' && text.ptr[text.len - 1] <= '9';
}

/* Between its words JSON may have newlines, which would end the line; inside its texts it has none. */
static Str in_one_line(Arena *arena, Str json)
{
    char *line = str_to_z(arena, json);

    for (size_t i = 0; i < json.len; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    return (Str){line, json.len};
}

static void put_value(Out *out, Oid type, Str value)
{
    ARENA_SCOPE(scratch);

    switch (type) {
    case TYPE_BOOL:
        out_bool(out, str_eq_z(value, "t"));
        break;
    case TYPE_JSON:
    case TYPE_JSONB:
        out_json(out, in_one_line(&scratch, value));
        break;
    case TYPE_INT8:
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_OID:
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
    case TYPE_NUMERIC:
        if (is_json_number(value))
            out_json(out, value);
        else
            out_text(out, value);
        break;
    default:
        out_text(out, value);
    }
}

static bool put_row(void *ctx, const PGresult *one, Err *err)
{
    Out *out = ctx;

    (void)err;
    out_record(out);
    for (int i = 0; i < PQnfields(one); i++) {
        out_field(out, PQfname(one, i), OUT_TEXT);
        if (db_is_null(one, 0, i))
            out_null(out);
        else
            put_value(out, PQftype(one, i), db_text(one, 0, i));
    }
    out_end(out);
    return true;
}

bool sql_rows_print(const Call *call, const char *dsn, Str sql, Err *err)
{
    Db *db;

    if (!db_open(call->arena, dsn, &db, err))
        return false;
    if (db_stream_script(db, sql.ptr, put_row, call->out, err))
        return true;
    /* As psql's statuses do, this one does not tell the kinds of failure in what somebody typed. */
    if (err->sqlstate[0])
        err->code = ERR_DB;
    return false;
}

/* ---- a table ---- */

typedef struct Table {
    const Call *call;
    bool begun; /* something was printed */
} Table;

static void begin_table(Table *table, const PGresult *one)
{
    int count = PQnfields(one);
    OutColumn *columns = arena_new(table->call->arena, OutColumn, (size_t)count);

    for (int i = 0; i < count; i++)
        columns[i] = (OutColumn){str_copy(table->call->arena, str_from_z(PQfname(one, i))).ptr, OUT_TEXT};
    out_list(table->call->out, columns, (size_t)count);
    table->begun = true;
}

static bool put_cells(void *table_v, const PGresult *one, Err *err)
{
    Table *table = table_v;

    (void)err;
    if (!table->begun)
        begin_table(table, one);
    for (int i = 0; i < PQnfields(one); i++)
        db_is_null(one, 0, i) ? out_null(table->call->out) : out_text(table->call->out, db_text(one, 0, i));
    return true;
}

static bool put_object(void *table_v, const PGresult *one, Err *err)
{
    Table *table = table_v;

    table->begun = true;
    return put_row(table->call->out, one, err);
}

bool sql_rows_list(const Call *call, Db *db, const char *sql, bool *begun, Err *err)
{
    Table table = {.call = call};
    bool ok = db_stream_statement(db, sql, call->json ? put_object : put_cells, &table, err);

    *begun = table.begun;
    if (table.begun && !call->json)
        out_end(call->out);
    else if (ok && !table.begun)
        out_say(call->out, "no rows");
    return ok;
}
