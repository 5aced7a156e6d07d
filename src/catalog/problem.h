/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem -- what could not be read, kept so that somebody can look: the table `problems`
 *
 * A problem is not an end. The newest per path and crawler is kept; a crawl that gets by without it
 * removes it. For several threads.
 */
#ifndef CATALOG_PROBLEM_H
#define CATALOG_PROBLEM_H

#include "base/str.h"

typedef struct ProblemLog ProblemLog;

/* Connects with the first problem. `type` is the crawler. Released with the arena. */
ProblemLog *problem_log_new(Arena *arena, const char *conninfo, Str shard, const char *type);

/* Note one: path as text of pathname.h. What fails is told by problem_log_finish(). */
void problem_note(ProblemLog *log, Str path, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* How many so far. */
int64_t problem_count(const ProblemLog *log);

/*
 * Write what is still held back, and forget problems of this type at or below `root` (NULL: none) that are
 * older than the log.
 *
 * ERR_DB  they cannot be written
 */
bool problem_log_finish(ProblemLog *log, const Str *root, Err *err) ATTR_MUST_USE;

#endif
