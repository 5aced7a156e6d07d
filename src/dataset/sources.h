/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/sources -- the files of one import: all with the columns of the first, whatever order theirs have
 */
#ifndef DATASET_SOURCES_H
#define DATASET_SOURCES_H

#include "dataset/source.h"

/* Which columns say where a row belongs; empty: found by the names that are usual. */
typedef struct SourcesRoles {
    Str key;         /* of trees, or of what rows are parted by; usual: globaltreeid */
    Str position[3]; /* usual: posx, posy, posz; x, y, z */
    Str snapshot;    /* usual: snapnum */
} SourcesRoles;

/*
 * Columns are matched by name. A column of CSV gets the widest type that one of the files needs, where no schema says its type.
 *
 * ERR_USAGE  files differ in their columns, or are of kinds that do not go together; a column that a role names is missing
 * and as source_open()
 */
bool sources_open(Arena *arena, const Str *paths, size_t count, const SourceOptions *options,
                  const SourcesRoles *roles, Source ***out, Err *err) ATTR_MUST_USE;

#endif
