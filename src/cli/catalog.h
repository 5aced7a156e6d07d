/* SPDX-License-Identifier: Apache-2.0 */
/* catalog -- what the catalogue's commands have in common: the database behind the instance */
#ifndef CLI_CATALOG_H
#define CLI_CATALOG_H

#include "cli/config.h"
#include "db/db.h"

typedef struct CatalogCall {
    Db *db;          /* as the owner role */
    const char *dsn; /* for those who open connections of their own */
} CatalogCall;

/*
 * Open the instance of the call and connect to its service database.
 *
 * ERR_NOT_FOUND  there is no instance
 * ERR_DB         it is not up
 */
bool catalog_open(const Call *call, CatalogCall *out, Err *err) ATTR_MUST_USE;

/* A path given on the command line: absolute and normal, as text of catalog/pathname.h. ERR_USAGE. */
bool catalog_path(const Call *call, Str given, Str *out, Err *err) ATTR_MUST_USE;

#endif
