/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault -- failures on purpose
 *
 * Two ways. `fault_arm` makes the nth system call behind base/os.h fail: for loops in unit tests. A named
 * point, fault_pass(FAULT_batch_merged, err), is a place between two steps of a change; the environment
 * variable STRATA_FAULT=NAME[:N]:kill|EIO|ENOSPC acts at its Nth pass, so that a test of the whole program
 * can kill it just there. The points are the rows of fault.def; `strata debug faults` lists them.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>

#include "base/err.h"

typedef enum FaultPoint {
#define X(name, meaning) FAULT_##name,
#include "base/fault.def"
#undef X
    FAULT_COUNT
} FaultPoint;

/* Make the `nth` call from now (of this thread) fail with `error`; 0 turns it off (and keeps what fired). */
void fault_arm(int nth, int error);
bool fault_fired(void);
bool fault_next(void);

/*
 * Read STRATA_FAULT. Called once, early, by the program.
 *
 * ERR_USAGE  the variable names no point or no action
 */
bool fault_init(Err *err) ATTR_MUST_USE;

/* Pass a point: true nearly always; false with ERR_IO and the errno asked for, or the process is gone. */
bool fault_pass(FaultPoint point, Err *err) ATTR_MUST_USE;

const char *fault_name(FaultPoint point);
const char *fault_meaning(FaultPoint point);

#endif
