/* SPDX-License-Identifier: Apache-2.0 */
#include "db/cluster.h"

#include <sys/wait.h>
#include <time.h>

#include "base/fault.h"
#include "db/account.h"
#include "test/check.h"
#include "test/pg.h"

/* The scratch cluster of pg.h is not used: these tests make and break their own, synced as in real use. */
static char top[] = "/tmp/strata-cluster-XXXXXX";
static Arena arena;

static const char *below(const char *name)
{
    return str_printf(&arena, "%s/%s", top, name).ptr;
}

static ClusterSpec spec_of(const char *instance)
{
    return (ClusterSpec){.name = "local",
                         .dir = str_printf(&arena, "%s/%s/pg/local", top, instance).ptr,
                         .run_dir = str_printf(&arena, "%s/%s/run", top, instance).ptr,
                         .log_dir = str_printf(&arena, "%s/%s/log", top, instance).ptr};
}

static Cluster *open_cluster(const char *instance)
{
    ClusterSpec spec = spec_of(instance);
    Cluster *cluster = NULL;
    Err err = {0};

    if (!cluster_open(&arena, &spec, &cluster, &err))
        pg_fail("cluster_open", &err);
    return cluster;
}

static void say(const Err *err)
{
    printf("# %s (%s)\n", err->text, err->hint);
}

static bool run_sql(const Cluster *cluster, const char *text)
{
    ARENA_SCOPE(scratch);
    Err err = {0};
    Db *db;
    bool ok = db_open(&scratch, cluster_dsn(cluster, &scratch, "postgres", NULL), &db, &err) &&
              db_script(db, text, &err);

    if (!ok)
        say(&err);
    return ok;
}

static int64_t ask(const Cluster *cluster, const char *text)
{
    ARENA_SCOPE(scratch);
    Err err = {0};
    Db *db;
    int64_t number = -1;
    Sql sql = {"ask", 0, text};

    if (!db_open(&scratch, cluster_dsn(cluster, &scratch, "postgres", NULL), &db, &err) ||
        !db_query_int(db, &sql, DB_NO_ARGS, &number, &err))
        say(&err);
    return number;
}

static void starts_from_nothing_and_stops(void)
{
    Cluster *cluster = open_cluster("a");
    Err err = {0};

    CHECK(!cluster_state(cluster).made);
    CHECK(cluster_stop(cluster, SECONDS(30), &err)); /* nothing there: nothing to do */
    CHECK(cluster_start(cluster, &err));
    ClusterState state = cluster_state(cluster);
    CHECK(state.made && state.ready && state.pid > 0 && state.version >= 15);
    CHECK(ask(cluster, "select (current_setting('server_encoding') = 'UTF8')::int") == 1);
    CHECK(
        ask(cluster,
            "select count(*) from pg_database where datname = 'postgres' and datcollate = 'C' and datctype = 'C.UTF-8'") ==
        1);
    CHECK(ask(cluster, "select (current_setting('listen_addresses') = '')::int") == 1);
    CHECK(ask(cluster, "select (current_setting('fsync') = 'on')::int") == 1);
    CHECK(cluster_start(cluster, &err) && cluster_state(cluster).pid == state.pid); /* again: the same one */
    CHECK(cluster_stop(cluster, SECONDS(30), &err));
    CHECK(cluster_state(cluster).pid == 0 && !cluster_state(cluster).ready);
    CHECK(cluster_stop(cluster, SECONDS(30), &err));
}

static void two_instances_live_side_by_side(void)
{
    Cluster *a = open_cluster("a"), *b = open_cluster("b");
    Err err = {0};

    CHECK(cluster_start(a, &err) && cluster_start(b, &err));
    CHECK(run_sql(a, "create table only_in_a ()"));
    CHECK(run_sql(b, "create table only_in_b ()"));
    CHECK(ask(a, "select count(*) from pg_class where relname like 'only\\_in\\__'") == 1);
    CHECK(cluster_stop(a, SECONDS(30), &err));
    CHECK(ask(b, "select count(*) from pg_class where relname = 'only_in_b'") == 1);
    CHECK(cluster_destroy(b, &err));
    CHECK(!cluster_state(b).made);
}

/* Writes without end from a process of its own, telling through the pipe how far commits were acknowledged. */
static pid_t write_without_end(const Cluster *cluster, int tell)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    Db *db;
    Err err = {0};
    static const Sql insert = {"insert_next", 0,
                               "insert into written select count(*) + 1 from written returning n"};
    int64_t number;

    if (!db_open(&arena, cluster_dsn(cluster, &arena, "postgres", NULL), &db, &err))
        _exit(1);
    while (db_query_int(db, &insert, DB_NO_ARGS, &number, &err))
        if (write(tell, &number, sizeof number) < 0)
            _exit(1);
    _exit(0);
}

