/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "cli/sql_rows.h"
#include "dataset/statement.h"

static bool run(const Call *call, Err *err)
{
    BUF_SCOPE(sql);
    Dataset dataset;
    Place *place;
    Db *db;

    return dataset_open(call, &dataset, &place, err) && place_db(place, call->args[1], &db, err) &&
           statement_put(&sql, call->args[2], call->args[1], err) &&
           db_script(db, "set default_transaction_read_only = on", err) &&
           sql_rows_list(call, db, str_to_z(call->arena, buf_str(&sql)), err);
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
