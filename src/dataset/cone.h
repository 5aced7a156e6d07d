/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/cone -- the lightcone: the galaxies that somebody at the origin of a simulated box would see in a part of the sky
 *
 * The box is put beside itself in all directions, as its sides are joined. A galaxy is taken from the snapshot whose redshift is nearest to
 * what light from its distance has: snapshot i is seen from half-way to the one before, in redshift, to half-way to the one behind;
 * the last ones go on to both ends. Right ascension and declination are those of its place, x towards (0, 0) and z to the pole; both
 * bounds of a range are angles in degrees, the upper one is not in it unless it is that of a whole turn or the pole.
 *
 * Which tables can have such galaxies, in which copies of the box and from which snapshots, is known from `summary`: only these are asked
 * (the seed's lightcone module; facts of TAO, section 4).
 */
#ifndef DATASET_CONE_H
#define DATASET_CONE_H

#include "dataset/cosmology.h"
#include "place/mapping.h"
#include "place/summary.h"

enum { CONE_PAIRS = 512 /* box and snapshot, of one statement */, CONE_PAIRS_MAX = 20 * 1000 * 1000 };

typedef struct Cone {
    double ra[2], dec[2]; /* degrees: 0 to 360, the first may be the larger one; -90 to 90 */
    double redshift[2];
    Cosmology cosmology;
    double box; /* its side, as positions */
    const SummarySnapshot *snapshots;
    size_t snapshots_count;
    const SummaryTable *tables; /* where they lie */
    size_t tables_count;
    Str position[3], snapshot; /* columns */
    Str velocity[3];           /* columns; empty: there are none, and no observed redshift */
    Str columns, filter;       /* SQL; empty: all, and everything */
} Cone;

/* A statement for one table, with {table} in it. */
typedef struct ConePart {
    const MappingTable *table;
    const char *sql;
    size_t pairs; /* of copies of the box and snapshots that it looks at */
} ConePart;

typedef struct ConePlan {
    ConePart *parts; /* those of a table stand together */
    size_t parts_count;
    int64_t boxes, pairs; /* copies of the box that reach into the cone; sum over all parts */
    double near, far;     /* distances of the redshifts */
} ConePlan;

/* ERR_USAGE: ranges that are none, or a cosmology; ERR_NOT_FOUND: no snapshots; ERR_LIMIT: more than CONE_PAIRS_MAX pairs. */
bool cone_plan(Arena *arena, const Cone *cone, const Mapping *mapping, ConePlan *out, Err *err) ATTR_MUST_USE;

#endif
