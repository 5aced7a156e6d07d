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
 * Errors of access_path(); ERR_USAGE for a depth outside 0 .. USAGE_DEPTH_MAX, or a key that is none.
 */
extern const ListShape usage_directories;
bool usage_below(const Access *access, Str path, int64_t depth, ListSink *sink, Err *err) ATTR_MUST_USE;

#endif
