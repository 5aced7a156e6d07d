/* SPDX-License-Identifier: Apache-2.0 */
/* place/schema -- the database of a dataset on one server, with its system tables */
#ifndef PLACE_SCHEMA_H
#define PLACE_SCHEMA_H

#include "db/db.h"

/*
 * Make the database where it is missing, and bring its system tables up to what this program needs.
 *
 * dsn       for another database of the server, and a role that may make one
 * database  its name
 *
 * ERR_DENIED    the role may not make it
 * ERR_CONFLICT  a database of that name is something else
 * ERR_DB, and as migrate_run()
 */
bool schema_make(const char *dsn, const char *database, Err *err) ATTR_MUST_USE;

int64_t schema_version(void); /* migrations that this program has */

/*
 * Bring the system tables of the database that the connection is to up to that.
 *
 * ERR_DENIED    the role is not their owner
 * ERR_DB, and as migrate_run(): ERR_CONFLICT, ERR_CORRUPT
 */
bool schema_upgrade(Db *db, Err *err) ATTR_MUST_USE;

#endif
