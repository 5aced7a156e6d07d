/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access -- one asker's way into a shard: which paths there are for him, and which of them he may read
 *
 * Whoever asks without a user sees all. With one, the catalogue answers as the file system would, by the numbers of
 * owner, group and mode that the crawl found (POSIX.1-2017 section 4.5; access control lists are not known):
 *
 * - a path is there when every directory above it may be searched (x); otherwise the answer is ERR_DENIED, whether it
 *   exists or not
 * - what is in a directory is told when it may be read and searched (r and x); so what searches find below a path lies
 *   in directories that may all be read, from that path on downwards
 * - a directory that no crawler has looked at lets only user 0 through; directories above the shard's root are not
 *   in the catalogue, and are not asked
 * - what was read out of a file (its kind, its sum, datasets, records but for posix) is told to those who may read it
 * - a directory's count and size are those of everything below, seen or not
 */
#ifndef CATALOG_ACCESS_H
#define CATALOG_ACCESS_H

#include "catalog/pathname.h"
#include "db/db.h"

typedef struct AccessUser {
    int64_t uid;
    const int64_t *groups;
    size_t group_count;
} AccessUser;

/* A shard as one asker sees it. For one thread; valid while the connection looks at the shard. */
typedef struct Access {
    Arena *arena;
    Db *db;
    Str shard, root;   /* its name; its directory, as text */
    DbArg uid, groups; /* for queries: bigint and bigint[]; both null when everything may be seen */
    const AccessUser *user;
} Access;

/*
 * Enter `shard` over `db`, where unqualified names mean its relations (shard_use(), or a lease for that shard).
 *
 * user  NULL: sees all; must live as long as `arena`, which is used for what is looked up
 *
 * ERR_NOT_FOUND  there is no such shard
 */
bool access_open(Arena *arena, Db *db, Str shard, const AccessUser *user, Access *out,
                 Err *err) ATTR_MUST_USE;

typedef enum AccessType { ACCESS_FILE = 1, ACCESS_DIRECTORY = 2, ACCESS_LINK = 4 } AccessType;

typedef struct AccessPath {
    Str text; /* normal, as pathname.h writes it */
    PathHash hash;
    DbArg arg; /* the key as a query's argument, uuid */
    int depth; /* directories above it */
    AccessType type;
} AccessPath;

/* What is wanted of a path: what it is, or what is in it too. */
typedef enum AccessNeed { ACCESS_STAT, ACCESS_LIST } AccessNeed;

/*
 * Find a path. What is given may be the kernel's bytes or the catalogue's text; bytes are tried first.
 *
 * path  empty: the root of the shard
 *
 * ERR_USAGE      it is not absolute, or has a part `..`; or ACCESS_LIST of something that is no directory
 * ERR_LIMIT      it is too long
 * ERR_NOT_FOUND  the shard has no such path; the hint says how far it is known
 * ERR_DENIED     the asker may not
 */
bool access_path(const Access *access, Str path, AccessNeed need, AccessPath *out, Err *err) ATTR_MUST_USE;

/* May the user do `need` (4 read, 2 write, 1 search, added up) to what has this owner, group and mode? */
bool access_may(const AccessUser *user, int need, int64_t owner, int64_t group, int mode);

#endif
