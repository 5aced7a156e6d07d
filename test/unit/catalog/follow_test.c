/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/follow.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "test/unit/catalog/shards.h"
#include "test/unit/catalog/storm.h"

static char base[] = "/tmp/strata-follow-XXXXXX";
static const char *root; /* the tree that is watched, in a directory of its own */
static atomic_bool stopped;
static int troubles;

/* ---- following ---- */

typedef struct Following {
    Arena arena;
    Watch *watch;
    Follow *follow;
    FollowTotals sum;
} Following;

static void note_trouble(void *ctx, const Err *err)
{
    (void)ctx;
    printf("# waiting: %s\n", err->text);
    troubles++;
}

static void following_end(Following *f)
{
    arena_free(&f->arena);
}
#define FOLLOWING_SCOPE(name) ATTR_CLEANUP(following_end) Following name = {0}

/* A new shard and tree, watched. False where the method is not allowed here. */
static bool begin(Following *f, const char *shard, WatchMethod method)
{
    Err err = {0};

    root = str_printf(&pg_arena, "%s/%s", base, shard).ptr;
    CHECK(mkdir(root, 0755) == 0);
    shards_new(shard, root);
    if (!watch_open(&f->arena, str_from_z(root), &(WatchOptions){.method = method, .stop = &stopped},
                    &f->watch, &err)) {
        printf("# %s\n", err.text);
        CHECK(err.code == ERR_DENIED);
        return false;
    }
    if (!follow_open(&f->arena,
                     &(FollowOptions){.conninfo = shards_dsn,
                                      .shard = str_from_z(shard),
                                      .root = str_from_z(root),
                                      .stop = &stopped,
                                      .trouble = note_trouble},
                     &f->follow, &err))
        pg_fail("cannot follow", &err);
    return true;
}

static bool step(Following *f, Duration wait, size_t *events)
{
    Err err = {0};
    WatchBatch batch;
    FollowTotals totals;

    bool ok = watch_next(f->watch, wait, &batch, &err) && follow_batch(f->follow, &batch, &totals, &err);
    if (!ok) {
        if (err.code != ERR_INTERRUPTED)
            printf("# %s\n", err.text);
        return false;
    }
    *events = batch.count;
    f->sum.renamed += totals.renamed;
    f->sum.added += totals.added;
    f->sum.changed += totals.changed;
    f->sum.removed += totals.removed;
    return true;
}

static void follow_until_quiet(Following *f)
{
    size_t events = 1;

    while (events > 0) {
        bool ok = step(f, SECONDS(1), &events); /* on busy machines a last event comes late */
        CHECK(ok);
        if (!ok)
            return;
    }
}

/* ---- comparing ---- */

/* A query for a shard's rows of paths below the root. */
static Str rows_below(const char *columns, const char *shard, const char *table, const char *key)
{
    return str_printf(
        &pg_arena,
        "select %s from %s.%s where %s in (select pa_hash from %s.paths where pa_path = '%s' or "
        "starts_with(pa_path, '%s/'))",
        columns, shard, table, key, shard, root, root);
}

