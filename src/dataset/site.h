/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/site -- what is read of each row of a file to decide which table it goes to */
#ifndef DATASET_SITE_H
#define DATASET_SITE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Site {
    int64_t key;  /* of the tree, or of what rows are parted by */
    double at[3]; /* NaN: not known */
    int32_t snap; /* SITE_NO_SNAP: not known */
    bool has_key;
} Site;

enum { SITE_NO_SNAP = INT32_MIN };

/* In which columns that is; -1: in none. */
typedef struct SiteColumns {
    int key, at[3], snap;
} SiteColumns;

#endif
