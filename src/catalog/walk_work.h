/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk_work -- files that a walk found, looked into by threads of their own
 *
 * A directory of ten thousand files comes from one thread of the walk; here it is spread over all. The queue
 * is bounded: when the work is slower than the walk, walk_work_add() waits.
 */
#ifndef CATALOG_WALK_WORK_H
#define CATALOG_WALK_WORK_H

#include "catalog/walk.h"

typedef struct WalkFile {
    Str path, text;   /* absolute: the kernel's bytes, and escaped */
    PosixFacts facts; /* without texts */
} WalkFile;

/* Called by all threads at once, each with its number. False, with an Err, ends the work. */
typedef bool WalkJob(void *ctx, int thread, const WalkFile *file, Err *err);

typedef struct WalkWork WalkWork;

/*
 * Start `threads` threads (1 .. WALK_THREADS_MAX). The arena's end stops them, whatever is queued.
 *
 * ERR_IO  no thread can be made
 */
bool walk_work_begin(Arena *arena, int threads, WalkJob *job, void *ctx, WalkWork **out,
                     Err *err) ATTR_MUST_USE;

/* Queue a file; from any thread. False: a job failed, and this is its Err, which may be any: ERR_IO, ERR_DB, ERR_USAGE. */
bool walk_work_add(WalkWork *work, Str path, Str text, const PosixFacts *facts, Err *err) ATTR_MUST_USE;

/* Wait until all is done. False: a job failed, and this is its Err, which may be any: ERR_IO, ERR_DB, ERR_USAGE. */
bool walk_work_end(WalkWork *work, Err *err) ATTR_MUST_USE;

#endif