/* What is in one shard's table below the root and not the same in the other's; access times and such aside. */
static void compare_table(const char *shard, const char *fresh, const char *table, const char *key)
{
    const char *columns =
        str_copy(
            &pg_arena,
            shards_ask(
                str_printf(
                    &pg_arena,
                    "select string_agg(column_name, ', ') from information_schema.columns "
                    "where table_schema = '%s' and table_name = '%s' and column_name not "
                    "like '%%atime' and column_name not like '%%nanos' and column_name not like '%%ingested'",
                    shard, table)
                    .ptr))
            .ptr;
    Str a = rows_below(columns, shard, table, key), b = rows_below(columns, fresh, table, key);
    Str names =
        str_printf(&pg_arena,
                   "select string_agg(coalesce(p.pa_path, q.pa_path), ' ') from (select %s as k from (((%s) "
                   "except (%s)) union all ((%s) except (%s))) rows) x left join %s.paths p on p.pa_hash = k "
                   "left join %s.paths q on q.pa_hash = k",
                   key, a.ptr, b.ptr, b.ptr, a.ptr, shard, fresh);
    Str got = shards_ask(names.ptr);

    if (got.len) {
        static const char kept[] = "select string_agg(r::text, ' ') from ((%s) except (%s)) r";
        Str here = shards_ask(str_printf(&pg_arena, kept, a.ptr, b.ptr).ptr);
        Str there = shards_ask(str_printf(&pg_arena, kept, b.ptr, a.ptr).ptr);

        printf("# %s differs: %.*s\n", table, STR_ARG(str_sub(got, 0, got.len < 1000 ? got.len : 1000)));
        printf("# kept: %.*s\n# fresh: %.*s\n", STR_ARG(str_sub(here, 0, here.len < 1000 ? here.len : 1000)),
               STR_ARG(str_sub(there, 0, there.len < 1000 ? there.len : 1000)));
    }
    CHECK(got.len == 0);
}

static void compare_with_fresh_crawl(const char *shard)
{
    static int number;
    const char *fresh = str_printf(&pg_arena, "fresh_%d", ++number).ptr;
    Err err = {0};
    CrawlTotals totals;

    shards_new(fresh, str_printf(&pg_arena, "%s/", base).ptr);
    bool ok = crawl_posix(&(CrawlOptions){.conninfo = shards_dsn, .shard = str_from_z(fresh)},
                          str_from_z(root), &totals, &err);
    printf("# %lld files, %lld directories, %lld links%s%s\n", (long long)totals.files,
           (long long)totals.directories, (long long)totals.links, ok ? "" : ": ", err.text);
    CHECK(ok);
    compare_table(shard, fresh, "paths", "pa_hash");
    compare_table(shard, fresh, "files", "fi_hash");
    compare_table(shard, fresh, "directories", "di_hash");
    compare_table(shard, fresh, "links", "li_hash");
    CHECK(shard_drop(shards_db, str_from_z(fresh), &err));
    CHECK(shard_use(shards_db, str_from_z(shard), &err));
    CHECK_ASK("select count(*) from metadata where md_hash not in (select pa_hash from paths)", "0");
    CHECK_ASK("select count(*) from scans where sc_dir not in (select di_hash from directories)", "0");
}

/* ---- a storm ---- */

static void storm(uint64_t start, int changes, int pause_us)
{
    storm_seed = start;
    for (int i = 0; i < changes; i++) {
        storm_change(root, root);
        if (pause_us)
            (void)usleep((useconds_t)storm_random((uint64_t)pause_us));
    }
}

/* In another process, and followed meanwhile. */
static void follow_storm(Following *f, uint64_t start, int changes, int pause_us)
{
    size_t events;
    pid_t child;

    (void)fflush(stdout);
    child = fork();
    if (child == 0) {
        storm(start, changes, pause_us);
        _exit(0);
    }
    while (waitpid(child, NULL, WNOHANG) == 0)
        if (!step(f, MILLISECONDS(50), &events)) {
            CHECK(!"followed");
            break;
        }
    follow_until_quiet(f);
    printf("# seed %llu: %lld added, %lld changed, %lld removed, %lld renamed\n", (unsigned long long)start,
           (long long)f->sum.added, (long long)f->sum.changed, (long long)f->sum.removed,
           (long long)f->sum.renamed);
}

static void storm_with(const char *shard, WatchMethod method, uint64_t start)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};

    if (!begin(&f, shard, method))
        return;
    storm(start + 1000, 300, 0); /* before the crawl, and told of after it */
    CHECK(follow_crawl(f.follow, &crawled, &err));
    for (uint64_t i = 0; i < 3; i++)
        follow_storm(&f, start + i, 1500, 2000);
    compare_with_fresh_crawl(shard);
}

