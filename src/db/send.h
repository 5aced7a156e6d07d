/* SPDX-License-Identifier: Apache-2.0 */
/* send -- what db/pipeline.c needs of a connection: sending without waiting for the answer */
#ifndef DB_SEND_H
#define DB_SEND_H

#include "db/db.h"

/*
 * Send the execution of a query, and before it its preparation where the connection does not know it; *prepares
 * then says that two answers will come. In pipeline mode only. Errors as db_query(), for what fails before sending.
 */
bool db_send(Db *db, const Sql *sql, const DbArg *args, bool *prepares, Err *err) ATTR_MUST_USE;

/* Remember whether the server has the query prepared. */
void db_note_prepared(Db *db, const Sql *sql, bool there);

#endif
