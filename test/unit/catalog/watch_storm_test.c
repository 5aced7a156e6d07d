/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes change a small tree at once, with few names, while it is watched: what the watch told must be
 * the tree in the end. STRATA_SEED chooses the storm, STRATA_SOAK makes it many.
 */
#include "catalog/watch.h"

#include <sys/wait.h>

#include "base/time.h"
#include "test/unit/catalog/storm.h"
#include "test/unit/catalog/watch_model.h"

static char top[] = "/tmp/strata-storm-test-XXXXXX";
/* Now in bursts and now slowly, so that the watch is at times behind and at times close. */
static void blow(const char *dir, const char *outside, int changes)
{
    for (int i = 0; i < changes; i++) {
        storm_change(dir, outside);
        if (storm_random(50) == 0)
            (void)usleep((useconds_t)storm_random(8000));
    }
}

typedef struct Storm {
    WatchMethod method;
    const char *dir, *outside;
    int writers, changes;
    Duration settle;
} Storm;

static void start_writers(const Storm *storm, pid_t *out)
{
    (void)fflush(stdout);
    for (int i = 0; i < storm->writers; i++) {
        out[i] = fork();
        if (out[i] == 0) {
            for (int skip = 0; skip < 10 * (i + 1); skip++)
                storm_seed = storm_seed * 6364136223846793005u + (uint64_t)i * 2 + 1;
            blow(storm->dir, storm->outside, storm->changes);
            _exit(0);
        }
    }
}

static bool follow_writers(Watch *watch, Model *model, pid_t *writers, int count)
{
    int left = count;

    while (left > 0) {
        WatchBatch batch;
        Err err = {0};

        for (int i = 0; i < count; i++)
            if (writers[i] && waitpid(writers[i], NULL, WNOHANG) == writers[i]) {
                writers[i] = 0;
                left--;
            }
        if (!watch_next(watch, MILLISECONDS(10), &batch, &err)) {
            printf("# %s\n", err.text);
            CHECK(!"watched");
            break;
        }
        apply(model, &batch);
    }
    for (int i = 0; i < count; i++)
        if (writers[i])
            (void)waitpid(writers[i], NULL, 0);
    return left == 0;
}

/* False when what is believed in the end is not so. */
static bool storm_once(const Storm *storm)
{
    enum { WRITERS_MAX = 8 };
    ARENA_SCOPE(arena);
    MODEL_SCOPE(model);
    pid_t writers[WRITERS_MAX];
    Err err = {0};
    Watch *watch;

    CHECK(os_make_dirs(storm->dir, 0755, &err) && os_make_dirs(storm->outside, 0755, &err));
    blow(storm->dir, storm->outside, 100);
    if (!watch_open(&arena, str_from_z(storm->dir),
                    &(WatchOptions){.method = storm->method, .settle = storm->settle}, &watch, &err)) {
        printf("# %s\n", err.text);
        CHECK(storm->method == WATCH_FANOTIFY && err.code == ERR_DENIED);
        return true;
    }
    model.names = posix_names_new(&model.arena);
    model.root = str_from_z(storm->dir);
    rescan(&model, str_from_z(storm->dir));
    start_writers(storm, writers);
    if (!follow_writers(watch, &model, writers, storm->writers))
        return false;
    drain(watch, &model);
    int wrong = differences(&model, str_from_z(storm->dir));
    CHECK(wrong == 0);
    CHECK(os_remove_tree(storm->dir, &err) && os_remove_tree(storm->outside, &err));
    return wrong == 0;
}

static uint64_t first_seed;
static int rounds;

static void storm_by(WatchMethod method)
{
    ARENA_SCOPE(arena);
    Storm storm = {.method = method,
                   .dir = str_printf(&arena, "%s/tree", top).ptr,
                   .outside = str_printf(&arena, "%s/outside", top).ptr};

    for (int round = 0; round < rounds; round++) {
        storm_seed = first_seed + (uint64_t)round * 7919;
        storm.writers = 1 + (int)storm_random(4);
        storm.changes = 2000;
        storm.settle = MILLISECONDS(1) + (Duration)storm_random(20000);
        if (!storm_once(&storm)) {
            printf("# seed %llu, round %d, %d writers\n", (unsigned long long)first_seed, round,
                   storm.writers);
            return;
        }
    }
}

static void a_storm_told_by_inotify_is_believed_as_it_is(void)
{
    storm_by(WATCH_INOTIFY);
}

static void a_storm_told_by_fanotify_is_believed_as_it_is(void)
{
    storm_by(WATCH_FANOTIFY);
}

int main(void)
{
    const char *asked = getenv("STRATA_SEED"), *many = getenv("STRATA_SOAK");
    Err err = {0};

    if (!mkdtemp(top))
        return 1;
    rounds = many ? 100 : 4;
    first_seed = asked ? strtoull(asked, NULL, 10) : many ? (uint64_t)time_now() : 20261127;
    printf("# STRATA_SEED=%llu\n", (unsigned long long)first_seed);
    RUN(a_storm_told_by_inotify_is_believed_as_it_is);
    RUN(a_storm_told_by_fanotify_is_believed_as_it_is);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
