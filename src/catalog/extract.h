/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract -- a pool of strata-extract processes that read geospatial files
 *
 * The libraries that read foreign files may crash, hang or eat memory on a bad one. So they run in processes
 * of their own, with limits; a file on which one ends badly is a problem with a sentence, the process is
 * started again, and the other files go on. The messages between the two are in src/extract/frame.h.
 *
 *     extract_open(&arena, &(ExtractOptions){.done = store, .ctx = crawl}, &pool, err)
 *     for each path: extract_submit(pool, path, tag, err)
 *     extract_drain(pool, err)
 *     extract_close(pool)
 *
 * Every submitted path is answered exactly once, by a call of `done` from inside extract_submit() or
 * extract_drain(), in any order. A pool belongs to one thread from open to close: the processes end when that
 * thread does, whatever it dies of.
 */
#ifndef CATALOG_EXTRACT_H
#define CATALOG_EXTRACT_H

#include "base/buf.h"
#include "base/time.h"

typedef enum ExtractOutcome {
    EXTRACT_FOUND,   /* there is a record; `problem` may say what is missing from it */
    EXTRACT_NO_DATA, /* the file is no geospatial data; `problem` says why it was thought so */
    EXTRACT_FAILED,  /* it should be, and cannot be read; `problem` says why */
    EXTRACT_KILLED,  /* somebody killed the process that read it, twice: nothing is known of the file */
} ExtractOutcome;

/* What became of one path. All texts last until `done` returns. */
typedef struct ExtractAnswer {
    ExtractOutcome outcome;
    Str path;    /* as submitted */
    void *tag;   /* as submitted */
    Str record;  /* JSON, docs/format/gdal-record.md; of one line */
    Str problem; /* a sentence, or empty */
} ExtractAnswer;

/* False, with err set, stops: the call that led here returns false. It must not call the pool. */
typedef bool ExtractDone(void *ctx, const ExtractAnswer *answer, Err *err);

typedef struct ExtractOptions {
    ExtractDone *done;
    void *ctx;
    int workers;         /* processes; 0: as many as processors */
    Duration time_limit; /* for one file; 0: 60 seconds */
    uint64_t memory;     /* address space of a process in bytes; 0: 2 GiB */
    const char *program; /* where strata-extract is; NULL: see extract_program() */
    const char *rules;   /* a file of rule sets instead of the built-in ones, or NULL */
    bool stats;          /* statistics of every band: reads all pixels */
} ExtractOptions;

typedef struct ExtractPool ExtractPool;

enum { EXTRACT_WORKERS_MAX = 256, EXTRACT_PATH_MAX = 16 * 1024 - 1 };

/*
 * Start a first process, which also checks the rules; others follow when there is work for them.
 *
 * ERR_NOT_FOUND  there is no strata-extract
 * ERR_CONFIG     the rules are wrong: the file, the place and what is wrong
 * ERR_IO         the process cannot be started, or ends at once
 */
bool extract_open(Arena *arena, const ExtractOptions *options, ExtractPool **out, Err *err) ATTR_MUST_USE;

/*
 * Give a path (raw bytes, absolute) to a process; waits while all have enough to do.
 *
 * Besides what `done` raises: ERR_LIMIT the path is longer than EXTRACT_PATH_MAX (nothing was submitted),
 * ERR_IO no process can be started any more.
 */
bool extract_submit(ExtractPool *pool, Str path, void *tag, Err *err) ATTR_MUST_USE;

/* Wait until every path is answered. As extract_submit(). */
bool extract_drain(ExtractPool *pool, Err *err) ATTR_MUST_USE;

/* End the processes. Paths that are not answered never will be. */
void extract_close(ExtractPool *pool);

/*
 * Where strata-extract is: beside this program, in ../libexec/strata from there, or in $STRATA_EXTRACT.
 *
 * ERR_NOT_FOUND  in none of them
 */
bool extract_program(Arena *arena, Str *out, Err *err) ATTR_MUST_USE;

/* How often a process ended before its time, since the pool was opened. */
int extract_restarts(const ExtractPool *pool);

#endif
