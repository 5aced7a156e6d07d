/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk_queue -- the directories still to be read, last in, first out, for several threads
 *
 * A directory is a node that knows its parent, so the path of none is kept whole. A node is counted by its
 * children and by whoever holds it, and goes with the last of them.
 */
#ifndef CATALOG_WALK_QUEUE_H
#define CATALOG_WALK_QUEUE_H

#include <pthread.h>

#include "catalog/walk.h"

/* What is kept of a directory that was left before its end. */
typedef struct WalkPause {
    int fd;       /* -1: to be opened again; not too many stay open */
    off_t offset; /* the kernel's, of the next entry */
    PosixFacts facts;
} WalkPause;

typedef struct WalkNode {
    struct WalkNode *parent; /* NULL: the root */
    struct WalkNode *below;  /* in the queue */
    WalkPause *pause;
    uint64_t dev, inode; /* once it was opened */
    atomic_uint refs;
    uint32_t name_len;
    int depth;
    bool unlisted; /* see WalkDir */
    char name[];
} WalkNode;

typedef struct WalkQueue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    WalkNode *top;
    size_t bytes, most_bytes, limit;
    int busy; /* threads that may still push */
    bool ended;
    atomic_int paused_fds;
    atomic_bool full; /* bytes > limit; read without the lock */
} WalkQueue;

void walk_queue_init(WalkQueue *queue, size_t limit_bytes);
void walk_queue_release(WalkQueue *queue);

/* A node with one reference, and one more on its parent. */
WalkNode *walk_node_new(WalkNode *parent, Str name, bool unlisted);
void walk_node_drop(WalkNode *node);

/* Push a chain of nodes, linked by `below`; takes the caller's reference of each. */
void walk_queue_push(WalkQueue *queue, WalkNode *first);

/*
 * The next directory, waiting while another thread may still push one; NULL when all is done or
 * walk_queue_end() was called. The caller is busy until its next call.
 */
WalkNode *walk_queue_pop(WalkQueue *queue, bool was_busy);
void walk_queue_end(WalkQueue *queue);

#endif
