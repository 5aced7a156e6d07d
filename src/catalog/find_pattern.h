/* SPDX-License-Identifier: Apache-2.0 */
/* find_pattern -- conditions as people write them, in the forms that PostgreSQL compares with */
#ifndef CATALOG_FIND_PATTERN_H
#define CATALOG_FIND_PATTERN_H

#include "catalog/find.h"

/* One of the two is empty: a LIKE pattern, or a regular expression. */
typedef struct FindPattern {
    Str like, regex;
} FindPattern;

/* ERR_USAGE: a glob's bracket is not closed, or nothing comes behind its last backslash. */
bool find_pattern(Arena *arena, Str text, FindName form, bool any_case, FindPattern *out,
                  Err *err) ATTR_MUST_USE;

/*
 * Append `{"type":..,"path":..,"vars":..}` for a condition on a record: the record's type, a path in the SQL/JSON path
 * language (ISO/IEC 9075-2:2016, 9.39), lax mode, and the values it names.
 *
 * ERR_USAGE  it is not TYPE.KEY... OP VALUE
 */
bool find_field(Arena *arena, Str condition, Buf *out, Err *err) ATTR_MUST_USE;

#endif
