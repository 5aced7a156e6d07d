/* SPDX-License-Identifier: Apache-2.0 */
/* dataset/gather_inside -- what its parts share: gather.c (the loop), gather_copies.c (whom to ask), gather_silence.c (whom to give up) */
#ifndef DATASET_GATHER_INSIDE_H
#define DATASET_GATHER_INSIDE_H

#include <poll.h>

#include "dataset/gather.h"
#include "dataset/stream.h"

enum {
    GATHER_SPARE = 1 /* connections to a server more, for units that another server is asked for as well */
};

typedef enum GatherState { WAITING, RUNNING, WHOLE, GIVEN } GatherState;

typedef struct Unit {
    const GatherUnit *what;
    const MappingTable *table; /* where it is, as it was known last */
    GatherState state;
    Spool spool; /* when it is whole */
    int64_t rows;
    bool *failed; /* copies that failed since all were tried */
    int attempts, runners;
    size_t retry; /* the last one, plus 1, while nobody is asked instead; or 0 */
} Unit;

typedef struct Slot {
    Stream stream;
    size_t server;
    Unit *unit; /* NULL: idle */
    Spool spool;
} Slot;

typedef struct Peer {
    size_t running;
    Instant heard; /* anything of it, while it runs something */
    Stream probe;
    Instant next_try;
    Duration pause;
} Peer;

struct Gather {
    GatherOpts opts;
    PlaceSpec spec;
    Arena *arena;
    SpoolPool pool;
    Slot *slots;
    size_t slots_count, each; /* slots of a server */
    Peer *peers;
    struct pollfd *fds; /* of slots, then of probes */
    Mapping fresh;      /* read since the run began, where tables were not where they had been */
    GatherRetry *retries;
    size_t retries_count, retries_size;
    /* of one run */
    Unit *units;
    size_t units_count, given; /* ordered: so many from the first on */
    size_t first;              /* all before it were begun */
    size_t done;               /* units that need not be asked for any more */
    bool ordered;
    GatherGive *give;
    void *ctx;
    Instant asked; /* whether it is wanted */
    Err failure;   /* which ends it */
};

static inline const char *gather_server(const Gather *g, size_t server)
{
    return g->opts.spec->servers[server].name;
}

/* ---- gather.c ---- */

/* Ask that server, which has a connection to spare. */
void gather_start(Gather *g, Unit *unit, size_t server);

/* The slot's stream has failed: its unit is asked for elsewhere, or everything ends. */
void gather_failed(Gather *g, Slot *slot);

/* Somebody else was asked for the same, and is whole or to be asked anew. Its server notes that nobody listens. */
void gather_drop(Gather *g, Slot *slot);

/* The unit is asked for once more. */
void gather_note_retry(Gather *g, Unit *unit, const Slot *slot, const char *reason);

/* ---- gather_copies.c ---- */

/* The least busy server that has an active copy and may be asked now, with fewer than `most` running; `not_this` if there is no other one. */
bool gather_choose(const Gather *g, const Unit *unit, size_t most, size_t not_this, size_t *server);

void gather_mark_failed(Gather *g, Unit *unit, size_t server);

/* Is there an active copy that did not fail? */
bool gather_has_untried(const Unit *unit);

/*
 * Is it somewhere else by now? The mapping is read again: from `server`, which has just answered, or from the others where it knows nothing new. Waits for
 * them. False when there is no active copy that was not known.
 */
bool gather_find_again(Gather *g, Unit *unit, size_t server);

/* ERR_DB: no server of the dataset has an active copy. */
bool gather_has_copy(const Gather *g, const MappingTable *table, Err *err) ATTR_MUST_USE;

/* ---- gather_silence.c ---- */

/* Servers and units that have said nothing for too long. */
void gather_look(Gather *g);

/* Take what a server's probe has got. */
void gather_step_probe(Gather *g, size_t server, bool ready);

#endif
