/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shard -- the collections that paths are kept in: each a PostgreSQL schema with a root directory
 *
 * Loading, truncating or dropping one never waits for readers of another: the public views are replaced
 * under a short lock time-out, again and again until nobody is in the way.
 */
#ifndef CATALOG_SHARD_H
#define CATALOG_SHARD_H

#include "db/db.h"

enum { SHARD_NAME_MAX = 63 };

/* ERR_USAGE  no shard can be called so. */
bool shard_check_name(Str name, Err *err) ATTR_MUST_USE;

/*
 * Make a shard. `unlogged` tables load faster and are empty after a crash of the server.
 *
 * ERR_USAGE     the name is not letters, digits and _, or is a schema's of PostgreSQL; the path is not absolute
 * ERR_CONFLICT  the name, or the path, is another shard's already, or a schema of that name exists
 */
bool shard_create(Db *db, Str name, Str path, bool unlogged, Err *err) ATTR_MUST_USE;

/* ERR_NOT_FOUND. */
bool shard_drop(Db *db, Str name, Err *err) ATTR_MUST_USE;
bool shard_truncate(Db *db, Str name, Err *err) ATTR_MUST_USE;

/* Afterwards queries of `db` mean it, as after shard_create(). ERR_NOT_FOUND, ERR_CONFLICT, ERR_USAGE. */
bool shard_rename(Db *db, Str name, Str new_name, Err *err) ATTR_MUST_USE;

typedef struct ShardInfo {
    Str name, path;
    bool unlogged, loading; /* loading: a first load is under way or was cut off */
    Instant created;
} ShardInfo;

/* All shards by name. ERR_DB. */
bool shard_list(Db *db, Arena *arena, ShardInfo **out, size_t *count, Err *err) ATTR_MUST_USE;

typedef struct ShardStat {
    int64_t files, directories, links, datasets, bytes, problems;
    int64_t disk_bytes; /* in the database */
    Instant crawled;    /* when the last crawl ended; 0: never */
} ShardStat;

/* ERR_NOT_FOUND. */
bool shard_stat(Db *db, Str name, ShardStat *out, Err *err) ATTR_MUST_USE;

enum { SHARD_PROBLEMS_COUNTED = 10000 };

typedef struct ShardBrief {
    int64_t files,
        bytes;        /* below its root; -1 while that is not known: it is loading, or was never crawled */
    int64_t problems; /* SHARD_PROBLEMS_COUNTED: or more */
    Instant crawled;  /* when the last crawl ended; 0: never */
} ShardBrief;

/*
 * The same at a glance: nothing large is counted, and nobody who changes the shard is waited for longer than a moment.
 *
 * ERR_NOT_FOUND  it is gone
 * ERR_DB         among others: somebody holds a lock on it
 */
bool shard_brief(Db *db, const ShardInfo *shard, ShardBrief *out, Err *err) ATTR_MUST_USE;

/* Make unqualified names mean the shard's relations on this connection. ERR_NOT_FOUND. */
bool shard_use(Db *db, Str name, Err *err) ATTR_MUST_USE;

#endif
