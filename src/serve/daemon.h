/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon -- the service of an instance: its parts, from start to stop
 *
 * One process an instance: serve/presence.h. SIGTERM and SIGINT stop it in order; SIGHUP reads the
 * configuration again and takes over what can change while it runs.
 */
#ifndef SERVE_DAEMON_H
#define SERVE_DAEMON_H

#include "serve/instance.h"

/*
 * Be the service until a signal ends it. The calling process must have one thread.
 *
 * set       the sections of strata.ini, to read it again
 * on_ready  called once when everything is up; may be NULL. False (with `err`) stops it again
 *
 * ERR_CONFLICT     the instance is up already
 * ERR_INTERRUPTED  it was stopped before everything was up
 * Otherwise what the part that failed to start says; those before it have been stopped.
 */
bool daemon_run(const Instance *instance, const ConfSet *set, bool (*on_ready)(void *ctx, Err *err),
                void *ctx, Err *err) ATTR_MUST_USE;

/*
 * Do the same in a process of its own that outlives the caller, logging to DIR/log/strata.log. Returns when
 * everything is up. Errors of daemon_run(), and
 *
 * ERR_IO  the process or the log cannot be made, or it ended without a word
 */
bool daemon_start(const Instance *instance, const ConfSet *set, Err *err) ATTR_MUST_USE;

/*
 * Stop the service of an instance, and what a killed service left running. No error when it is down.
 *
 * ERR_BUSY    it does not stop
 * ERR_DENIED  it is another user's
 */
bool daemon_stop(const Instance *instance, Err *err) ATTR_MUST_USE;

#endif