static void a_storm_told_by_fanotify_leaves_what_a_crawl_finds(void)
{
    storm_with("fan", WATCH_FANOTIFY, 20261121);
}

/* ---- single things ---- */

static void *follow_on(void *arg)
{
    Following *f = arg;
    size_t events;

    while (step(f, MILLISECONDS(200), &events))
        ;
    return NULL;
}

static void a_new_file_is_there_at_once(void)
{
    enum { TIMES = 10 };
    FOLLOWING_SCOPE(f);
    pthread_t thread;
    Duration worst = 0, sum = 0;

    /* No crawl: the shard is empty, and what comes is public all the same. */
    CHECK(begin(&f, "latency", WATCH_ANY));
    CHECK(pthread_create(&thread, NULL, follow_on, &f) == 0);
    for (int i = 0; i < TIMES; i++) {
        const char *path = str_printf(&pg_arena, "%s/new-%d", root, i).ptr;
        const char *ask =
            str_printf(&pg_arena, "select count(*) from files where fi_hash = md5('%s')::uuid", path).ptr;
        Duration began = time_monotonic();
        int fd = open(path, O_CREAT | O_WRONLY, 0644);

        CHECK(fd >= 0 && close(fd) == 0);
        while (!str_eq_z(shards_ask(ask), "1"))
            time_sleep(MILLISECONDS(2));
        Duration took = time_monotonic() - began;
        sum += took;
        worst = took > worst ? took : worst;
    }
    atomic_store(&stopped, true);
    CHECK(pthread_join(thread, NULL) == 0);
    atomic_store(&stopped, false);
    printf("# a new file is in the shard after %lld ms, %lld at the worst\n", (long long)(sum / TIMES / 1000),
           (long long)(worst / 1000));
    CHECK_ASK("select di_count from directories where di_name = 'latency'", "10");
}

static void renamed_directories_keep_their_records(void)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};
    char a[200], b[200], file[220], link[220];

    CHECK(begin(&f, "renames", WATCH_ANY));
    (void)snprintf(a, sizeof a, "%s/a", root);
    (void)snprintf(b, sizeof b, "%s/b", root);
    (void)snprintf(file, sizeof file, "%s/x.nc", a);
    (void)snprintf(link, sizeof link, "%s/link", root);
    CHECK(mkdir(a, 0755) == 0 && close(open(file, O_CREAT | O_WRONLY, 0644)) == 0 &&
          symlink("a/x.nc", link) == 0);
    CHECK(follow_crawl(f.follow, &crawled, &err));
    follow_until_quiet(&f);
    CHECK(follow_crawl(f.follow, &crawled,
                       &err)); /* what was told of before the first made numbers forgotten */
    follow_until_quiet(&f);
    CHECK_ASK("select count(*) from scans", "2");
    CHECK_ASK("select li_intact from links", "t");
    pg_sql("mas",
           "insert into renames.records (md_hash, md_type, md_json) select pa_hash, 'note', '{\"n\": 1}' "
           "from renames.paths where pa_path like '%x.nc'");
    CHECK(rename(a, b) == 0);
    follow_until_quiet(&f);
    CHECK(f.sum.renamed == 1);
    CHECK_ASK("select right(pa_path, 7) from paths join metadata on md_hash = pa_hash where md_type = 'note'",
              "/b/x.nc");
    CHECK_ASK("select li_intact from links", "f");
    /* The number of the directory itself is still right, that of the one around it is not. */
    CHECK_ASK("select string_agg(di_name, ' ') from scans join directories on di_hash = sc_dir", "b");
    compare_with_fresh_crawl("renames");
}

