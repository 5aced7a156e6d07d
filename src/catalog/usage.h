/* SPDX-License-Identifier: Apache-2.0 */
/* usage -- what space is used for: directories and their sizes, owners, ages, duplicates, and how fresh all this is */
#ifndef CATALOG_USAGE_H
#define CATALOG_USAGE_H

#include "catalog/list.h"

enum { USAGE_DEPTH_MAX = 100 };

/*
 * A directory's files and bytes at any depth below, which are kept current: nothing is added up. Behind it come the
 * directories below, down to `depth`, the largest of each depth first.
 *
 * ERR_NOT_FOUND, ERR_DENIED as access_path(); ERR_USAGE for a depth outside 0 .. USAGE_DEPTH_MAX, or a key that is none.
 */
extern const ListShape usage_directories;
bool usage_below(const Access *access, Str path, int64_t depth, ListSink *sink, Err *err) ATTR_MUST_USE;

/*
 * Files and bytes below a directory by owner, group, kind of content or suffix of the name, the largest first; or by
 * the time since they changed, in classes. All files below are looked at: seconds for millions.
 *
 * ERR_NOT_FOUND, ERR_DENIED as access_path(), and ERR_USAGE for a key that is none.
 */
typedef enum UsageBy { USAGE_BY_USER, USAGE_BY_GROUP, USAGE_BY_KIND, USAGE_BY_SUFFIX, USAGE_BY_AGE } UsageBy;
extern const ListShape usage_owners, usage_ages; /* the latter of USAGE_BY_AGE */
bool usage_by(const Access *access, Str path, UsageBy by, ListSink *sink, Err *err) ATTR_MUST_USE;

/* Files of the same content below a directory, as their checksums say; hard links waste nothing. ERR_NOT_FOUND, ERR_DENIED as usage_by(). */
extern const ListShape usage_copies;
bool usage_duplicates(const Access *access, Str path, ListSink *sink, Err *err) ATTR_MUST_USE;

/* How fresh a path and what is below it are: crawls that cover all of it or a part, the newest first. ERR_NOT_FOUND, ERR_DENIED. */
extern const ListShape usage_crawls;
bool usage_freshness(const Access *access, Str path, ListSink *sink, Err *err) ATTR_MUST_USE;

#endif
