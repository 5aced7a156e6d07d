/* SPDX-License-Identifier: Apache-2.0 */
#include "db/migrate.h"

#include <sys/wait.h>

#include "test/check.h"
#include "test/pg.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const SqlScript good[] = {
    {1, "0001_one", HASH_A,
     "create schema part; create table part.one (n int); insert into part.one values (1)"},
    {2, "0002_two", HASH_B, "create table part.two (n int); insert into part.two select n from part.one"},
    {3, "0003_three", HASH_C, "insert into part.two values (3)"},
};

static int64_t ask(Db *db, const char *text)
{
    Err err = {0};
    RESULT_SCOPE(rows);

    rows = PQexec(db_handle(db), text);
    CHECK(PQresultStatus(rows) == PGRES_TUPLES_OK || !db_err(db, rows, &err));
    if (err.code)
        printf("# %s\n", err.text);
    return err.code ? -1 : db_int(rows, 0, 0);
}

/* A new database and a connection to it. */
static Db *fresh(const char *name)
{
    pg_sql("postgres", str_printf(&pg_arena, "create database %s", name).ptr);
    return pg_connect(name);
}

static void applies_what_is_missing_and_notes_it(void)
{
    Db *db = fresh("m_missing");
    Err err = {0};
    size_t applied = 9;
    int version = 9;

    CHECK(migrate_version(db, "part", &version, &err) && version == 0);
    CHECK(migrate_run(db, "part", good, 2, &applied, &err) && applied == 2);
    CHECK(migrate_run(db, "part", good, 3, &applied, &err) && applied == 1);
    CHECK(migrate_run(db, "part", good, 3, &applied, &err) && applied == 0);
    CHECK(ask(db, "select sum(n) from part.two") == 4);
    CHECK(migrate_version(db, "part", &version, &err) && version == 3);
    CHECK(migrate_version(db, "other", &version, &err) && version == 0);
    CHECK(ask(db, "select count(*) from strata.migration where part = 'part' and name like '000%' and "
                  "applied > now() - interval '1 minute' and length(sha256) = 64") == 3);
}

static void a_failure_in_the_middle_leaves_nothing_of_that_script(void)
{
    static const SqlScript bad[] = {
        {1, "0001_one", HASH_A, "create schema part; create table part.one (n int)"},
        {2, "0002_two", HASH_B, "create table part.half (n int); insert into part.nowhere values (1)"},
        {3, "0003_three", HASH_C, "create table part.three (n int)"},
    };
    Db *db = fresh("m_failure");
    Err err = {0};
    size_t applied = 0;

    CHECK(!migrate_run(db, "part", bad, 3, &applied, &err));
    CHECK(applied == 1 && err.code == ERR_NOT_FOUND && strstr(err.text, "0002_two") &&
          strstr(err.text, "nowhere"));
    CHECK(ask(db, "select count(*) from pg_tables where schemaname = 'part'") == 1);
    CHECK(ask(db, "select count(*) from strata.migration") == 1);
    CHECK(ask(db, "select count(*) from pg_locks where locktype = 'advisory'") == 0);
    const SqlScript mended[] = {bad[0], {2, "0002_two", HASH_C, "create table part.half (n int)"}};
    CHECK(migrate_run(db, "part", mended, 2, &applied, &err) && applied == 1);
}

static void a_script_that_changed_after_it_was_applied_is_refused(void)
{
    Db *db = fresh("m_changed");
    Err err = {0};
    SqlScript changed[] = {good[0], good[1], good[2]};

    CHECK(migrate_run(db, "part", good, 2, NULL, &err));
    changed[1].sha256 = HASH_C;
    CHECK(!migrate_run(db, "part", changed, 3, NULL, &err) && err.code == ERR_CORRUPT);
    CHECK(strstr(err.text, "0002_two") && err.hint[0]);
    CHECK(ask(db, "select count(*) from strata.migration") == 2);
}

