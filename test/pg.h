/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg -- one scratch PostgreSQL cluster for a test program
 *
 *     int main(void)
 *     {
 *         pg_start();
 *         RUN(something_with_a_database);      ... db_open(&arena, pg_dsn("postgres"), &db, &err)
 *         DONE();
 *     }
 *
 * It starts in about a second and syncs nothing. Under test/run it is a copy of one that is made once. A second process stops it and removes its directory when
 * the test ends, however it ends. Call pg_start() before the program makes threads. As root the cluster
 * runs under the `postgres` account.
 */
#ifndef TEST_PG_H
#define TEST_PG_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "db/cluster.h"
#include "db/db.h"

static Arena pg_arena;
static Cluster *pg_cluster;
static char pg_dir[] = "/tmp/strata-pg-XXXXXX";
static int pg_ends[2];
static pid_t pg_watcher;

static inline void pg_fail(const char *what, const Err *err)
{
    printf("Bail out! %s: %s%s%s\n", what, err->text, err->hint[0] ? "; hint: " : "", err->hint);
    exit(1);
}

/* A connection string for the superuser; lives as long as the program. */
static inline const char *pg_dsn(const char *database)
{
    return cluster_dsn(pg_cluster, &pg_arena, database, NULL);
}

static inline void pg_watch(void)
{
    char byte;
    Err ignored;

    (void)setsid();
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    while (read(pg_ends[0], &byte, 1) > 0)
        ;
    (void)!cluster_destroy(pg_cluster, &ignored);
    (void)!os_remove_tree(pg_dir, &ignored);
    _exit(0);
}

/* Closes the pipe that the watcher waits on, and waits until it has cleaned up. */
static inline void pg_stop(void)
{
    if (!pg_watcher)
        return;
    (void)close(pg_ends[1]);
    (void)waitpid(pg_watcher, NULL, 0);
    pg_watcher = 0;
    arena_free(&pg_arena);
}

static inline const char *pg_path(const char *name)
{
    return str_printf(&pg_arena, "%s%s", pg_dir, name).ptr;
}

/* A copy of test/template's for the cluster's directory. */
static inline void pg_copy(const char *kind)
{
    const char *program = str_printf(&pg_arena, "%s/test/template", getenv("SRC")).ptr, *to = pg_path("/pg");
    int status = -1;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        (void)execl(program, program, kind, to, (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        printf("Bail out! '%s %s %s' ends with %d\n", program, kind, to, status);
        exit(1);
    }
}

/*
 * Starts the cluster: `kind` of test/template, or an empty one where nobody has set that up. Ends the program when
 * that fails: without it the tests say nothing.
 */
static inline void pg_start_as(const char *kind)
{
    Err err = {0};

    if (!mkdtemp(pg_dir) || chmod(pg_dir, 0711) < 0 || pipe2(pg_ends, O_CLOEXEC) < 0) {
        printf("Bail out! cannot make '%s'\n", pg_dir);
        exit(1);
    }
    ClusterSpec spec = {.name = "test",
                        .dir = pg_path("/pg"),
                        .run_dir = pg_path("/run"),
                        .log_dir = pg_path("/log"),
                        .scratch = true};
    if (!cluster_open(&pg_arena, &spec, &pg_cluster, &err))
        pg_fail("cannot describe a scratch cluster", &err);
    (void)fflush(stdout);
    pg_watcher = fork();
    if (pg_watcher == 0) {
        (void)close(pg_ends[1]);
        pg_watch();
    }
    (void)atexit(pg_stop);
    if (getenv("TEMPLATE"))
        pg_copy(kind);
    if (!cluster_start(pg_cluster, &err))
        pg_fail("cannot start a scratch cluster", &err);
}

static inline void pg_start(void)
{
    pg_start_as("cluster");
}

/* A connection to `database` that lives as long as the program; ends the program when it cannot be made. */
static inline Db *pg_connect(const char *database)
{
    Err err = {0};
    Db *db;

    if (!db_open(&pg_arena, pg_dsn(database), &db, &err))
        pg_fail("cannot connect", &err);
    return db;
}

/* Runs SQL as the superuser; ends the program when it fails. For setting the scene. */
static inline void pg_sql(const char *database, const char *text)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *db;

    if (!db_open(&arena, pg_dsn(database), &db, &err) || !db_script(db, text, &err))
        pg_fail(text, &err);
}

#endif
