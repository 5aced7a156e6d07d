/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "cli/sql_rows.h"

/* "{table}" becomes the table's name as SQL wants it. */
static bool put_table(Db *db, Str table, Str sql, Buf *out, Err *err)
{
    static const char mark[] = "{table}";
    size_t found = 0;
    char *name = PQescapeIdentifier(db_handle(db), table.ptr, table.len);

    if (!name)
        return db_err(db, NULL, err);
    for (size_t at = 0; at < sql.len;) {
        if (str_starts(str_sub(sql, at, sql.len), STR("{table}"))) {
            buf_printf(out, "public.%s", name);
            at += sizeof mark - 1;
            found++;
        } else
            buf_put_byte(out, sql.ptr[at++]);
    }
    buf_put_byte(out, '\0');
    PQfreemem(name);
    return found > 0 || err_set(err, ERR_USAGE, "the SQL does not have {table} in it");
}

static bool run(const Call *call, Err *err)
{
    BUF_SCOPE(sql);
    Dataset dataset;
    Place *place;
    Db *db;

    return dataset_open(call, &dataset, &place, err) && place_db(place, call->args[1], &db, err) &&
           put_table(db, call->args[1], call->args[2], &sql, err) &&
           db_script(db, "set default_transaction_read_only = on", err) &&
           sql_rows_list(call, db, sql.ptr, err);
}

const Cmd cmd_dataset_query = {
    .name = "dataset query",
    .args = "NAME TABLE SQL",
    .summary = "ask one table of a dataset, wherever it is",
    .description =
        "The SQL goes, as it is, to a server that has an active copy of TABLE, with {table} replaced by the table's "
        "name. It may only read.",
    .examples = "strata dataset query mini tree_1 \\\n"
                "    'select count(*) from {table}'\n",
    .run = run,
};
