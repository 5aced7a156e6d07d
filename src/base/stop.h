/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop -- somebody wants this process to end: SIGINT, SIGTERM, or the program itself
 *
 * Long work looks at stop_asked() between two steps, or waits on stop_fd() beside its other descriptors, then
 * finishes what must not be left half done. A second signal ends the process at once with status 130: what an
 * interruption leaves is then the same as after kill -9, which every part survives.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdatomic.h>

#include "base/err.h"

/*
 * Take SIGINT and SIGTERM from now on. Called once, before threads start; calls that wait are interrupted (EINTR).
 *
 * ERR_IO  there are no descriptors left
 */
bool stop_init(Err *err) ATTR_MUST_USE;

/* Any thread, any number of times; cheap. */
bool stop_asked(void);

/* The flag behind it, for what watches one. */
const atomic_bool *stop_flag(void);

/* As a signal would. Safe in a signal handler. */
void stop_ask(void);

/* Readable from the moment that somebody asks, for ever; -1 before stop_init(). Not to be read from. */
int stop_fd(void);

/* True until somebody asks; then ERR_INTERRUPTED. For loops: `while (stop_check(err) && step(...))`. */
bool stop_check(Err *err) ATTR_MUST_USE;

#endif
