/* SPDX-License-Identifier: Apache-2.0 */
#include "db/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "test/check.h"
#include "test/pg.h"

static const Sql backend = {"backend", 0, "select pg_backend_pid()"};
static const Sql path = {"path", 0, "select current_setting('search_path')"};
static const Sql timeout = {"timeout", 0, "select current_setting('statement_timeout')"};
static const Sql where_am_i = {"where_am_i", 0, "select name from here"};
static const Sql sleep_long = {"sleep_long", 0, "select pg_sleep(30)"};

static Pool *open_pool(int size)
{
    return pool_open(&(PoolOptions){.dsn = pg_dsn("postgres"), .size = size, .wait = MILLISECONDS(200)});
}

static bool take(Pool *pool, const char *shard, PoolLease *out, Err *err)
{
    return pool_take(pool, &(PoolWish){.shard = str_from_z(shard)}, out, err);
}

static int64_t pid_of(PoolLease *lease)
{
    Err err = {0};
    int64_t pid = -1;

    CHECK(db_query_int(lease->db, &backend, DB_NO_ARGS, &pid, &err));
    return pid;
}

static bool says(PoolLease *lease, const Sql *sql, const char *answer)
{
    Err err = {0};
    RESULT_SCOPE(rows);

    return db_query(lease->db, sql, DB_NO_ARGS, &rows, &err) && str_eq_z(db_text(rows, 0, 0), answer);
}

static void a_connection_is_used_again(void)
{
    Pool *pool = open_pool(2);
    Err err = {0};
    int64_t first = 0;

    for (int i = 0; i < 3; i++) {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err));
        first = first ? first : pid_of(&lease);
        CHECK(pid_of(&lease) == first);
    }
    CHECK(pool_stats(pool).connects == 1 && pool_stats(pool).takes == 3 && pool_stats(pool).taken == 0);
    pool_close(pool);
}

static void a_taker_waits_and_then_gives_up(void)
{
    Pool *pool = open_pool(1);
    Err err = {0};
    POOL_SCOPE(lease);
    PoolLease other = {0};

    CHECK(take(pool, "", &lease, &err));
    CHECK(!take(pool, "", &other, &err) && err.code == ERR_BUSY && other.db == NULL);
    CHECK(pool_stats(pool).timeouts == 1);
    pool_give(&lease);
    CHECK(take(pool, "", &lease, &err));
    pool_give(&lease);
    pool_give(&lease); /* twice is once */
    pool_close(pool);
}

static void a_shard_gets_the_connection_that_knows_it(void)
{
    Pool *pool = open_pool(2);
    Err err = {0};
    int64_t pids[3];
    const char *shards[] = {"shard_a", "shard \"b\"", "shard_a"};

    pg_sql("postgres", "create schema shard_a; create schema \"shard \"\"b\"\"\";"
                       "create table shard_a.here as select 'a' as name;"
                       "create table \"shard \"\"b\"\"\".here as select 'b' as name");
    for (int i = 0; i < 3; i++) {
        POOL_SCOPE(lease);
        CHECK(take(pool, shards[i], &lease, &err));
        CHECK(says(&lease, &where_am_i, i == 1 ? "b" : "a"));
        pids[i] = pid_of(&lease);
    }
    CHECK(pids[0] == pids[2] && pids[0] != pids[1]);
    CHECK(pool_stats(pool).turns == 0 && pool_stats(pool).connects == 2);
    {
        POOL_SCOPE(lease); /* no room: the one idle longest is turned over, statements and all */
        CHECK(take(pool, "", &lease, &err) && pid_of(&lease) == pids[1] && says(&lease, &path, "public"));
    }
    {
        POOL_SCOPE(first);
        POOL_SCOPE(second);
        CHECK(take(pool, "shard_a", &first, &err) && take(pool, "shard_a", &second, &err));
        CHECK(says(&second, &where_am_i, "a")); /* prepared when the path was b's */
    }
    CHECK(pool_stats(pool).turns == 2);
    pool_close(pool);
}

