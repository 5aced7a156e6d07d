/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/statement -- SQL that a user wrote for any table, made for one */
#ifndef DATASET_STATEMENT_H
#define DATASET_STATEMENT_H

#include "base/buf.h"
#include "db/db.h"

/* The SQL with each {table} replaced by the table's name as SQL wants it. ERR_USAGE: there is none in it. */
bool statement_put(Buf *out, Str sql, Str table, Err *err) ATTR_MUST_USE;

/* The names of the columns that a statement gives, as a line of CSV; nothing is run. Errors as db_query(): ERR_DB, ERR_NOT_FOUND ... */
bool statement_names(Db *db, const char *sql, Buf *out, Err *err) ATTR_MUST_USE;

#endif
