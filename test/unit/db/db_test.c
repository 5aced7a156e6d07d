/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "db/patience.h"
#include "test/check.h"
#include "test/pg.h"

static Db *db;

/* Each by its own name, as files have. */
static const Sql one = {"one", 0, "select 1"};
static const Sql echo = {"echo", 4, "select $1::text, $2::bigint, $3::float8, $4::bytea"};
static const Sql none = {"none", 0, "select 1 where false"};
static const Sql numbers = {"numbers", 1, "select n, repeat('x', 100) from generate_series(1, $1::int) as n"};

static void arguments_of_every_kind_come_back(void)
{
    Err err = {0};
    RESULT_SCOPE(rows);

    CHECK(db_query(db, &echo,
                   DB_ARGS(DB_TEXT(STR("a'b\\c\n")), DB_INT(INT64_MIN), DB_DOUBLE(0.1),
                           DB_BINARY(((Str){"\0\1\377", 3}))),
                   &rows, &err));
    CHECK(db_count(rows) == 1 && str_eq(db_text(rows, 0, 0), STR("a'b\\c\n")));
    CHECK(db_int(rows, 0, 1) == INT64_MIN && db_double(rows, 0, 2) == 0.1);
    CHECK(str_eq(db_text(rows, 0, 3), STR("\\x0001ff")));
}

static void nulls_are_told_from_empty_texts(void)
{
    Err err = {0};
    RESULT_SCOPE(rows);

    CHECK(db_query(db, &echo, DB_ARGS(DB_TEXT(STR("")), DB_NULL, DB_NULL, DB_BINARY(((Str){NULL, 0}))), &rows,
                   &err));
    CHECK(!db_is_null(rows, 0, 0) && db_is_null(rows, 0, 1) && db_is_null(rows, 0, 2));
    CHECK(!db_is_null(rows, 0, 3) && db_int(rows, 0, 1) == 0);
}

static void a_nul_in_a_text_is_refused_before_it_is_cut(void)
{
    Err err = {0};
    RESULT_SCOPE(rows);

    CHECK(!db_query(db, &echo, DB_ARGS(DB_TEXT(((Str){"a\0b", 3})), DB_NULL, DB_NULL, DB_NULL), &rows, &err));
    CHECK(err.code == ERR_USAGE && rows == NULL);
}

static void no_row_is_not_found(void)
{
    Err err = {0};
    int64_t number = 7;

    CHECK(db_query_int(db, &one, DB_NO_ARGS, &number, &err) && number == 1);
    CHECK(!db_query_int(db, &none, DB_NO_ARGS, &number, &err) && err.code == ERR_NOT_FOUND && number == 1);
}

static const struct {
    const char *text;
    ErrCode code;
    const char *state;
} failures[] = {
    {"select 1 / 0", ERR_USAGE, "22012"},
    {"select 'x'::int", ERR_USAGE, "22P02"},
    {"select * from nowhere", ERR_NOT_FOUND, "42P01"},
    {"set search_path to x; create table t ()", ERR_NOT_FOUND, "3F000"},
    {"create table pg_temp.t (n int unique); insert into pg_temp.t values (1), (1)", ERR_CONFLICT, "23505"},
    {"create table pg_temp.u (n int check (n > 0)); insert into pg_temp.u values (0)", ERR_USAGE, "23514"},
    {"set statement_timeout = 20; select pg_sleep(10)", ERR_INTERRUPTED, "57014"},
    {"begin; set local role pg_monitor; create schema s", ERR_DENIED, "42501"},
    {"selec 1", ERR_DB, "42601"},
};

static void failures_have_the_code_that_fits(void)
{
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        Err err = {0};

        CHECK(!db_script(db, failures[i].text, &err));
        CHECK(err.code == failures[i].code);
        CHECK(strcmp(err.sqlstate, failures[i].state) == 0);
        if (err.code != failures[i].code)
            printf("# %s: %s\n", failures[i].text, err.text);
        db_rollback(db);
    }
    Err err = {0};
    CHECK(db_script(db, "reset all", &err));
}

typedef struct Count {
    int64_t rows, stop_at;
} Count;

static bool count_row(void *ctx, const PGresult *row, Err *err)
{
    Count *count = ctx;

    CHECK(db_int(row, 0, 0) == count->rows + 1);
    return ++count->rows != count->stop_at || err_set(err, ERR_LIMIT, "enough");
}

