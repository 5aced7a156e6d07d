/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/statement.h"

/* SQL and CSV quote alike: a quote within is written twice. */
void statement_put_quoted(Buf *out, Str name)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_put_byte(out, '"');
        buf_put_byte(out, name.ptr[i]);
    }
    buf_put_byte(out, '"');
}

/* Quoted where it means something in CSV. */
void statement_put_csv(Buf *out, Str name)
{
    bool plain = name.len > 0;

    for (size_t i = 0; i < name.len; i++)
        plain = plain && !strchr(",\"\r\n", name.ptr[i]);
    if (plain)
        buf_put(out, name);
    else
        statement_put_quoted(out, name);
}

bool statement_has(Str sql, const char *mark)
{
    for (size_t at = 0; at < sql.len; at++)
        if (str_starts(str_sub(sql, at, sql.len), str_from_z(mark)))
            return true;
    return false;
}

/* Whether a condition stands there instead of `mark`. */
static bool put_condition(Buf *out, Str *rest, const char *mark, const char *condition, const char *hint,
                          Err *err)
{
    if (!condition) {
        (void)err_set(err, ERR_USAGE, "the SQL has %s in it, for which nothing is given", mark);
        return err_hint(err, "%s", hint);
    }
    buf_printf(out, "(%s)", condition);
    *rest = str_sub(*rest, strlen(mark), rest->len);
    return true;
}

bool statement_put(Buf *out, Str sql, const StatementMarks *marks, Err *err)
{
    bool found = false;

    while (sql.len > 0) {
        if (str_starts(sql, STR("{table}"))) {
            buf_put_z(out, "public.");
            statement_put_quoted(out, marks->table);
            sql = str_sub(sql, sizeof "{table}" - 1, sql.len);
            found = true;
        } else if (str_starts(sql, STR("{range}"))) {
            if (!put_condition(out, &sql, "{range}", marks->range, "dataset extract cuts tables into ranges",
                               err))
                return false;
        } else if (str_starts(sql, STR("{box}"))) {
            if (!put_condition(out, &sql, "{box}", marks->box, "--box says which", err))
                return false;
        } else {
            buf_put_byte(out, sql.ptr[0]);
            sql = str_sub(sql, 1, sql.len);
        }
    }
    return found || err_set(err, ERR_USAGE, "the SQL does not have {table} in it");
}
