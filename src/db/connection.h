/* SPDX-License-Identifier: Apache-2.0 */
/* connection -- how db/db.c gets its PGconn: within a time, with patience, and with the SQLSTATE of a refusal */
#ifndef DB_CONNECTION_H
#define DB_CONNECTION_H

#include <libpq-fe.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

/*
 * Connect. A server that does not answer is given up after 10 s, unless the string has a connect_timeout; one that
 * has no connection free or is starting is tried again as db/patience.h says.
 *
 * ERR_DB           the server cannot be reached, or refused; err->sqlstate says why when it did
 * ERR_BUSY         it has no connection free
 * ERR_INTERRUPTED  a stop was asked for while waiting
 */
bool connection_make(const char *conninfo, PGconn **out, Err *err) ATTR_MUST_USE;

/* Whether anybody answers there within a time (of two seconds at least), be it that there is no connection free. */
bool connection_answers(const char *conninfo, Duration within);

/* The first line of a message of libpq's, without blanks around it. */
Str connection_line(const char *message);

#endif