static void rows_are_streamed_and_the_stream_can_be_left(void)
{
    Err err = {0};
    Count all = {0}, some = {.stop_at = 10};
    int64_t number;

    CHECK(db_stream(db, &numbers, DB_ARGS(DB_INT(100000)), false, count_row, &all, &err) &&
          all.rows == 100000);
    CHECK(!db_stream(db, &numbers, DB_ARGS(DB_INT(2000000)), false, count_row, &some, &err));
    CHECK(err.code == ERR_LIMIT && some.rows == 10);
    CHECK(db_query_int(db, &one, DB_NO_ARGS, &number, &err)); /* the connection is as good as before */
}

static void a_transaction_that_is_not_committed_is_undone(void)
{
    Err err = {0};
    static const Sql count = {"count_kept", 0, "select count(*) from kept"};
    int64_t number;

    CHECK(db_script(db, "create table kept (n int)", &err));
    {
        TX_SCOPE(db);
        CHECK(db_begin(db, &err) && db_script(db, "insert into kept values (1)", &err));
    }
    CHECK(db_query_int(db, &count, DB_NO_ARGS, &number, &err) && number == 0);
    {
        TX_SCOPE(db);
        CHECK(db_begin(db, &err) && db_script(db, "insert into kept values (1)", &err) &&
              db_commit(db, &err));
    }
    CHECK(db_query_int(db, &count, DB_NO_ARGS, &number, &err) && number == 1);
}

static void a_failed_transaction_does_not_pretend_to_commit(void)
{
    Err err = {0};

    CHECK(db_begin(db, &err) && !db_script(db, "select 1 / 0", &err));
    CHECK(!db_commit(db, &err) && err.code == ERR_DB);
}

static void a_lost_connection_is_noticed_and_made_again(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *victim;
    static const Sql kill_others = {"kill_others", 0,
                                    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                                    "where pid <> pg_backend_pid() and backend_type = 'client backend'"};
    int64_t number;

    CHECK(db_open(&arena, pg_dsn("postgres"), &victim, &err));
    CHECK(db_query_int(victim, &one, DB_NO_ARGS, &number, &err));
    CHECK(db_query_int(db, &kill_others, DB_NO_ARGS, &number, &err) && number == 1);
    CHECK(!db_query_int(victim, &one, DB_NO_ARGS, &number, &err) && err.code == ERR_DB);
    CHECK(!db_alive(victim) && err_is_transient(err.code));
    CHECK(db_reopen(victim, &err) && db_query_int(victim, &one, DB_NO_ARGS, &number, &err));
    db_close(victim);
    CHECK(!db_query_int(victim, &one, DB_NO_ARGS, &number, &err) && err.code == ERR_DB);
}

static void a_server_that_is_not_there_is_named(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *other;

    CHECK(!db_open(&arena, "host=/nonexistent", &other, &err) && err.code == ERR_DB);
    CHECK(strstr(err.text, "/nonexistent"));
    CHECK(!db_open(&arena, pg_dsn("no_such_database"), &other, &err));
    CHECK(strstr(err.text, "no_such_database"));
}

/* ---- servers that refuse ---- */

static bool open_full(Err *err)
{
    ARENA_SCOPE(scratch);
    Db *other;

    return db_open(&scratch, db_dsn_with(&scratch, pg_dsn("postgres"), "user", "few", err), &other, err);
}

static void a_server_that_has_no_connection_free_is_busy(void)
{
    Err err = {0};

    CHECK(db_script(db, "create role few login connection limit 0", &err));
    CHECK(!open_full(&err) && err.code == ERR_BUSY && strcmp(err.sqlstate, "53300") == 0);
    CHECK(strstr(err.text, "too many connections for role \"few\"") && !strstr(err.text, "53300"));
    ARENA_SCOPE(scratch);
    Db *other;
    CHECK(
        !db_open(&scratch, db_dsn_with(&scratch, pg_dsn("postgres"), "user", "nobody", &err), &other, &err));
    CHECK(err.code == ERR_DB && strcmp(err.sqlstate, "28000") == 0);
}

typedef struct Waiting {
    int told;
    atomic_bool stop;
    const char *script; /* run when it is told */
} Waiting;