static void a_newer_database_is_refused(void)
{
    Db *db = fresh("m_newer");
    Err err = {0};

    CHECK(migrate_run(db, "part", good, 3, NULL, &err));
    CHECK(!migrate_run(db, "part", good, 2, NULL, &err) && err.code == ERR_CONFLICT);
    CHECK(strstr(err.text, "3 migrations") && strstr(err.hint, "newer"));
}

static void starters_at_the_same_time_take_turns(void)
{
    enum { STARTERS = 6 };
    Db *db = fresh("m_turns");
    pid_t pids[STARTERS];

    (void)fflush(stdout);
    for (int i = 0; i < STARTERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            Err err = {0};
            bool ok = migrate_run(pg_connect("m_turns"), "part", good, 3, NULL, &err);

            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < STARTERS; i++) {
        int status;

        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    CHECK(ask(db, "select count(*) from part.two") == 2);
}

static void makes_roles_and_database_with_postgis(void)
{
    DatabaseSpec spec = {"mas", "mas", "api"};
    Err err = {0};

    CHECK(migrate_database(pg_dsn("postgres"), &spec, &err));
    CHECK(migrate_database(pg_dsn("postgres"), &spec, &err)); /* all there: nothing to do */
    if (err.code)
        printf("# %s\n", err.text);
    Db *db = pg_connect("mas");
    CHECK(
        ask(db, "select count(*) from pg_roles where rolname = 'mas' and not rolcanlogin and not rolsuper") ==
        1);
    CHECK(ask(db, "select count(*) from pg_roles where rolname = 'api' and rolcanlogin and not rolsuper") ==
          1);
    CHECK(ask(db, "select count(*) from pg_extension e join pg_namespace n on n.oid = extnamespace "
                  "where extname = 'postgis' and nspname = 'public'") == 1);
    CHECK(ask(db, "select (pg_get_userbyid(datdba) = 'mas')::int from pg_database where datname = 'mas'") ==
          1);

    /* the owner makes, the reader reads and can do no more */
    CHECK(db_script(db, "set role mas; create table public.t (n int); create schema s; reset role", &err));
    Db *reader;
    CHECK(db_open(&pg_arena, cluster_dsn(pg_cluster, &pg_arena, "mas", "api"), &reader, &err));
    CHECK(ask(reader, "select count(*) from t") == 0);
    CHECK(!db_script(reader, "insert into t values (1)", &err) && err.code == ERR_DENIED);
    CHECK(!db_script(reader, "create table u ()", &err) && err.code == ERR_DENIED);
}

static void a_role_that_may_not_make_what_is_missing_gets_a_hint(void)
{
    DatabaseSpec spec = {"mas", "mas", "api"}, other = {"other", "mas", "api"};
    Err err = {0};
    const char *as_reader = cluster_dsn(pg_cluster, &pg_arena, "postgres", "api");

    CHECK(migrate_database(as_reader, &spec, &err));
    CHECK(!migrate_database(as_reader, &other, &err) && err.code == ERR_DENIED);
    CHECK(strstr(err.text, "other") && strstr(err.hint, "superuser"));
}

static void names_may_be_anything(void)
{
    DatabaseSpec spec = {"it's a \"base\"", "O'wner \\", "re ader"};
    Err err = {0};
    Db *db;

    CHECK(migrate_database(pg_dsn("postgres"), &spec, &err));
    CHECK(migrate_database(pg_dsn("postgres"), &spec, &err));
    if (err.code)
        printf("# %s\n", err.text);
    CHECK(db_open(&pg_arena, cluster_dsn(pg_cluster, &pg_arena, spec.name, spec.reader), &db, &err));
}

int main(void)
{
    pg_start();
    RUN(applies_what_is_missing_and_notes_it);
    RUN(a_failure_in_the_middle_leaves_nothing_of_that_script);
    RUN(a_script_that_changed_after_it_was_applied_is_refused);
    RUN(a_newer_database_is_refused);
    RUN(starters_at_the_same_time_take_turns);
    RUN(makes_roles_and_database_with_postgis);
    RUN(a_role_that_may_not_make_what_is_missing_gets_a_hint);
    RUN(names_may_be_anything);
    DONE();
}
