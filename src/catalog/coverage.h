/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage -- what directories with many datasets hold of each variable: times, box, period
 *
 * Loaders note what came (coverage_new) and which directories lost something (coverage_due); answers count what
 * came beside what is kept, and look at every dataset where something was lost. A refresh makes both empty again: it
 * adds what came, and makes anew what lost something, reading each dataset once. Memory: the distinct times of
 * the directories that are made, 8 bytes each.
 */
#ifndef CATALOG_COVERAGE_H
#define CATALOG_COVERAGE_H

#include "db/db.h"

/*
 * Bring a shard's coverage up to date, and forget documents that were kept for it when something changed.
 *
 * conninfo  of the owner role
 *
 * ERR_NOT_FOUND  there is no such shard
 * ERR_CONFLICT   others changed the same, again and again; what is there stays right
 */
bool coverage_refresh(const char *conninfo, Str shard, Err *err) ATTR_MUST_USE;

/* The same on a connection whose search path is the shard's. ERR_CONFLICT, ERR_DB. */
bool coverage_refresh_on(Db *db, Err *err) ATTR_MUST_USE;

#endif
