/* SPDX-License-Identifier: Apache-2.0 */
/* worker -- the extractor as a process that answers paths until its standard input ends (see frame.h) */
#ifndef EXTRACT_WORKER_H
#define EXTRACT_WORKER_H

#include "extract/extract.h"

/*
 * Limit this process: its address space, no core file, no file it writes above a few KiB, and an end with its
 * parent.
 *
 * memory  bytes; 0 for no limit
 *
 * ERR_IO  the kernel refuses one of these
 */
bool worker_confine(uint64_t memory, Err *err) ATTR_MUST_USE;

/* Answer frames from standard input on `out`. True at the end of the input. ERR_IO, ERR_LIMIT. */
bool worker_serve(const ExtractSetup *setup, int out, Err *err) ATTR_MUST_USE;

/*
 * Keep standard output for answers: returns a descriptor of it, and lets everything that a library prints to
 * it go to standard error. ERR_IO, -1.
 */
int worker_take_output(Err *err);

#endif
