/* SPDX-License-Identifier: Apache-2.0 */
/* place/balance -- which copies would have to move so that servers have about as many bytes each */
#ifndef PLACE_BALANCE_H
#define PLACE_BALANCE_H

#include "place/upkeep.h"

typedef struct BalanceMove {
    Str table;
    size_t from, to; /* servers, by their place in the list */
    int64_t bytes;
} BalanceMove;

typedef struct Balance {
    int64_t *before, *after; /* bytes of each server */
    BalanceMove *moves;
    size_t count;
} Balance;

/* How many bytes each copy has: by table, then by copy, in the mapping's order. ERR_DB. */
bool balance_measure(Upkeep *upkeep, Arena *arena, int64_t ***out, Err *err) ATTR_MUST_USE;

/*
 * A plan: always the biggest copy whose move from the fullest server to the emptiest that may have it makes the two more equal, as long as
 * there is one. No table gets two copies on one server.
 */
void balance_plan(const PlaceSpec *spec, const Mapping *mapping, int64_t *const *bytes, Arena *arena,
                  Balance *out);

/* Where each copy of a server could go: to the emptiest of those that have none. ERR_CONFLICT: a table is on all the others already. */
bool balance_drain(const PlaceSpec *spec, const Mapping *mapping, int64_t *const *bytes, size_t server,
                   Arena *arena, Balance *out, Err *err) ATTR_MUST_USE;

#endif
