/* SPDX-License-Identifier: Apache-2.0 */
/* place/tables -- changes of which tables there are, and which servers have them; each is a step of a Change */
#ifndef PLACE_TABLES_H
#define PLACE_TABLES_H

#include "place/change.h"

/* A new table, with where its copies will be; one of them is primary. ERR_CONFLICT: there is one. */
bool tables_add(Change *change, Str table, const MappingCopy *copies, size_t count, Err *err) ATTR_MUST_USE;

/* Whether queries go to a copy. The last active one of a table is refused by change_commit(). ERR_DB. */
bool tables_activate(Change *change, Str table, Str server, bool active, Err *err) ATTR_MUST_USE;

#endif
