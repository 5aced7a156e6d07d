/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stac_probe -- where in the indexes to look for the files of a search
 *
 * A place is looked for under the keys of the grid (grid.h), a time alone by names and classes of length. What is found
 * there may fit and has to be tested. The keys depend on what the shard has: on its rows of `levels`.
 */
#ifndef CATALOG_STAC_PROBE_H
#define CATALOG_STAC_PROBE_H

#include "base/buf.h"
#include "catalog/footprint.h"
#include "catalog/grid.h"
#include "db/db.h"

enum { STAC_BOXES_MAX = 16 };

/* What touches the place touches one of these boxes; none: anywhere. */
typedef struct StacPlace {
    FootprintBox boxes[STAC_BOXES_MAX];
    int count;
} StacPlace;

/* Datasets of a name, class of length and level of size exist. */
typedef struct StacLevel {
    int name, span, level;
} StacLevel;

typedef struct StacLevels {
    StacLevel *at;
    size_t count;
    int64_t datasets;
} StacLevels;

/* Those of the shard that the connection looks at. ERR_DB. */
bool stac_levels_read(Arena *arena, Db *db, StacLevels *out, Err *err) ATTR_MUST_USE;

/* Arrays as PostgreSQL reads them: "{1,2,3}". */
typedef struct StacProbes {
    Buf keys, key_since, key_until;
    Buf firsts, lasts, range_since, range_until;
    Buf names, classes, time_since, time_until;
    int64_t count;
} StacProbes;

/*
 * since, until  NULL: open
 *
 * False when there would be too many: then all files have to be looked at.
 */
bool stac_probes_make(StacProbes *out, const StacPlace *place, const Instant *since, const Instant *until,
                      const StacLevels *levels) ATTR_MUST_USE;
void stac_probes_release(StacProbes *probes);

/* All boxes in parts of the world, as cells have them: "{west,south,east,north}". */
Str stac_place_parts(Arena *arena, const StacPlace *place);

#endif
