/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract_worker -- one strata-extract process seen from its parent: start, send, receive, end
 *
 * Used by extract.c only. Nothing here waits: extract.c polls `from`.
 */
#ifndef CATALOG_EXTRACT_WORKER_H
#define CATALOG_EXTRACT_WORKER_H

#include <sys/types.h>

#include "catalog/extract.h"

/*
 * Paths given to a process that it has not answered. Two, so that it never waits for its parent, and yet a
 * slow file delays only one other.
 */
enum { EXTRACT_QUEUE = 2 };

typedef struct ExtractRequest {
    Buf path;
    void *tag;
    bool again; /* a process was killed while it read this */
} ExtractRequest;

typedef struct ExtractWorker {
    pid_t pid;    /* 0: not running */
    int to, from; /* its standard input and output */
    int noise;    /* an unnamed file: its standard error */
    bool ready;   /* it has said hello */
    ExtractRequest queue[EXTRACT_QUEUE];
    size_t first, count; /* of the queue */
    size_t sent;         /* of the count: how many this process has been given */
    Instant deadline; /* monotonic: the first of the queue must be answered by then; or when to start again */
    int failures;     /* ends in a row without an answer between */
    bool killed;      /* the last process, by somebody else or for want of memory */
    int stillborn;    /* ends in a row before a hello */
    Buf in;           /* bytes received, from `parsed` on not yet looked at */
    size_t parsed;
    Buf warning; /* a W frame: belongs to the next answer */
} ExtractWorker;

/* One frame received. */
typedef struct ExtractFrame {
    char kind;
    Str payload; /* until the next call */
} ExtractFrame;

void extract_worker_init(ExtractWorker *worker);

/* Start the process; `argv` ends with NULL. ERR_IO. */
bool extract_worker_start(ExtractWorker *worker, char *const *argv, Err *err) ATTR_MUST_USE;

/* Send what of the queue is not sent. ERR_IO the process is gone. */
bool extract_worker_send(ExtractWorker *worker, Err *err) ATTR_MUST_USE;

/* Take what has arrived. False at the end of its output, or when it cannot be read. */
bool extract_worker_receive(ExtractWorker *worker);

/* The next whole frame. False when there is none; *broken when what arrived is none. */
bool extract_worker_frame(ExtractWorker *worker, ExtractFrame *out, bool *broken);

/* Forget what it printed: the file it was about is answered. */
void extract_worker_quiet(ExtractWorker *worker);

/*
 * Kill the process if it still runs, wait for it and forget what it was sent. Returns how it ended, a phrase
 * ("crashed (Segmentation fault)"), with the last it printed.
 */
Str extract_worker_end(ExtractWorker *worker, Arena *arena);

void extract_worker_release(ExtractWorker *worker);

#endif