static void statements_end_in_time(void)
{
    Pool *pool =
        pool_open(&(PoolOptions){.dsn = pg_dsn("postgres"), .size = 1, .statement_timeout = SECONDS(7)});
    Err err = {0};
    RESULT_SCOPE(rows);
    {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err) && says(&lease, &timeout, "7s"));
    }
    {
        POOL_SCOPE(lease);
        CHECK(pool_take(pool, &(PoolWish){.statement_timeout = MILLISECONDS(30)}, &lease, &err));
        CHECK(!db_query(lease.db, &sleep_long, DB_NO_ARGS, &rows, &err) && err.code == ERR_INTERRUPTED);
    }
    {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err) && says(&lease, &timeout, "7s"));
    }
    pool_close(pool);
}

static void what_a_taker_leaves_behind_is_tidied(void)
{
    Pool *pool = open_pool(1);
    Err err = {0};
    int64_t pid;
    {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err) && db_begin(lease.db, &err));
        CHECK(db_script(lease.db, "create table left_open ()", &err));
        pid = pid_of(&lease);
    }
    {
        POOL_SCOPE(lease); /* rolled back */
        CHECK(take(pool, "", &lease, &err) && pid_of(&lease) == pid);
        CHECK(!db_script(lease.db, "select from left_open", &err) && err.code == ERR_NOT_FOUND);
        CHECK(PQsendQuery(db_handle(lease.db), "copy (select 1) to stdout") == 1);
    }
    {
        POOL_SCOPE(lease); /* in the middle of an answer: closed */
        CHECK(take(pool, "", &lease, &err) && pid_of(&lease) != pid);
    }
    pool_close(pool);
}

static void idle_connections_are_closed(void)
{
    Pool *pool = pool_open(&(PoolOptions){.dsn = pg_dsn("postgres"), .size = 3, .idle = 1});
    Err err = {0};
    {
        POOL_SCOPE(a);
        POOL_SCOPE(b);
        CHECK(take(pool, "", &a, &err) && take(pool, "", &b, &err));
        pool_tick(pool);
        CHECK(pool_stats(pool).open == 2);
    }
    time_sleep(MILLISECONDS(1));
    pool_tick(pool);
    CHECK(pool_stats(pool).open == 0 && pool_stats(pool).taken == 0);
    POOL_SCOPE(lease);
    CHECK(take(pool, "", &lease, &err));
    pool_give(&lease);
    pool_close(pool);
}

static void a_closed_connection_is_replaced_before_it_is_handed_out(void)
{
    Pool *pool = open_pool(2);
    Err err = {0};
    {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err));
    }
    pg_sql("postgres",
           "select pg_terminate_backend(pid, 60000) from pg_stat_activity where pid <> pg_backend_pid() and "
           "backend_type = 'client backend'"); /* which waits until it is gone */
    POOL_SCOPE(lease);
    CHECK(take(pool, "", &lease, &err) && says(&lease, &path, "public"));
    CHECK(pool_stats(pool).losses == 1 && pool_stats(pool).connects == 2);
    pool_give(&lease);
    pool_close(pool);
}

static void a_server_that_is_down_fails_takers_at_once(void)
{
    Pool *pool = pool_open(&(PoolOptions){.dsn = "host=/nonexistent", .size = 4, .wait = SECONDS(60)});
    Err err = {0};
    PoolLease lease = {0};
    Duration began = time_monotonic();

    for (int i = 0; i < 1000; i++)
        CHECK(!take(pool, "", &lease, &err) && err.code == ERR_DB && strstr(err.text, "/nonexistent"));
    CHECK(time_monotonic() - began < SECONDS(30)); /* not one of them waited its 60 s */
    CHECK(pool_stats(pool).failures < 20);         /* nearly all were told of an earlier attempt */
    pool_close(pool);
}

static void a_name_that_is_too_long_is_refused(void)
{
    Pool *pool = open_pool(1);
    Err err = {0};
    PoolLease lease = {0};

    CHECK(!take(pool, "0123456789012345678901234567890123456789012345678901234567890123", &lease, &err) &&
          err.code == ERR_LIMIT);
    pool_close(pool);
}

