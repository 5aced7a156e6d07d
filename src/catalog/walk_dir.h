/* SPDX-License-Identifier: Apache-2.0 */
/* walk_dir -- one directory of a walk: open it, read its entries, look at each, deliver them in pieces */
#ifndef CATALOG_WALK_DIR_H
#define CATALOG_WALK_DIR_H

#include "base/time.h"
#include "catalog/walk_match.h"
#include "catalog/walk_queue.h"

/* What the threads of a walk share. */
typedef struct Walk {
    WalkOptions options;
    const WalkSink *sink;
    Str root; /* normal */
    int root_fd;
    uint64_t root_dev;
    WalkMatch include, exclude;
    PosixNames *names;
    WalkQueue queue;
    Duration started;
    atomic_uint_fast64_t paced; /* entries, for the rate limit */
    pthread_mutex_t mutex;      /* for what follows */
    WalkTotals totals;
    Err err; /* the first one raised */
} Walk;

/* Users and groups that this thread met, so that it rarely takes the lock of PosixNames. */
typedef struct WalkName {
    uint32_t id;
    bool known;
    Str name;
} WalkName;

enum { WALK_ENTRIES_MAX = WALK_PIECE_BYTES / 24, WALK_NAMES = 64 }; /* 24: the kernel's shortest entry */

/* What one thread needs; reused from directory to directory. */
typedef struct WalkWorker {
    Walk *walk;
    int index;
    Buf path;        /* of the directory at hand, then a slash and the entry that is looked at; NUL behind */
    size_t path_len; /* of the directory in it */
    size_t below_root; /* where the part below the root starts; behind the end for the root itself */
    Arena piece;       /* what lives as long as a piece: escaped names, targets */
    Arena dir;         /* as long as a directory: its text, what the sink knows */
    WalkEntry *entries;
    size_t count;
    char *raw;    /* WALK_PIECE_BYTES of the kernel's entries */
    off_t resume; /* where the next piece of this directory starts */
    WalkTotals totals;
    WalkName users[WALK_NAMES], groups[WALK_NAMES];
} WalkWorker;

void walk_worker_init(WalkWorker *worker, Walk *walk, int index);
void walk_worker_release(WalkWorker *worker);

/*
 * Read the directory of `node`, deliver it and queue what is in it.
 *
 * ERR_INTERRUPTED and what the sink raises; what fails in the file system is told as a problem
 */
bool walk_dir_read(WalkWorker *worker, WalkNode *node, Err *err) ATTR_MUST_USE;

/* The facts of `name` in the open directory `dir`; walk_entry.c. False: a problem, or gone, with errno. */
bool walk_entry_look(WalkWorker *worker, int dir, const char *name, WalkEntry *out);

/* Tell the sink of a problem with the path that stands in worker->path. */
void walk_problem(WalkWorker *worker, const char *what, int error);

/*
 * Open a directory however long its path is; -1 and errno. With `follow` links in the path are followed.
 * `path` is as it was afterwards, and ends with a NUL.
 */
int walk_open(int dir, char *path, size_t len, int flags, bool follow);

/* Does errno say that what was there is there no more? /proc says it in more ways than others. */
bool walk_vanished(int error);

#endif
