/* SPDX-License-Identifier: Apache-2.0 */
/* place/recopy -- many copies of a dataset are made like their primary ones, now or every so often */
#ifndef PLACE_RECOPY_H
#define PLACE_RECOPY_H

#include "place/upkeep.h"

typedef struct RecopyWish {
    const Str *tables; /* only these; none: all */
    size_t count;
    Str server; /* only copies there; empty: everywhere */
    Str primary; /* not empty: what this server has of the tables is right, and the others are copied from there */
    bool always; /* also those that are right */
} RecopyWish;

typedef struct Recopied {
    Str table, server;
    UpkeepOutcome outcome;
    Err why; /* code is not 0: it could not be made anew */
} Recopied;

/*
 * On all servers that get copies at once, one copy after the other on each. One that fails does not keep the others from it: it is in the list with the
 * reason.
 *
 * ERR_NOT_FOUND    there is no such table or server
 * ERR_INTERRUPTED  a stop was asked for
 * ERR_DB, ERR_CONFLICT  as upkeep_begin()
 */
bool recopy_run(Upkeep *upkeep, const RecopyWish *wish, Arena *arena, Recopied **out, size_t *count,
                Err *err) ATTR_MUST_USE;

/* Say in the dataset that all copies are to be looked at so often; 0: not any more. As change_begin(): ERR_DB ... */
bool recopy_plan(Upkeep *upkeep, Duration every, Err *err) ATTR_MUST_USE;

typedef struct RecopyPlan {
    Duration every; /* 0: nobody asked for it */
    Instant last;   /* 0: never */
} RecopyPlan;

/* ERR_DB; ERR_CORRUPT: it is no time. */
bool recopy_read_plan(Place *place, RecopyPlan *out, Err *err) ATTR_MUST_USE;

/* Note that it was done just now. As change_begin(): ERR_DB ... */
bool recopy_note(Upkeep *upkeep, Err *err) ATTR_MUST_USE;

#endif
