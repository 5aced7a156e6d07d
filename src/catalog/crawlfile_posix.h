/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crawlfile_posix -- from a walk into a crawl file: one posix record for every path
 *
 *     CrawlPosix *posix = crawlfile_posix_new(&arena, file);
 *     WalkSink sink = {.ctx = posix, .dir = crawlfile_posix_dir};
 *     walk_run(...) && crawlfile_posix_flush(posix, err) && crawlfile_close(file, err)
 */
#ifndef CATALOG_CRAWLFILE_POSIX_H
#define CATALOG_CRAWLFILE_POSIX_H

#include "catalog/crawlfile.h"
#include "catalog/walk.h"

typedef struct CrawlPosix CrawlPosix;

CrawlPosix *crawlfile_posix_new(Arena *arena, CrawlFile *file);

/* For WalkSink's `dir`; `ctx` is the CrawlPosix. ERR_IO. */
bool crawlfile_posix_dir(void *ctx, const WalkDir *dir, Err *err) ATTR_MUST_USE;

/* After the walk: what the threads have not written yet. ERR_IO. */
bool crawlfile_posix_flush(CrawlPosix *posix, Err *err) ATTR_MUST_USE;

#endif
