/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/lookup -- the addresses of a name, found by a thread of their own
 *
 * The system's resolver may say nothing for half a minute, and a call of it cannot be ended: neither that of libuv's threads, which hold up
 * the end of a loop and of the process with it. So whoever does not want to wait gives a look-up up, and its thread ends when it may.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <netdb.h>
#include <uv.h>

#include "base/err.h"

typedef struct Lookup Lookup;

/* `async` is sent when there is an answer. The strings are copied. ERR_IO: there are no more threads. */
bool lookup_begin(const char *host, const char *port, uv_async_t *async, Lookup **out,
                  Err *err) ATTR_MUST_USE;

/*
 * The answer, which ends the look-up: *found for freeaddrinfo(), or NULL with *why. False: there is none yet.
 * ERR_IO in *why: the name is not known, or nobody could be asked.
 */
bool lookup_take(Lookup *lookup, struct addrinfo **found, Err *why);

/* Give it up. Nothing is sent to its `async` from now on. */
void lookup_give_up(Lookup *lookup);

#endif