static void note_waiting(void *waiting_v, const Err *why)
{
    Waiting *waiting = waiting_v;
    Err err = {0};

    waiting->told++;
    CHECK(why->code == ERR_BUSY);
    if (waiting->script)
        CHECK(db_script(db, waiting->script, &err));
    else
        atomic_store(&waiting->stop, true);
}

static void with_patience_it_is_waited_for(void)
{
    Waiting freed = {.script = "alter role few connection limit 1"},
            vain = {.script = "alter role few connection limit 0"}, stopped = {0};
    Err err = {0};

    patience_set(&(Patience){.limit = SECONDS(600), .waiting = note_waiting, .ctx = &freed});
    CHECK(open_full(&err) && freed.told == 1);
    CHECK(db_script(db, "alter role few connection limit 0", &err));
    patience_set(&(Patience){.limit = MILLISECONDS(500), .waiting = note_waiting, .ctx = &vain});
    CHECK(!open_full(&err) && vain.told == 1 && err.code == ERR_BUSY && err.hint[0]);
    CHECK(strstr(err.text, "waited for 500 ms: cannot connect"));
    patience_set(
        &(Patience){.limit = SECONDS(600), .stop = &stopped.stop, .waiting = note_waiting, .ctx = &stopped});
    CHECK(!open_full(&err) && stopped.told == 1 && err.code == ERR_INTERRUPTED);
    patience_set(NULL);
    CHECK(!open_full(&err) && err.code == ERR_BUSY);
}

static void a_server_that_does_not_answer_is_given_up(void)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(listener);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    Err err = {0};
    Db *other;

    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.1", pg_dir);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
    const char *dsn = str_printf(&scratch, "host=%s port=1 connect_timeout=1", pg_dir).ptr;
    CHECK(!db_open(&scratch, dsn, &other, &err) && err.code == ERR_DB);
    CHECK(strstr(err.text, "does not answer"));
}

/* ---- servers that say nothing ---- */

static void a_statement_may_take_longer_than_the_deadline(void)
{
    ARENA_SCOPE(arena);
    Err err = {0};
    Db *slow;

    CHECK(db_open(&arena, pg_dsn("postgres"), &slow, &err));
    db_set_deadline(slow, MILLISECONDS(100));
    CHECK(db_script(slow, "select pg_sleep(0.5); select 1", &err) && db_alive(slow));
    CHECK(!db_script(slow, "select 1; select nothing", &err) && db_alive(slow));
}

static void a_server_that_hangs_is_given_up(void)
{
    ARENA_SCOPE(arena);
    static const Sql query = {"hangs", 0, "select 1"};
    Err err = {0};
    int64_t number;
    Db *hangs;

    CHECK(db_open(&arena, pg_dsn("postgres"), &hangs, &err));
    db_set_deadline(hangs, MILLISECONDS(100));
    pid_t backend = PQbackendPID(db_handle(hangs)), postmaster = cluster_pid(pg_cluster);
    CHECK(kill(postmaster, SIGSTOP) == 0 && kill(backend, SIGSTOP) == 0);
    CHECK(!db_query_int(hangs, &query, DB_NO_ARGS, &number, &err) && err.code == ERR_DB && !db_alive(hangs));
    CHECK(kill(backend, SIGCONT) == 0 && kill(postmaster, SIGCONT) == 0);
    err = (Err){0};
    CHECK(db_reopen(hangs, &err) && db_query_int(hangs, &query, DB_NO_ARGS, &number, &err) && number == 1);
}

int main(void)
{
    pg_start();
    db = pg_connect("postgres");
    RUN(arguments_of_every_kind_come_back);
    RUN(nulls_are_told_from_empty_texts);
    RUN(a_nul_in_a_text_is_refused_before_it_is_cut);
    RUN(no_row_is_not_found);
    RUN(failures_have_the_code_that_fits);
    RUN(rows_are_streamed_and_the_stream_can_be_left);
    RUN(a_transaction_that_is_not_committed_is_undone);
    RUN(a_failed_transaction_does_not_pretend_to_commit);
    RUN(a_lost_connection_is_noticed_and_made_again);
    RUN(a_server_that_has_no_connection_free_is_busy);
    RUN(with_patience_it_is_waited_for);
    RUN(a_server_that_does_not_answer_is_given_up);
    RUN(a_server_that_is_not_there_is_named);
    RUN(a_statement_may_take_longer_than_the_deadline);
    RUN(a_server_that_hangs_is_given_up);
    DONE();
}
