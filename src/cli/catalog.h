/* SPDX-License-Identifier: Apache-2.0 */
/* catalog -- what the catalogue's commands have in common: the database behind the instance */
#ifndef CLI_CATALOG_H
#define CLI_CATALOG_H

#include "cli/config.h"
#include "db/db.h"

/*
 * Open the instance of the call and connect to its service database, as the owner role.
 *
 * A server that has no connection free is waited for as long as database.patience says, and so it is from then on by
 * all that connects in this program.
 *
 * ERR_NOT_FOUND    there is no instance
 * ERR_DB           it is not up
 * ERR_BUSY         there was no connection free in time
 * ERR_INTERRUPTED  a stop was asked for while waiting
 */
bool catalog_open(const Call *call, Db **out, Err *err) ATTR_MUST_USE;

/* The same for what connects by itself: a connection string, and nothing is open. Errors as catalog_open(): ERR_DB ... */
bool catalog_dsn(const Call *call, const char **out, Err *err) ATTR_MUST_USE;

/* And the root of a shard; empty where there is no such shard, which who crawls it says. Errors as catalog_open(): ERR_DB ... */
bool catalog_shard_dsn(const Call *call, Str shard, const char **out, Str *out_root, Err *err) ATTR_MUST_USE;

/* As catalog_open(), without waiting: ERR_BUSY comes at once. */
bool catalog_peek(const Call *call, Db **out, Err *err) ATTR_MUST_USE;

/*
 * A path given on the command line: absolute and normal, as text of catalog/pathname.h. Links are left as they are, but for
 * those that a part '..' leads out of.
 *
 * ERR_USAGE  it cannot be one, or has a part '..' behind what is no directory here
 */
bool catalog_path(const Call *call, Str given, Str *out, Err *err) ATTR_MUST_USE;

/*
 * The same as a shard with this root calls it. What does not lie in it by name, but does on this machine when links are
 * followed (to the shard, or because its root is one), is taken for what it leads to. ERR_USAGE.
 */
bool catalog_path_in(const Call *call, Str given, Str root, Str *out, Err *err) ATTR_MUST_USE;

#endif
