/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/crawlfile_posix.h"

typedef struct CrawlPosix {
    CrawlFile *file;
    Buf lines[WALK_THREADS_MAX]; /* each thread's own */
} CrawlPosix;

static void release(void *what)
{
    CrawlPosix *posix = what;

    for (size_t i = 0; i < COUNT_OF(posix->lines); i++)
        buf_release(&posix->lines[i]);
}

CrawlPosix *crawlfile_posix_new(Arena *arena, CrawlFile *file)
{
    CrawlPosix *posix = arena_new(arena, CrawlPosix, 1);

    posix->file = file;
    arena_defer(arena, release, posix);
    return posix;
}

static bool flush(CrawlPosix *posix, Buf *lines, Err *err)
{
    if (!crawlfile_add(posix->file, buf_str(lines), err))
        return false;
    buf_reset(lines);
    return true;
}

bool crawlfile_posix_dir(void *ctx, const WalkDir *dir, Err *err)
{
    CrawlPosix *posix = ctx;
    Buf *lines = &posix->lines[dir->thread];

    if (dir->unlisted && dir->first)
        crawlfile_put_posix(lines, dir->text, STR(""), &dir->facts);
    for (size_t i = 0; i < dir->count; i++)
        crawlfile_put_posix(lines, dir->text, dir->entries[i].text, &dir->entries[i].facts);
    return lines->len < CRAWLFILE_BATCH_BYTES || flush(posix, lines, err);
}

bool crawlfile_posix_flush(CrawlPosix *posix, Err *err)
{
    for (size_t i = 0; i < COUNT_OF(posix->lines); i++)
        if (posix->lines[i].len && !flush(posix, &posix->lines[i], err))
            return false;
    return true;
}
