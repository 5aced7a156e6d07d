/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/spool -- bytes that are kept until they are known to be whole: in memory up to a bound, and then in a file that nobody sees
 */
#ifndef DATASET_SPOOL_H
#define DATASET_SPOOL_H

#include "base/buf.h"

typedef struct Spool {
    const char *dir;  /* where its file goes when there is one */
    size_t in_memory; /* bytes at most before that */
    Buf bytes;        /* those behind what is in the file */
    int fd;           /* -1: no file yet */
    int64_t in_file;  /* bytes */
} Spool;

Spool spool_new(const char *dir, size_t in_memory);
void spool_release(Spool *spool);

/* Forget what is in it. */
void spool_reset(Spool *spool);

/* ERR_IO: the file cannot be made or written. */
bool spool_put(Spool *spool, Str bytes, Err *err) ATTR_MUST_USE;

/* Write all of it to `fd`, and forget it. ERR_IO. */
bool spool_give(Spool *spool, int fd, Err *err) ATTR_MUST_USE;

#endif