static void what_was_acknowledged_survives_kill_9_while_writing(void)
{
    Cluster *cluster = open_cluster("a");
    Err err = {0};
    int ends[2];
    int64_t number = 0, acknowledged = 0;

    CHECK(cluster_start(cluster, &err) && run_sql(cluster, "create table written (n bigint)"));
    for (int round = 0; round < 3; round++) {
        CHECK(pipe(ends) == 0);
        pid_t writer = write_without_end(cluster, ends[1]);

        (void)close(ends[1]);
        for (int i = 0; i < 50; i++)
            CHECK(read(ends[0], &number, sizeof number) == sizeof number);
        CHECK(kill(cluster_state(cluster).pid, SIGKILL) == 0);
        while (read(ends[0], &number, sizeof number) == sizeof number)
            acknowledged = number;
        (void)close(ends[0]);
        (void)waitpid(writer, NULL, 0);
        if (!cluster_start(cluster, &err)) {
            say(&err);
            CHECK(!"started again");
            return;
        }
        int64_t found = ask(cluster, "select count(*) from written");
        CHECK(acknowledged >= 50 && (found == acknowledged || found == acknowledged + 1));
    }
}

static void orphans_of_a_killed_postmaster_are_ended(void)
{
    Cluster *cluster = open_cluster("a");
    Err err = {0};

    CHECK(cluster_start(cluster, &err));
    pid_t busy = fork();
    if (busy == 0) {
        /* a loop in PL/pgSQL never looks up to see that its postmaster is gone */
        (void)run_sql(cluster, "do $$ begin set statement_timeout = 0; loop perform 1; end loop; end $$");
        _exit(0);
    }
    while (ask(cluster,
               "select count(*) from pg_stat_activity where query like 'do %' and state = 'active'") != 1)
        time_sleep(MILLISECONDS(20));
    CHECK(kill(cluster_state(cluster).pid, SIGKILL) == 0);
    CHECK(cluster_start(cluster, &err));
    CHECK(ask(cluster, "select count(*) from pg_stat_activity where query like 'do %'") == 0);
    (void)waitpid(busy, NULL, 0);
    CHECK(cluster_stop(cluster, SECONDS(30), &err));
}

static void a_stale_pid_file_with_a_foreign_process_is_no_obstacle(void)
{
    Cluster *cluster = open_cluster("a");
    Err err = {0};
    const char *path = below("a/pg/local/data/postmaster.pid");
    /* our own pid: alive, and not PostgreSQL; after a reboot of a container pids come round like this */
    Str text = str_printf(&arena, "%ld\n%s\n%ld\n5432\n\n\n", (long)getpid(), below("a/pg/local/data"),
                          (long)time(NULL));

    CHECK(cluster_stop(cluster, SECONDS(30), &err));
    CHECK(os_write_file(path, text, 0600, &err));
    CHECK(cluster_state(cluster).pid == 0);
    CHECK(cluster_start(cluster, &err) && cluster_state(cluster).ready);
}