/* Within one batch, so that the move is done while the catalogue has a file where the directory is. */
static void a_file_moved_into_what_was_one_is_counted(void)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};
    char made[200], from[200], to[200], dir[200];

    CHECK(begin(&f, "turned", WATCH_ANY));
    (void)snprintf(dir, sizeof dir, "%s/dir", root);
    (void)snprintf(from, sizeof from, "%s/dir/file", root);
    (void)snprintf(made, sizeof made, "%s/made", root);
    (void)snprintf(to, sizeof to, "%s/made/file", root);
    CHECK(mkdir(dir, 0755) == 0 && close(open(from, O_CREAT | O_WRONLY, 0644)) == 0 &&
          close(open(made, O_CREAT | O_WRONLY, 0644)) == 0);
    CHECK(follow_crawl(f.follow, &crawled, &err));
    follow_until_quiet(&f);
    CHECK(unlink(made) == 0 && mkdir(made, 0755) == 0 && rename(from, to) == 0);
    follow_until_quiet(&f);
    CHECK_ASK("select string_agg(di_name || ' ' || di_count, ', ' order by di_name) from directories",
              "dir 0, made 1, turned 1");
    compare_with_fresh_crawl("turned");
}

/* A batch may look at a path as a file, and then at one in it: it became a directory meanwhile. And a file again. */
static void nothing_is_left_in_a_file_that_was_a_directory_for_a_moment(void)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    FollowTotals totals;
    Err err = {0};
    char path[200], inside[200];

    CHECK(begin(&f, "moment", WATCH_ANY));
    (void)snprintf(path, sizeof path, "%s/path", root);
    (void)snprintf(inside, sizeof inside, "%s/path/inside", root);
    CHECK(close(open(path, O_CREAT | O_WRONLY, 0644)) == 0);
    CHECK(follow_crawl(f.follow, &crawled, &err));
    follow_until_quiet(&f);
    CHECK(unlink(path) == 0 && mkdir(path, 0755) == 0 && close(open(inside, O_CREAT | O_WRONLY, 0644)) == 0);
    const WatchEvent seen = {.kind = WATCH_CHANGED, .path = str_from_z(inside)};
    CHECK(follow_batch(f.follow, &(WatchBatch){&seen, 1}, &totals, &err) && totals.added == 1);
    CHECK(unlink(inside) == 0 && rmdir(path) == 0 && close(open(path, O_CREAT | O_WRONLY, 0644)) == 0);
    follow_until_quiet(&f);
    compare_with_fresh_crawl("moment");
}

static const char *below_root(const char *name)
{
    return str_printf(&pg_arena, "%s/%s", root, name).ptr;
}

static void make_file(const char *name)
{
    CHECK(close(open(below_root(name), O_CREAT | O_WRONLY, 0644)) == 0);
}

static void move(const char *from, const char *to)
{
    CHECK(rename(below_root(from), below_root(to)) == 0);
}

/*
 * The first move is told with the name that the directory has after the third, which is a file's before: what the
 * second takes along must not be below it then.
 */
static void a_file_and_a_directory_change_names_after_something_moved_there(void)
{
    FOLLOWING_SCOPE(f);

    if (!begin(&f, "swap", WATCH_FANOTIFY))
        return;
    CHECK(mkdir(below_root("one"), 0755) == 0 && mkdir(below_root("two"), 0755) == 0 &&
          mkdir(below_root("two/in"), 0755) == 0);
    make_file("one/file");
    make_file("moves");
    follow_until_quiet(&f);
    move("moves", "two/in/moved");
    move("one/file", "spare");
    move("two", "one/file");
    move("spare", "two");
    follow_until_quiet(&f);
    compare_with_fresh_crawl("swap");
}

/* The number of the next transaction that writes. */
static int64_t next_transaction(void)
{
    int64_t number = 0;

    CHECK(str_to_int64(shards_ask("select pg_snapshot_xmax(pg_current_snapshot())"), &number));
    return number;
}

