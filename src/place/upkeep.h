/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place/upkeep -- copies of tables are made, made anew, moved, switched on and off, and dropped
 *
 * Rows are copied first and the mapping changes then, on all servers at once; a table that is not needed any more goes last. Who is killed
 * in between leaves at most a table that nobody maps: doing the same again finishes it, and strata dataset gc removes it. A table that was
 * written to while it was copied (data_table.written) is copied again.
 *
 * All verbs need every server of the dataset, as any change does. ERR_CONFLICT: servers disagree about the mapping.
 */
#ifndef PLACE_UPKEEP_H
#define PLACE_UPKEEP_H

#include "place/change.h"
#include "place/copying.h"

typedef struct Upkeep {
    Place *place;
    const atomic_bool *stop; /* may be NULL */
    Progress *progress;      /* counts bytes that were copied; may be NULL */
} Upkeep;

typedef enum UpkeepOutcome {
    UPKEEP_AS_IT_WAS, /* nothing was to be done */
    UPKEEP_DONE,
    UPKEEP_FINISHED, /* what was cut off before is done now */
} UpkeepOutcome;

/*
 * What has to be known first: settle what killed processes left, see that all servers have one mapping, and read it.
 *
 * ERR_CONFLICT  they disagree; the hint says what helps
 * ERR_DB, and as change_begin()
 */
bool upkeep_begin(Upkeep *upkeep, Err *err) ATTR_MUST_USE;

/* One more copy, from the primary one. ERR_NOT_FOUND: no such table or server; as copying_fill() and change_commit(): ERR_DB ... */
bool upkeep_replicate(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err) ATTR_MUST_USE;

/* A copy goes to a server that has none; where it was the primary one it is that there. Errors as upkeep_replicate(): ERR_NOT_FOUND ... */
bool upkeep_move(Upkeep *upkeep, Str table, Str from, Str to, UpkeepOutcome *out, Err *err) ATTR_MUST_USE;

/*
 * Make a copy anew from the primary one where it differs from that, or cannot be read; with `always` in any case. It is not read
 * meanwhile, and afterwards as before.
 *
 * ERR_CONFLICT  it is the primary copy
 * and as upkeep_replicate(): ERR_NOT_FOUND, ERR_DB ...
 */
bool upkeep_recopy(Upkeep *upkeep, Str table, Str server, bool always, UpkeepOutcome *out,
                   Err *err) ATTR_MUST_USE;

/*
 * Let a copy be read, or not. One that is not as the primary copy is not let.
 *
 * ERR_CORRUPT   it is not
 * ERR_CONFLICT  it is the last active one
 * ERR_NOT_FOUND, ERR_DB
 */
bool upkeep_activate(Upkeep *upkeep, Str table, Str server, bool active, UpkeepOutcome *out,
                     Err *err) ATTR_MUST_USE;

/* Say which copy others are copied from. ERR_CONFLICT: it is not active; ERR_NOT_FOUND, ERR_DB. */
bool upkeep_choose_primary(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err) ATTR_MUST_USE;

/* ERR_CONFLICT: it is the last active copy; ERR_BUSY: its rows are read all the time; ERR_NOT_FOUND, ERR_DB. */
bool upkeep_drop(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err) ATTR_MUST_USE;

/* A table of the dataset, and a copy of it: NULL where there is none on the server. ERR_NOT_FOUND: no such table, or no such server. */
bool upkeep_find(const Upkeep *upkeep, Str table, Str server, const MappingTable **out,
                 const MappingCopy **copy, Err *err) ATTR_MUST_USE;

#endif
