/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/gather -- statements for tables, run on all servers at once; what each gives is passed on when it is all there, once
 *
 * A unit is a statement for one table. It is asked of a server that has an active copy, the one that does the least. What comes is kept until
 * it is whole; when its server dies, hangs or cuts it off, what came is forgotten and another copy is asked. One thread and poll(2) for
 * all connections, which stay for the next units.
 *
 * A table that no server has any more where it was known to be may have been moved: the mapping is read again, and whoever has it now is asked.
 *
 * Three kinds of silence are told apart:
 *
 *  - a server that answers nothing for `deadline` is given up, with all that it was asked. Rows count as an answer, and when there are none
 *    half of the deadline long, another connection is opened: what that gets counts, an error as well. So a statement may compute
 *    as long as it likes while its server is well.
 *  - a connection that is not made within `deadline` failed.
 *  - a statement that gives nothing for GATHER_PATIENCE deadlines, though its server answers, may compute, or its process is stuck, or the
 *    network lost one connection: nobody can tell. Another copy is asked beside it, on a connection more; whoever is whole first counts.
 */
#ifndef DATASET_GATHER_H
#define DATASET_GATHER_H

#include <stdatomic.h>

#include "dataset/spool.h"
#include "place/place.h"

enum { GATHER_PATIENCE = 4 };

typedef struct GatherUnit {
    const MappingTable *table;
    const char *sql;
    const char *part;          /* of the table, in messages; NULL: all of it */
    const char *const *params; /* NULL: the statement has a COPY; else it is asked as stream_ask() says */
    int params_count;
    bool describe; /* run nothing; what it gives is described as stream_describe() says */
} GatherUnit;

/* A unit that was asked for once more. */
typedef struct GatherRetry {
    Str table;
    const char *part;
    const char *from, *to; /* servers; `to` is NULL when nobody could be asked any more */
    const char *reason;
} GatherRetry;

typedef struct GatherOpts {
    const PlaceSpec *spec;
    size_t connections; /* to a server at most; 0: 2 */
    size_t memory;      /* for what is not yet passed on, bytes, before files are used; 0: 32 MiB */
    const char *spool;  /* directory for such files */
    Duration deadline;  /* a server that answers nothing for so long is given up; 0: the spec's, or 30 s */
    int attempts;       /* for a unit at most; 0: 5 */
    const atomic_bool *stop;
    bool (*wanted)(void *ctx, Err *err); /* NULL, or asked now and then: false ends it, with its error */
    void *wanted_ctx;
} GatherOpts;

typedef struct Gather Gather;

/* Nothing is connected yet. Connections are closed when `arena` goes; names and connection strings have to stay as long. */
Gather *gather_new(Arena *arena, const GatherOpts *opts);

/* Gets what unit number `unit` gave. */
typedef bool GatherGive(void *ctx, size_t unit, Spool *bytes, int64_t rows, Err *err);

/*
 * Run units. Their order is that in which they are begun, and if `ordered` also that in which they are passed on.
 *
 * ERR_DB           one could not be had: the message names table and server, and what that said; or no server has an active copy
 * ERR_IO           what came cannot be kept
 * ERR_INTERRUPTED  a stop was asked for
 * and as `wanted`, and what a server says to the statement, as db_query()
 */
bool gather_run(Gather *gather, const GatherUnit *units, size_t count, bool ordered, GatherGive *give,
                void *ctx, Err *err) ATTR_MUST_USE;

/* What was asked for again since it was made, also by runs that failed. */
const GatherRetry *gather_retries(const Gather *gather, size_t *count);

#endif
