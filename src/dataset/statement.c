/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/statement.h"

/* SQL and CSV quote alike: a quote within is written twice. */
static void put_quoted(Buf *out, Str text)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            buf_put_byte(out, '"');
        buf_put_byte(out, text.ptr[i]);
    }
    buf_put_byte(out, '"');
}

bool statement_put(Buf *out, Str sql, Str table, Err *err)
{
    static const char mark[] = "{table}";
    size_t found = 0;

    for (size_t at = 0; at < sql.len;) {
        if (str_starts(str_sub(sql, at, sql.len), STR("{table}"))) {
            buf_put_z(out, "public.");
            put_quoted(out, table);
            at += sizeof mark - 1;
            found++;
        } else
            buf_put_byte(out, sql.ptr[at++]);
    }
    return found > 0 || err_set(err, ERR_USAGE, "the SQL does not have {table} in it");
}

/* As PostgreSQL's COPY does: quoted where it means something in CSV. */
static void put_csv(Buf *out, Str name)
{
    bool plain = name.len > 0;

    for (size_t i = 0; i < name.len; i++)
        plain = plain && !strchr(",\"\r\n", name.ptr[i]);
    if (plain)
        buf_put(out, name);
    else
        put_quoted(out, name);
}

bool statement_names(Db *db, const char *sql, Buf *out, Err *err)
{
    RESULT_SCOPE(prepared);
    RESULT_SCOPE(described);

    prepared = PQprepare(db_handle(db), "", sql, 0, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK)
        return db_err(db, prepared, err);
    described = PQdescribePrepared(db_handle(db), "");
    if (PQresultStatus(described) != PGRES_COMMAND_OK)
        return db_err(db, described, err);
    for (int i = 0; i < PQnfields(described); i++) {
        if (i > 0)
            buf_put_byte(out, ',');
        put_csv(out, str_from_z(PQfname(described, i)));
    }
    buf_put_byte(out, '\n');
    return true;
}
