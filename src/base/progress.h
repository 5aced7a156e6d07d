/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress -- how far long work has come, for somebody who waits
 *
 * On a terminal one line is drawn anew ten times a second and removed at the end; elsewhere plain lines come after
 * 2, 4, 8 ... seconds, at most one a minute. A thread of its own draws, so work that stands still is seen to, and
 * progress_add() costs one atomic addition. All functions take NULL, which is no progress at all: the layers
 * below the commands just pass the pointer on.
 *
 *     Progress *progress = progress_begin(arena, (ProgressTask){.what = "crawling /usr", .unit = "paths",
 *                                                               .fd = STDERR_FILENO});
 *     ... progress_add(progress, 1) ...
 *     progress_end(progress);
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include "base/buf.h"
#include "base/time.h"

typedef struct Progress Progress;

typedef struct ProgressTask {
    const char *what; /* "crawling /usr"; copied */
    const char *unit; /* "paths"; copied. NULL counts bytes */
    int64_t total;    /* of these there are, 0 when nobody knows yet */
    int fd;           /* where it goes, nearly always standard error */
    bool off;         /* --quiet and --json: give NULL */
} ProgressTask;

/* NULL when the task is off. progress_end() it before the arena goes. */
Progress *progress_begin(Arena *arena, ProgressTask task);

/* So many more are done. Any thread. */
void progress_add(Progress *progress, int64_t count);
/* So many there are, as far as is known by now. Any thread. */
void progress_set_total(Progress *progress, int64_t total);

/* A whole line for the one who waits; the bar goes out of its way. Any thread. */
void progress_note(Progress *progress, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Takes the bar away. Where plain lines were printed, a last one says the sum. */
void progress_end(Progress *progress);

/* What the line is made of. */
typedef struct ProgressView {
    const char *what, *unit;
    int64_t done, total;
    double rate; /* a second */
    Duration elapsed;
} ProgressView;

/* The line for a terminal, in at most `columns`: what does not fit is left out, the bar first. */
void progress_put_line(const ProgressView *view, int columns, Buf *out);

#endif