static void a_half_made_data_directory_is_made_again(void)
{
    Cluster *cluster = open_cluster("c");
    Err err = {0};

    CHECK(os_make_dirs(below("c/pg"), 0711, &err));
    pid_t child = fork();
    if (child == 0) {
        (void)setenv("STRATA_FAULT", "cluster_made:1:kill", 1);
        if (fault_init(&err) && cluster_make(cluster, &err))
            _exit(0);
        _exit(1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(access(below("c/pg/local/data.new/PG_VERSION"), F_OK) == 0);
    CHECK(!cluster_state(cluster).made);
    CHECK(cluster_start(cluster, &err) && cluster_state(cluster).ready);
    CHECK(access(below("c/pg/local/data.new"), F_OK) < 0);
    CHECK(cluster_destroy(cluster, &err));
}

static void a_failed_start_says_what_postgresql_said(void)
{
    Cluster *cluster = open_cluster("a");
    Err err = {0};
    const char *local = below("a/pg/local/local.conf");

    CHECK(cluster_stop(cluster, SECONDS(30), &err));
    CHECK(os_write_file(local, STR("shared_buffers = 'very large'\n"), 0644, &err));
    CHECK(!cluster_start(cluster, &err) && err.code == ERR_DB);
    CHECK(strstr(err.text, "shared_buffers") && strstr(err.text, "very large"));
    CHECK(os_write_file(local, STR("work_mem = '7MB'\n"), 0644, &err));
    CHECK(cluster_start(cluster, &err));
    CHECK(ask(cluster, "select (current_setting('work_mem') = '7MB')::int") == 1);
}

static void starters_take_turns(void)
{
    enum { STARTERS = 4 };
    Cluster *cluster = open_cluster("a");
    Err err = {0};
    pid_t pids[STARTERS];

    CHECK(cluster_stop(cluster, SECONDS(30), &err));
    (void)fflush(stdout);
    for (int i = 0; i < STARTERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            bool ok = cluster_start(cluster, &err);

            if (!ok)
                say(&err);
            (void)fflush(stdout);
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < STARTERS; i++) {
        int status;

        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    CHECK(cluster_state(cluster).ready); /* adopted: none of ours started it */
    CHECK(cluster_stop(cluster, SECONDS(30), &err) && cluster_state(cluster).pid == 0);
}

static void a_deep_instance_gets_a_short_socket(void)
{
    char deep[120];
    Err err = {0};

    (void)memset(deep, 'd', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    Cluster *cluster = open_cluster(deep);
    CHECK(strlen(cluster_socket_dir(cluster)) < 60);
    CHECK(cluster_start(cluster, &err) && run_sql(cluster, "select 1"));
    CHECK(cluster_destroy(cluster, &err));
    CHECK(access(cluster_socket_dir(cluster), F_OK) < 0);
}

static void names_the_directory_that_postgres_may_not_enter(void)
{
    Err err = {0};
    Cluster *cluster = open_cluster("closed/inside");

    if (geteuid() != 0) {
        printf("# not root: PostgreSQL runs as the caller, who can enter\n");
        return;
    }
    CHECK(os_make_dirs(below("closed/inside"), 0755, &err) && chmod(below("closed"), 0700) == 0);
    CHECK(!cluster_start(cluster, &err) && err.code == ERR_DENIED);
    CHECK(strstr(err.text, "/closed'") && strstr(err.hint, "chmod a+x"));
}

static void a_socket_directory_of_somebody_else_is_refused(void)
{
    Err err = {0};
    Cluster *cluster = open_cluster("a");
    const char *dir = cluster_socket_dir(cluster);

    CHECK(cluster_stop(cluster, SECONDS(30), &err));
    CHECK(access(dir, F_OK) < 0);
    CHECK(mkdir(dir, 0777) == 0 && chmod(dir, 0777) == 0);
    CHECK(!cluster_start(cluster, &err) && err.code == ERR_DENIED);
    CHECK(rmdir(dir) == 0 && symlink("/tmp", dir) == 0);
    CHECK(!cluster_start(cluster, &err) && err.code == ERR_DENIED);
    CHECK(unlink(dir) == 0);
}

static void missing_programs_are_named(void)
{
    ClusterSpec spec = spec_of("x");
    Cluster *cluster;
    Err err = {0};

    spec.bin_dir = "/nonexistent";
    CHECK(!cluster_open(&arena, &spec, &cluster, &err) && err.code == ERR_CONFIG);
    CHECK(strstr(err.text, "'/nonexistent'"));
    if (geteuid() == 0) {
        spec = spec_of("x");
        spec.account = "no-such-user";
        CHECK(!cluster_open(&arena, &spec, &cluster, &err) && err.code == ERR_CONFIG);
        spec.account = "root";
        CHECK(!cluster_open(&arena, &spec, &cluster, &err) && err.code == ERR_CONFIG);
    }
}

static void clean_up(void)
{
    Err err = {0};
    static const char *const instances[] = {"a", "b", "c"};

    for (size_t i = 0; i < COUNT_OF(instances); i++)
        CHECK(cluster_destroy(open_cluster(instances[i]), &err));
    CHECK(os_remove_tree(top, &err));
}

int main(void)
{
    if (!mkdtemp(top) || chmod(top, 0711) < 0)
        return 1;
    RUN(starts_from_nothing_and_stops);
    RUN(two_instances_live_side_by_side);
    RUN(what_was_acknowledged_survives_kill_9_while_writing);
    RUN(orphans_of_a_killed_postmaster_are_ended);
    RUN(a_stale_pid_file_with_a_foreign_process_is_no_obstacle);
    RUN(a_half_made_data_directory_is_made_again);
    RUN(a_failed_start_says_what_postgresql_said);
    RUN(starters_take_turns);
    RUN(a_deep_instance_gets_a_short_socket);
    RUN(names_the_directory_that_postgres_may_not_enter);
    RUN(a_socket_directory_of_somebody_else_is_refused);
    RUN(missing_programs_are_named);
    clean_up();
    arena_free(&arena);
    DONE();
}