/* ---- many threads ---- */

enum { THREADS = 32 };
static Pool *shared;
static atomic_bool over;
static atomic_int answered, answered_since, wrong, refused;

static void *ask_without_end(void *arg)
{
    static const char *const shards[] = {"shard_a", "shard \"b\""};
    int n = *(const int *)arg;

    while (!atomic_load(&over)) {
        Err err = {0};
        POOL_SCOPE(lease);
        RESULT_SCOPE(rows);

        if (!take(shared, shards[n % 2], &lease, &err) ||
            !db_query(lease.db, &where_am_i, DB_NO_ARGS, &rows, &err)) {
            atomic_fetch_add(err_is_transient(err.code) ? &refused : &wrong, 1);
            time_sleep(MILLISECONDS(1));
            continue;
        }
        atomic_fetch_add(str_eq_z(db_text(rows, 0, 0), n % 2 ? "b" : "a") ? &answered : &wrong, 1);
        atomic_fetch_add(&answered_since, 1);
    }
    return NULL;
}

static void answers_are_right_for_32_threads_while_the_server_restarts(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    Err err = {0};

    shared = pool_open(&(PoolOptions){.dsn = pg_dsn("postgres"), .size = 5, .wait = SECONDS(5)});
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, ask_without_end, &numbers[i]) == 0);
    }
    for (int round = 0; round < 3; round++) {
        atomic_store(&answered_since, 0);
        while (atomic_load(&answered_since) < 200)
            time_sleep(MILLISECONDS(5));
        /* once in order, once as in a crash */
        if (round < 2)
            CHECK(round == 0 ? cluster_stop(pg_cluster, SECONDS(30), &err)
                             : kill(cluster_state(pg_cluster).pid, SIGKILL) == 0);
        CHECK(cluster_start(pg_cluster, &err));
    }
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(atomic_load(&wrong) == 0);
    PoolStats stats = pool_stats(shared);
    CHECK(stats.taken == 0 && stats.waiting == 0 && stats.open <= 5);
    CHECK(stats.takes >= atomic_load(&answered));
    printf("# %d answers, %d failed while it was down, %lld connections\n", atomic_load(&answered),
           atomic_load(&refused), (long long)stats.connects);
    pool_close(shared);
}

static void a_server_out_of_connections_is_waited_for(void)
{
    enum { OPEN_MAX_TRIED = 500 };
    ARENA_SCOPE(arena);
    Pool *pool = open_pool(4);
    Err err = {0};
    Db *db;
    int open = 0;
    {
        POOL_SCOPE(first);
        CHECK(take(pool, "", &first, &err));
        while (open < OPEN_MAX_TRIED && db_open(&arena, pg_dsn("postgres"), &db, &err))
            open++;
        CHECK(open > 3 && open < OPEN_MAX_TRIED && strstr(err.text, "clients already"));
        PoolLease other = {0};
        CHECK(!take(pool, "", &other, &err) && err_is_transient(err.code)); /* waited for `first` in vain */
    }
    for (int i = 0; i < 10; i++) {
        POOL_SCOPE(lease);
        CHECK(take(pool, "", &lease, &err)); /* what the pool has goes round */
    }
    arena_free(&arena);
    pool_close(pool);
}

int main(void)
{
    pg_start();
    RUN(a_connection_is_used_again);
    RUN(a_taker_waits_and_then_gives_up);
    RUN(a_shard_gets_the_connection_that_knows_it);
    RUN(statements_end_in_time);
    RUN(what_a_taker_leaves_behind_is_tidied);
    RUN(idle_connections_are_closed);
    RUN(a_closed_connection_is_replaced_before_it_is_handed_out);
    RUN(a_server_that_is_down_fails_takers_at_once);
    RUN(a_name_that_is_too_long_is_refused);
    RUN(answers_are_right_for_32_threads_while_the_server_restarts);
    RUN(a_server_out_of_connections_is_waited_for);
    DONE();
}
