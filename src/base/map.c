/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <pthread.h>
#include <sys/random.h>
#include <xxhash.h>

typedef struct MapSlot {
    Str key; /* ptr NULL: free */
    uint64_t hash;
    void *value;
} MapSlot;

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    /* Without randomness the map still works, only predictably. */
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uintptr_t)&seed;
}

static uint64_t hash_of(Str key)
{
    (void)pthread_once(&seeded, make_seed);
    return XXH3_64bits_withSeed(key.ptr, key.len, seed);
}

/* The slot that holds `key`, or the free one where it would go. */
static MapSlot *find(MapSlot *slots, size_t size, Str key, uint64_t hash)
{
    for (size_t i = hash & (size - 1);; i = (i + 1) & (size - 1))
        if (!slots[i].key.ptr || (slots[i].hash == hash && str_eq(slots[i].key, key)))
            return &slots[i];
}

static void grow(Map *map, Arena *arena)
{
    size_t size = map->size ? map->size * 2 : 16;
    MapSlot *slots = arena_new(arena, MapSlot, size);

    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].key.ptr)
            *find(slots, size, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    map->slots = slots;
    map->size = size;
}

void **map_slot(Map *map, Arena *arena, Str key)
{
    uint64_t hash = hash_of(key);

    if ((map->count + 1) * 4 > map->size * 3)
        grow(map, arena);
    MapSlot *slot = find(map->slots, map->size, key, hash);
    if (!slot->key.ptr) {
        *slot = (MapSlot){.key = str_copy(arena, key), .hash = hash};
        map->count++;
    }
    return &slot->value;
}

void *map_get(const Map *map, Str key)
{
    return map->size ? find(map->slots, map->size, key, hash_of(key))->value : NULL;
}

bool map_next(const Map *map, size_t *at, Str *key, void **value)
{
    for (; *at < map->size; (*at)++)
        if (map->slots[*at].key.ptr) {
            *key = map->slots[*at].key;
            *value = map->slots[*at].value;
            (*at)++;
            return true;
        }
    return false;
}
