/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find -- files, directories and links below a directory that meet conditions
 *
 * Any conditions together; all must be met. The most selective one that has an index leads: the name (up to the first
 * wildcard), size, mtime, user, kind, sha256, the variable of a dataset. Others are tested on what is left.
 *
 * Conditions that only files can meet: size, kind, sha256, fields of records, and those on datasets. The last look for
 * a file with one dataset that meets all of them.
 */
#ifndef CATALOG_FIND_H
#define CATALOG_FIND_H

#include "catalog/list.h"

typedef enum FindSort {
    FIND_BY_KEY,  /* no order that means anything; the first page comes at once */
    FIND_BY_PATH, /* all that is found has to be sorted */
    FIND_BY_SIZE, /* largest first; files of known size alone */
    FIND_BY_TIME, /* newest first; what has a known mtime alone */
} FindSort;

/* How a name is compared. */
typedef enum FindName {
    FIND_NAME_GLOB,  /* the whole name: * ? [abc] [!abc], and \ before what shall stand for itself */
    FIND_NAME_REGEX, /* some part of it: POSIX extended, as PostgreSQL has it */
    FIND_NAME_PART,  /* some part of it, letter for letter */
} FindName;

typedef struct FindBox {
    double west, south, east, north; /* degrees; east < west: across the antimeridian */
} FindBox;

enum { FIND_FIELDS_MAX = 32 };

/* What is not set is not asked: empty texts, NULL, false. */
typedef struct FindQuery {
    Str path;       /* below this directory; empty: the shard's root */
    unsigned types; /* AccessType, or-ed; 0: all */
    Str name;       /* the kernel's bytes or the catalogue's text */
    FindName name_form;
    bool any_case;
    const int64_t *size_min, *size_max; /* bytes; both ends in */
    const Instant *mtime_min, *mtime_max;
    Str user, group;
    const int64_t *uid, *gid;
    Str kind;   /* format or media type by content; a glob */
    Str sha256; /* 64 hexadecimal digits */

    /*
     * Conditions on records: "TYPE.KEY.KEY OP VALUE", OP one of = != < <= > >= ~, or "TYPE.KEY" (there is such a key).
     * In an array one element is enough. ~ is a regular expression. Numbers are compared as numbers.
     */
    const Str *fields;
    size_t field_count;

    Str variable;
    const Instant *stamp_min, *stamp_max;
    const FindBox *box;
    FindSort sort;
} FindQuery;

/*
 * ERR_USAGE  a pattern, condition, box or key cannot be read; or the path is no directory
 * Otherwise errors of access_path() and db_query().
 */
bool find(const Access *access, const FindQuery *query, ListSink *sink, Err *err) ATTR_MUST_USE;

#endif
