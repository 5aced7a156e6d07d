/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate -- the schema of a database is brought up to what this program needs, forward only
 *
 * A part keeps its schema as numbered scripts (sql/schema/0001_name.sql, ...), compiled in by sql2c.py. Each is
 * applied in a transaction of its own and noted in the table strata.migration (part, number, name, sha256, applied).
 * An applied script never changes; what must change gets the next number.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/db.h"

/*
 * Apply the scripts of `part` that this database does not have yet. Callers at the same time take turns.
 *
 * part     the name they are noted under: "catalog"
 * scripts  numbered 1 .. count
 * applied  how many were applied now; may be NULL. Those stay when a later one fails
 *
 * ERR_CORRUPT   an applied script is not the one that this program has
 * ERR_CONFLICT  the database has migrations that this program does not know: it is newer
 * Otherwise what the failing script caused, with its name; nothing of that script stays.
 */
bool migrate_run(Db *db, const char *part, const SqlScript *scripts, size_t count, size_t *applied,
                 Err *err) ATTR_MUST_USE;

/* How many migrations of `part` the database has; 0 when it was never migrated. Errors as db_query(). */
bool migrate_version(Db *db, const char *part, int *out, Err *err) ATTR_MUST_USE;

typedef struct DatabaseSpec {
    const char *name;   /* of the database: "mas" */
    const char *owner;  /* role that owns it: "mas" */
    const char *reader; /* role that may only read: "api" */
} DatabaseSpec;

/*
 * Make a database with its roles and PostGIS, as far as they are missing.
 *
 * dsn   for any database of the server and a role that may do this (a superuser; where everything is there
 *       already, any role). `name` is connected to by the same with another dbname.
 *
 * ERR_DENIED  something is missing and the role may not make it
 * ERR_DB      the server cannot be reached, or PostGIS is not installed there
 */
bool migrate_database(const char *dsn, const DatabaseSpec *spec, Err *err) ATTR_MUST_USE;

#endif
