/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence -- what a running service leaves in DIR/run for others to see
 *
 *     strata.pid   the process number of the service, which holds a lock on the file for as long as it lives
 *     http.url     where the HTTP service listens; one line; there while it is up
 *     parts        the state of each part: "name TAB state TAB detail", one a line; there from when it is up until it is gone,
 *                  so a service with it and without http.url is stopping
 *
 * The lock is what counts: the kernel gives it free however the service ends, and files without it are left-overs.
 */
#ifndef SERVE_PRESENCE_H
#define SERVE_PRESENCE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/time.h"

/*
 * Become the service of the instance at `dir`; `*out` holds the lock until it is closed.
 *
 * ERR_CONFLICT  there is one already
 * ERR_IO        the file cannot be made
 */
bool presence_take(const char *dir, int *out, Err *err) ATTR_MUST_USE;

/* The process that is the service of the instance, or 0 when it is down. */
pid_t presence_pid(const char *dir);

/* A file of DIR/run, put there for as long as the service is up, read, and taken away. ERR_IO, ERR_NOT_FOUND. */
bool presence_put(const char *dir, const char *name, Str text, Err *err) ATTR_MUST_USE;
bool presence_get(const char *dir, const char *name, Arena *arena, Str *out, Err *err) ATTR_MUST_USE;
void presence_remove(const char *dir, const char *name);

/* Wait until the service of the instance is gone. False when it is still there after `patience`. */
bool presence_wait_gone(const char *dir, Duration patience);

#endif
