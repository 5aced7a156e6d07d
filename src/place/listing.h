/* SPDX-License-Identifier: Apache-2.0 */
/* place/listing -- the tables of a dataset with their copies, for people who look at them */
#ifndef PLACE_LISTING_H
#define PLACE_LISTING_H

#include "place/place.h"

typedef struct ListedTable {
    Str name;
    int64_t rows;
    Str copies;     /* JSON: [{"server","active","primary"}] */
    int64_t *bytes; /* on each server of the dataset; -1: not known, or none there */
} ListedTable;

/*
 * Tables behind `after`, so many at most. A server that cannot be reached leaves its bytes unknown.
 *
 * ERR_DB  none can be reached
 */
bool listing_read(Place *place, Arena *arena, Str after, int64_t most, ListedTable **out, size_t *count,
                  Err *err) ATTR_MUST_USE;

#endif