static void directories_that_come_together_are_committed_together(void)
{
    enum { DIRS = 60 };
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};

    CHECK(begin(&f, "together", WATCH_ANY));
    CHECK(follow_crawl(f.follow, &crawled, &err));
    follow_until_quiet(&f);
    for (int i = 0; i < DIRS; i++) {
        const char *dir = str_printf(&f.arena, "%s/new-%d", root, i).ptr;
        const char *below = str_printf(&f.arena, "%s/empty", dir).ptr;
        const char *moved = str_printf(&f.arena, "%s/moved-%d", root, i).ptr;

        CHECK(mkdir(dir, 0755) == 0 && mkdir(below, 0755) == 0 && rename(dir, moved) == 0);
    }
    int64_t before = next_transaction();
    follow_until_quiet(&f);
    CHECK(next_transaction() - before < DIRS);
    compare_with_fresh_crawl("together");
}

static void what_comes_too_fast_is_crawled(void)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};

    size_t events;

    CHECK(begin(&f, "overflow", WATCH_INOTIFY));
    CHECK(follow_crawl(f.follow, &crawled, &err));
    storm(99, 1000, 0);
    for (int i = 0; i < 10000; i++) { /* three events each, and the queue holds 16,384 */
        const char *path = str_printf(&f.arena, "%s/file-%d", root, i).ptr;
        int fd = open(path, O_CREAT | O_WRONLY, 0644);
        CHECK(fd >= 0 && close(fd) == 0 && (i % 100 == 0 || unlink(path) == 0));
    }
    CHECK(step(&f, SECONDS(1), &events) && events == 1); /* the root, to be walked */
    follow_until_quiet(&f);
    compare_with_fresh_crawl("overflow");
}

static void *restart_database(void *arg)
{
    Err err = {0};

    (void)arg;
    time_sleep(MILLISECONDS(500));
    if (!cluster_stop(pg_cluster, SECONDS(10), &err))
        printf("# %s\n", err.text);
    time_sleep(SECONDS(1));
    if (!cluster_start(pg_cluster, &err))
        printf("# %s\n", err.text);
    return err.code ? arg : NULL;
}

static void a_database_that_restarts_loses_nothing(void)
{
    FOLLOWING_SCOPE(f);
    CrawlTotals crawled;
    Err err = {0};
    pthread_t thread;
    void *failed;

    CHECK(begin(&f, "restart", WATCH_ANY));
    CHECK(follow_crawl(f.follow, &crawled, &err));
    CHECK(pthread_create(&thread, NULL, restart_database, &f) == 0);
    follow_storm(&f, 4711, 2000, 2000);
    CHECK(pthread_join(thread, &failed) == 0 && !failed);
    follow_until_quiet(&f);
    CHECK(db_reopen(shards_db, &err));
    CHECK(shard_use(shards_db, STR("restart"), &err));
    compare_with_fresh_crawl("restart");
}

static void refuses_what_is_not_in_the_shard(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Follow *follow;

    CHECK(!follow_open(&arena,
                       &(FollowOptions){.conninfo = shards_dsn, .shard = STR("fan"), .root = STR("/usr")},
                       &follow, &err));
    CHECK(err.code == ERR_USAGE);
    CHECK(!follow_open(&arena,
                       &(FollowOptions){.conninfo = shards_dsn, .shard = STR("nosuch"), .root = STR("/usr")},
                       &follow, &err));
    CHECK(err.code == ERR_NOT_FOUND && strcmp(err.text, "there is no shard 'nosuch'") == 0);
}

int main(void)
{
    Err err = {0};

    if (!mkdtemp(base))
        return 1;
    shards_start();
    RUN(a_new_file_is_there_at_once);
    RUN(renamed_directories_keep_their_records);
    RUN(a_file_and_a_directory_change_names_after_something_moved_there);
    RUN(a_file_moved_into_what_was_one_is_counted);
    RUN(nothing_is_left_in_a_file_that_was_a_directory_for_a_moment);
    RUN(a_storm_told_by_fanotify_leaves_what_a_crawl_finds);
    RUN(directories_that_come_together_are_committed_together);
    RUN(what_comes_too_fast_is_crawled);
    RUN(refuses_what_is_not_in_the_shard);
    RUN(a_database_that_restarts_loses_nothing);
    CHECK(os_remove_tree(base, &err));
    DONE();
}
