/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register -- the numbers that stand for names, coordinate systems and axes in a shard's tables
 *
 * Asked of the database once each and kept. For one thread, with a connection of its own, so that what is
 * entered stays entered whatever becomes of the batch that needed it first.
 */
#ifndef CATALOG_REGISTER_H
#define CATALOG_REGISTER_H

#include "catalog/footprint.h"

typedef struct Register Register;

typedef struct RegisteredSystem {
    int id;                  /* catalog.srs.sr_id */
    int srid;                /* 0: none */
    FootprintSystem *system; /* NULL when PROJ does not understand it */
} RegisteredSystem;

/* Connects; released with the arena. ERR_DB, ERR_NOT_FOUND. */
bool register_open(Arena *arena, const char *conninfo, Str shard, Register **out, Err *err) ATTR_MUST_USE;

/* ERR_DB; ERR_LIMIT after GRID_NAME_MAX names. */
bool register_name(Register *reg, Str name, int *out, Err *err) ATTR_MUST_USE;
bool register_axes(Register *reg, Str json, int *out, Err *err) ATTR_MUST_USE;
bool register_system(Register *reg, Str wkt, Str proj4, const RegisteredSystem **out, Err *err) ATTR_MUST_USE;

/* A number for the next dataset: unique in the shard. */
int64_t register_next_id(Register *reg);

#endif
