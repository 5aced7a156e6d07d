/* SPDX-License-Identifier: Apache-2.0 */
/* walk_bench ROOT FILE [THREADS] -- crawl a tree into a crawl file; see posix_vs_find.sh */
#include <stdio.h>

#include "base/time.h"
#include "catalog/crawlfile_posix.h"

static void tell(void *ctx, Str path, const char *what, int error)
{
    (void)ctx;
    (void)fprintf(stderr, "cannot %s '%.*s': %s\n", what, STR_ARG(path), strerrordesc_np(error));
}

static bool crawl(Str root, const char *file_name, int threads, Err *err)
{
    ARENA_SCOPE(arena);
    CrawlFile *file;
    WalkTotals totals;
    Duration started = time_monotonic();

    if (!crawlfile_open(&arena, file_name, &file, err))
        return false;
    CrawlPosix *posix = crawlfile_posix_new(&arena, file);
    WalkSink sink = {.ctx = posix, .dir = crawlfile_posix_dir, .problem = tell};
    if (!walk_run(root, &(WalkOptions){.threads = threads}, &sink, &totals, err) ||
        !crawlfile_posix_flush(posix, err))
        return false;
    Duration walked = time_monotonic() - started;
    if (!crawlfile_close(file, err))
        return false;
    (void)printf("entries=%llu walked_ms=%lld with_sync_ms=%lld\n", (unsigned long long)totals.entries + 1,
                 (long long)walked / 1000, (long long)(time_monotonic() - started) / 1000);
    return true;
}

int main(int argc, char **argv)
{
    Err err = {0};
    int64_t threads = 0;

    if (argc < 3 || (argc > 3 && !str_to_int64(str_from_z(argv[3]), &threads))) {
        (void)fprintf(stderr, "usage: walk_bench ROOT FILE [THREADS]\n");
        return 2;
    }
    if (crawl(str_from_z(argv[1]), argv[2], (int)threads, &err))
        return 0;
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
}
