/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map -- from byte strings to pointers, in an arena
 *
 * Open addressing with a keyed hash (XXH3), so that names from outside cannot be chosen to collide. Keys
 * are copied. Entries are never removed one by one; the map goes with its arena.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

typedef struct Map {
    struct MapSlot *slots;
    size_t count, size; /* size is a power of two, or 0 */
} Map;

/* Where the value of `key` is kept; made and NULL when the key is new. Valid until the next map_slot(). */
void **map_slot(Map *map, Arena *arena, Str key);

/* The value of `key`, or NULL. */
void *map_get(const Map *map, Str key);

/* Walks all entries in no order: `size_t at = 0; while (map_next(&map, &at, &key, &value))`. */
bool map_next(const Map *map, size_t *at, Str *key, void **value);

#endif
