/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part -- what the service is made of: things that start, stop, and say how they are
 *
 * A part is one file with one `const ServePart part_<name>`, and a row in part.def. The service starts the parts in
 * the order of that table and stops them in the opposite order. To add routes, a part has `mount`; to work in the
 * background, it starts threads in `start` and ends them in `stop`, or does a little in every `tick`.
 */
#ifndef SERVE_PART_H
#define SERVE_PART_H

#include <stdatomic.h>

#include "db/pool.h"
#include "serve/instance.h"

struct Server; /* http/server.h */

typedef struct Daemon Daemon;

typedef struct ServePart {
    const char *name; /* "database" */

    /* Any of these may be NULL. All but `ready` and `mount`'s handlers are called from the daemon's own thread. */

    /* Start; on failure nothing of it is left. Long steps look at daemon_stopping() and end with ERR_INTERRUPTED. */
    bool (*start)(Daemon *daemon, Err *err);

    /* Stop and free what start() made. Called only after it succeeded. */
    void (*stop)(Daemon *daemon);

    /* Add routes, hooks and event streams to the HTTP service before it listens. */
    bool (*mount)(Daemon *daemon, struct Server *http, Err *err);

    /* The configuration does not ask for it: `strata status` does not list it. From any thread. */
    bool (*off)(const Daemon *daemon);

    /* Is it able to do its work now? For /readyz and `strata status`; from any thread. */
    bool (*ready)(Daemon *daemon, Err *err);

    /* About once a second. */
    void (*tick)(Daemon *daemon);

    /* Somebody asked to read the configuration again (SIGHUP): read again the files that it names. */
    void (*reload)(Daemon *daemon);

    /* One line about it for `strata status`, while it is ready: "8 of 16 connections in use". */
    void (*describe)(Daemon *daemon, Buf *out);
} ServePart;

#define X(name) extern const ServePart part_##name;
#include "serve/part.def"
#undef X

/* ---- what a part may ask the daemon ---- */

const Instance *daemon_instance(const Daemon *daemon);
const ConfSet *daemon_conf_set(const Daemon *daemon); /* for reading strata.ini as it is by now */
Arena *daemon_arena(Daemon *daemon); /* lives as long as the daemon; from its own thread only */

/* Connections to the service database; from any thread, while the part `database` is up. */
Pool *daemon_pool(Daemon *daemon, InstanceRole role);
void daemon_set_pool(Daemon *daemon, InstanceRole role, Pool *pool);

/* Somebody asked the service to stop; from any thread. */
bool daemon_stopping(const Daemon *daemon);

/* The flag behind it, for what watches one. */
const atomic_bool *daemon_stop_flag(const Daemon *daemon);

/* What a part keeps between its calls. */
void daemon_keep(Daemon *daemon, const ServePart *part, void *state);
void *daemon_kept(const Daemon *daemon, const ServePart *part);

/* Calls every part's mount(), and registers every part's ready(). For the part that makes the HTTP service. ERR_BUG. */
bool daemon_mount(Daemon *daemon, struct Server *http, Err *err) ATTR_MUST_USE;

#endif
