/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset/spool -- bytes that are kept until they are known to be whole: in memory as long as there is some, and then in a file that nobody sees
 *
 * Memory belongs to a SpoolPool that many spools share, in chunks. A spool that needs one when all are taken moves what it has into its
 * file. So all of them together stay in the pool's bound, but for one chunk each.
 */
#ifndef DATASET_SPOOL_H
#define DATASET_SPOOL_H

#include "base/buf.h"

enum { SPOOL_CHUNK = 128 * 1024 };

typedef struct SpoolPool {
    const char *dir;    /* where files go when there are some */
    size_t most, taken; /* chunks */
    char **free;        /* those that nobody has now */
    size_t free_count, free_size;
} SpoolPool;

/* `bytes` of memory, for all. */
SpoolPool spool_pool_new(const char *dir, size_t bytes);
void spool_pool_release(SpoolPool *pool); /* behind its spools */

typedef struct Spool {
    SpoolPool *pool;
    char **chunks; /* those behind what is in the file */
    size_t count, size;
    size_t last;     /* bytes in the last chunk */
    int fd;          /* -1: no file yet */
    int64_t in_file; /* bytes */
} Spool;

Spool spool_new(SpoolPool *pool);
void spool_release(Spool *spool);

/* Forget what is in it. */
void spool_reset(Spool *spool);

int64_t spool_len(const Spool *spool); /* bytes */

/* ERR_IO: the file cannot be made or written. */
bool spool_put(Spool *spool, Str bytes, Err *err) ATTR_MUST_USE;

/* Gets the bytes in pieces, in their order. */
typedef bool SpoolTake(void *ctx, Str bytes, Err *err);

/* Pass on all of it but the first and last bytes that are to be left out, and forget it. ERR_IO, and as `take`. */
bool spool_give(Spool *spool, size_t skip_front, size_t skip_back, SpoolTake *take, void *ctx,
                Err *err) ATTR_MUST_USE;

#endif
