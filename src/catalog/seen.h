/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen -- has this path come before in this load?
 *
 * Keeps 64 bits of every path's hash, 8 to 16 bytes a path, up to SEEN_MAX paths; beyond that, and in the
 * one case in 10^7 that two of a million paths share 64 bits, it says "maybe", which is always safe.
 */
#ifndef CATALOG_SEEN_H
#define CATALOG_SEEN_H

#include "catalog/pathname.h"

enum { SEEN_MAX = 4 * 1024 * 1024 };

typedef struct Seen {
    uint64_t *slots; /* 0 is free */
    size_t count, size;
} Seen;

/* Notes the path; true when it surely is new. */
bool seen_add(Seen *seen, const PathHash *hash);
void seen_release(Seen *seen);

#endif
