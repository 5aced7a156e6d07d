/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix -- what the file system knows of a path, and the `posix` record that carries it
 *
 * The record is one JSON object. The writer puts the keys in this order and leaves out what is not there:
 *
 *     type               file directory link fifo socket block char
 *     size               bytes
 *     mode               as ls -l prints it: drwxr-x--x, with s S t T for set-user-id, set-group-id, sticky
 *     inode, nlink, dev  whole numbers; dev as makedev(3) packs it
 *     uid, gid           whole numbers
 *     user, group        names, or the number as text where the system knows no name
 *     atime mtime ctime  whole seconds since 1970-01-01T00:00:00Z, negative before
 *     atime_ns mtime_ns ctime_ns   the rest, 1 .. 999999999; left out when 0
 *     btime, btime_ns    when the file was made, where the file system keeps it
 *     target, intact     of links: what it says (the text of pathname.h), and whether that exists
 *     xattrs             an object of names and values; see posix_put_xattr()
 *
 * The reader takes the keys in any order, passes over others, and also takes what the original's crawler
 * wrote: no `type` (then a file), times as RFC 3339.
 */
#ifndef CATALOG_POSIX_H
#define CATALOG_POSIX_H

#include <sys/stat.h>

#include "base/buf.h"

typedef enum PosixType {
    POSIX_FILE,
    POSIX_DIRECTORY,
    POSIX_LINK,
    POSIX_FIFO,
    POSIX_SOCKET,
    POSIX_BLOCK,
    POSIX_CHAR,
    POSIX_TYPE_COUNT
} PosixType;

typedef struct PosixTime {
    int64_t sec; /* since 1970-01-01T00:00:00Z */
    int32_t nsec;
} PosixTime;

/* Which fields are known. A record of our own walk has all but those that its kind cannot have. */
typedef enum PosixHas {
    POSIX_HAS_SIZE = 1 << 0,
    POSIX_HAS_MODE = 1 << 1,
    POSIX_HAS_INODE = 1 << 2,
    POSIX_HAS_NLINK = 1 << 3,
    POSIX_HAS_DEV = 1 << 4,
    POSIX_HAS_UID = 1 << 5,
    POSIX_HAS_GID = 1 << 6,
    POSIX_HAS_USER = 1 << 7,
    POSIX_HAS_GROUP = 1 << 8,
    POSIX_HAS_ATIME = 1 << 9,
    POSIX_HAS_MTIME = 1 << 10,
    POSIX_HAS_CTIME = 1 << 11,
    POSIX_HAS_BTIME = 1 << 12,
    POSIX_HAS_TARGET = 1 << 13,
    POSIX_HAS_INTACT = 1 << 14,
    POSIX_HAS_XATTRS = 1 << 15,
    POSIX_HAS_TYPE = 1 << 16, /* not set: `type` is POSIX_FILE because nothing was said */
} PosixHas;

typedef struct PosixFacts {
    uint32_t has; /* PosixHas, or-ed */
    PosixType type;
    uint16_t mode; /* the twelve permission bits */
    bool intact;
    uint32_t uid, gid, nlink;
    uint64_t size, inode, dev;
    PosixTime atime, mtime, ctime, btime;
    Str user, group;
    Str target; /* text, as in pathname.h */
    Str xattrs; /* the JSON object */
} PosixFacts;

const char *posix_type_name(PosixType type);
bool posix_type_from_name(Str name, PosixType *out);

/* As ls -l: type letter and nine letters, no NUL. */
enum { POSIX_MODE_TEXT = 10 };
void posix_mode_text(PosixType type, uint16_t mode, char out[POSIX_MODE_TEXT]);
bool posix_mode_from_text(Str text, PosixType *out_type, uint16_t *out_mode);

/* All but user, group, target, intact and xattrs. */
void posix_from_statx(const struct statx *st, PosixFacts *out);

/* Append the record. Several million a second: no format strings, no look-ups. */
void posix_put_json(Buf *out, const PosixFacts *facts);

/*
 * Read a record. Texts point into `json`, or into the arena where they held escapes.
 *
 * ERR_USAGE  it is not one JSON object, or a known key has a value that does not fit; the text says where
 */
bool posix_parse(Arena *arena, Str json, PosixFacts *out, Err *err) ATTR_MUST_USE;

/*
 * Append `"name":"value"` of an extended attribute. A value that is not plain text, or starts with 0x, is
 * written 0x and hexadecimal digits, so every value can be had back.
 */
void posix_put_xattr(Buf *out, Str name, Str value);

bool posix_time_eq(PosixTime a, PosixTime b);

/* The names of users and groups, asked of the system once each. For several threads. */
typedef struct PosixNames PosixNames;
PosixNames *posix_names_new(Arena *arena); /* released with the arena; the names live as long */
Str posix_user_name(PosixNames *names, uint32_t uid);
Str posix_group_name(PosixNames *names, uint32_t gid);

#endif
