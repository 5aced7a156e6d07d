/* SPDX-License-Identifier: Apache-2.0 */
/* place/states -- what the copies of tables are: their rows read and hashed on their servers, on all servers at once */
#ifndef PLACE_STATES_H
#define PLACE_STATES_H

#include <stdatomic.h>

#include "base/progress.h"
#include "place/place.h"

enum { STATES_HASH_MAX = 48 };

typedef struct CopyState {
    const MappingTable *table;
    const MappingCopy *copy;
    int64_t rows, bytes;
    char hash[STATES_HASH_MAX]; /* of the rows, whatever their order; equal copies have the same */
    Err why;                    /* code is not 0: it could not be read */
} CopyState;

/*
 * Read every copy, active or not: one state for each, by table and server. One thread and one connection a server.
 *
 * stop      makes it end early; may be NULL
 * progress  counts copies; may be NULL
 *
 * ERR_INTERRUPTED  a stop was asked for
 */
bool states_read(const PlaceSpec *spec, const Mapping *mapping, Arena *arena, const atomic_bool *stop,
                 Progress *progress, CopyState **out, size_t *count, Err *err) ATTR_MUST_USE;

/* Whether both were read, and are the same. */
bool states_equal(const CopyState *a, const CopyState *b);

#endif
