/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patience -- how long connecting goes on when the server has no connection free, or is only starting
 *
 * A service has none: it answers that it is busy. A command waits, tells so, and goes on. That holds for the
 * whole program and every connection it makes, also those that threads open in the middle of their work. Two
 * programs that each hold some connections and wait for more end when the limit of one is over.
 */
#ifndef DB_PATIENCE_H
#define DB_PATIENCE_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/time.h"

typedef struct Patience {
    Duration limit;          /* of one wait; 0: none at all */
    const atomic_bool *stop; /* ends a wait; may be NULL */
    /* Somebody waits, and nobody did before. From any thread; may be NULL. */
    void (*waiting)(void *ctx, const Err *why);
    void *ctx;
} Patience;

/* From now on; NULL: none, as at the start of the program. Not while other threads connect. */
void patience_set(const Patience *patience);

/* ---- for whoever connects ---- */

typedef struct PatienceWait {
    Duration began, pause; /* 0 before the first */
    bool told;
} PatienceWait;

/*
 * After an attempt that failed with `err`: wait a little, longer each time (50 ms to 2 s). True: try again.
 *
 * False leaves `err`, with what was waited for added, or sets ERR_INTERRUPTED.
 */
bool patience_wait(PatienceWait *wait, Err *err) ATTR_MUST_USE;

/* The last attempt is over. */
void patience_end(PatienceWait *wait);

#endif
