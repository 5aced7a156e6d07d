/* SPDX-License-Identifier: Apache-2.0 */
/* sql_rows -- the rows of SQL that a user typed: JSON objects, one a line, or a table */
#ifndef CLI_SQL_ROWS_H
#define CLI_SQL_ROWS_H

#include "cli/cmd.h"
#include "db/db.h"

/*
 * Run one statement or several, and print the rows of all. Numbers, booleans and JSON are what they are in JSON;
 * everything else is PostgreSQL's text.
 *
 * ERR_DB     it cannot be connected to, or the SQL failed
 * ERR_USAGE  there is a COPY from or to the client in it
 * ERR_IO     it cannot be printed
 */
bool sql_rows_print(const Call *call, const char *dsn, Str sql, Err *err) ATTR_MUST_USE;

/*
 * The same of one statement on a connection: a table for people, and JSON as above with --json. *begun: there was a row, also where it then failed.
 * Errors as db_query(): ERR_DB, ERR_USAGE, ERR_NOT_FOUND ...
 */
bool sql_rows_list(const Call *call, Db *db, const char *sql, bool *begun, Err *err) ATTR_MUST_USE;

#endif
