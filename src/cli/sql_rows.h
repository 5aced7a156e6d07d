/* SPDX-License-Identifier: Apache-2.0 */
/* sql_rows -- the rows of SQL that a user typed, one JSON object a line */
#ifndef CLI_SQL_ROWS_H
#define CLI_SQL_ROWS_H

#include "cli/cmd.h"

/*
 * Run one statement or several, and print the rows of all. Numbers, booleans and JSON are what they are in JSON;
 * everything else is PostgreSQL's text.
 *
 * ERR_DB     it cannot be connected to, or the SQL failed
 * ERR_USAGE  there is a COPY from or to the client in it
 * ERR_IO     it cannot be printed
 */
bool sql_rows_print(const Call *call, const char *dsn, Str sql, Err *err) ATTR_MUST_USE;

#endif
