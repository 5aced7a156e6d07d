/* SPDX-License-Identifier: Apache-2.0 */
/* crawl_bench CONNINFO SHARD PATH [incremental]: crawls once and says how long it took; see crawl.sh */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "catalog/crawl.h"
#include "catalog/shard.h"

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *db;
    CrawlTotals totals;

    if (argc < 4)
        return 2;
    if (!db_open(&arena, argv[1], &db, &err) ||
        (!shard_create(db, str_from_z(argv[2]), str_from_z(argv[3]), false, &err) &&
         err.code != ERR_CONFLICT)) {
        printf("%s\n", err.text);
        return 1;
    }
    CrawlOptions options = {.conninfo = argv[1], .shard = str_from_z(argv[2]), .incremental = argc > 4};
    Duration start = time_monotonic();
    bool ok = crawl_posix(&options, str_from_z(argv[3]), &totals, &err);
    double seconds = (double)(time_monotonic() - start) / 1e6;
    struct rusage usage;
    int64_t paths = totals.files + totals.directories + totals.links + totals.others;
    (void)getrusage(RUSAGE_SELF, &usage);

    if (!ok)
        printf("failed: %s\n", err.text);
    printf(
        "%lld files %lld directories %lld links %lld others, %lld added %lld changed %lld removed %lld problems "
        "%lld unchanged: %.2f s, %.0f paths/s, %ld MB\n",
        (long long)totals.files, (long long)totals.directories, (long long)totals.links,
        (long long)totals.others, (long long)totals.added, (long long)totals.changed,
        (long long)totals.removed, (long long)totals.problems, (long long)totals.unchanged, seconds,
        (double)paths / seconds, usage.ru_maxrss / 1024);
    return !ok;
}
