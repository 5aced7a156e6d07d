/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/seen.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_START = 1 << 16 };

static uint64_t *find(uint64_t *slots, size_t size, uint64_t key)
{
    for (size_t at = key & (size - 1);; at = (at + 1) & (size - 1))
        if (slots[at] == 0 || slots[at] == key)
            return &slots[at];
}

static void grow(Seen *seen)
{
    size_t size = seen->size ? seen->size * 2 : SEEN_START;
    uint64_t *slots = calloc(size, sizeof *slots);

    if (!slots)
        abort();
    for (size_t i = 0; i < seen->size; i++)
        if (seen->slots[i])
            *find(slots, size, seen->slots[i]) = seen->slots[i];
    free(seen->slots);
    seen->slots = slots;
    seen->size = size;
}

bool seen_add(Seen *seen, const PathHash *hash)
{
    uint64_t key;

    memcpy(&key, hash->bytes, sizeof key);
    key += key == 0;
    if (seen->count >= SEEN_MAX)
        return false;
    if (seen->count * 4 >= seen->size * 3)
        grow(seen);
    uint64_t *slot = find(seen->slots, seen->size, key);
    if (*slot == key)
        return false;
    *slot = key;
    seen->count++;
    return true;
}

void seen_release(Seen *seen)
{
    free(seen->slots);
    *seen = (Seen){0};
}
