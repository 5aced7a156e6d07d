/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/workers -- threads that run handlers, and the bounded queue in front of them
 *
 * Putting costs a lock, and a wake-up only when a worker sleeps. A place is reserved first, because the connection must
 * be suspended between knowing that there is a place and another thread taking the work.
 */
#ifndef HTTP_WORKERS_H
#define HTTP_WORKERS_H

#include "base/err.h"

typedef struct Workers Workers;

/* Start `threads` threads that call `run` for each piece of work; at most `places` wait. ERR_IO */
Workers *workers_start(unsigned threads, unsigned places, void (*run)(void *work), Err *err) ATTR_MUST_USE;

/* Take a place in the queue; false when it is full or the workers stop. */
bool workers_reserve(Workers *workers) ATTR_MUST_USE;
void workers_put(Workers *workers, void *work); /* into a place reserved before */

unsigned workers_waiting(Workers *workers); /* pieces of work that no thread has taken yet */

/* Finish everything for which a place was reserved, then end the threads. Reserving may go on, and fails. */
void workers_stop(Workers *workers);
void workers_free(Workers *workers); /* after workers_stop() */

#endif
