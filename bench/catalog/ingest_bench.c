/* SPDX-License-Identifier: Apache-2.0 */
/* ingest_bench CONNINFO SHARD ROOT FILE: takes in one crawl file and says how long it took; see ingest.sh */
#include <stdio.h>
#include <sys/resource.h>

#include "base/os.h"
#include "catalog/ingest.h"
#include "catalog/shard.h"

#include <fcntl.h>

static void print_reject(void *ctx, int64_t line, Str path, const char *reason)
{
    (void)ctx;
    printf("line %lld '%.*s': %s\n", (long long)line, STR_ARG(path), reason);
}

int main(int argc, char **argv)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(fd);
    Err err = {0};
    Db *db;
    IngestTotals totals;
    struct rusage usage;

    if (argc != 5)
        return 2;
    fd = os_open(argv[4], O_RDONLY, 0);
    if (!db_open(&arena, argv[1], &db, &err) ||
        (!shard_create(db, str_from_z(argv[2]), str_from_z(argv[3]), false, &err) &&
         err.code != ERR_CONFLICT)) {
        printf("%s\n", err.text);
        return 1;
    }
    Duration start = time_monotonic();
    bool ok = ingest_file(
        &(IngestOptions){.conninfo = argv[1], .shard = str_from_z(argv[2]), .reject = print_reject}, fd,
        &totals, &err);
    double seconds = (double)(time_monotonic() - start) / 1e6;

    (void)getrusage(RUSAGE_SELF, &usage);
    if (!ok)
        printf("failed: %s\n", err.text);
    printf(
        "%lld lines, %lld accepted, %lld rejected, %lld added, %lld changed, %lld removed: %.2f s, %.0f lines/s, "
        "%ld MB, %ld.%02ld s of CPU\n",
        (long long)totals.lines, (long long)totals.accepted, (long long)totals.rejected,
        (long long)totals.added, (long long)totals.changed, (long long)totals.removed, seconds,
        (double)totals.lines / seconds, usage.ru_maxrss / 1024, usage.ru_utime.tv_sec,
        usage.ru_utime.tv_usec / 10000);
    return !ok;
}
