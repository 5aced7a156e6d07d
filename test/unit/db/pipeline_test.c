/* SPDX-License-Identifier: Apache-2.0 */
#include "db/pipeline.h"

#include "test/check.h"
#include "test/pg.h"

static Db *db;
static const Sql insert = {"insert_pipe", 1, "insert into pipe values ($1::int) returning n * 10"};
static const Sql insert_other = {"insert_other", 1, "insert into pipe values ($1::int + 1000000)"};
static const Sql count = {"count_pipe", 0, "select count(*) from pipe"};
static const Sql wrong = {"wrong_pipe", 0, "select nothing from nowhere"};
static const Sql ends_us = {"ends_us", 0, "select pg_terminate_backend(pg_backend_pid())"};

static int64_t rows_there(void)
{
    Err err = {0};
    int64_t number = -1;

    CHECK(db_query_int(db, &count, DB_NO_ARGS, &number, &err));
    return number;
}

typedef struct Seen {
    size_t answers, stop_at;
    int64_t sum;
} Seen;

static bool see(void *ctx, size_t number, const PGresult *rows, Err *err)
{
    Seen *seen = ctx;

    CHECK(number == seen->answers);
    seen->answers++;
    seen->sum += db_count(rows) ? db_int(rows, 0, 0) : 0;
    return seen->answers != seen->stop_at || err_set(err, ERR_LIMIT, "enough");
}

static void answers_come_in_order(void)
{
    enum { MANY = 5000 };
    Pipeline pipeline;
    Err err = {0};
    Seen seen = {0};

    CHECK(pipeline_begin(&pipeline, db, see, &seen, &err));
    for (int i = 0; i < MANY; i++)
        CHECK(pipeline_add(&pipeline, i % 2 ? &insert : &insert_other, DB_ARGS(DB_INT(i))));
    CHECK(pipeline_end(&pipeline, &err));
    CHECK(seen.answers == MANY && seen.sum == (int64_t)MANY / 2 * (MANY / 2) * 10);
    CHECK(rows_there() == MANY);
    CHECK(db_script(db, "truncate pipe", &err));
}

static void an_error_in_the_middle_undoes_all_and_is_named(void)
{
    static const int places[] = {0, 1, 255, 256, 257, 700, 999};

    for (size_t p = 0; p < COUNT_OF(places); p++) {
        Pipeline pipeline;
        Err err = {0};
        Seen seen = {0};

        CHECK(pipeline_begin(&pipeline, db, see, &seen, &err));
        for (int i = 0; i < 1000; i++)
            (void)pipeline_add(&pipeline, i == places[p] ? &wrong : &insert, DB_ARGS(DB_INT(i)));
        CHECK(!pipeline_end(&pipeline, &err) && err.code == ERR_NOT_FOUND);
        CHECK(strstr(err.text, "'wrong_pipe'") && strstr(err.text, "nowhere"));
        CHECK(strstr(err.text, str_printf(&pg_arena, "number %d:", places[p]).ptr));
        CHECK(seen.answers == (size_t)places[p]);
        CHECK(rows_there() == 0); /* and the connection is as good as before */
    }
}

static void the_callers_function_can_give_up(void)
{
    Pipeline pipeline;
    Err err = {0};
    Seen seen = {.stop_at = 300};

    CHECK(pipeline_begin(&pipeline, db, see, &seen, &err));
    for (int i = 0; i < 1000; i++)
        (void)pipeline_add(&pipeline, &insert, DB_ARGS(DB_INT(i)));
    CHECK(!pipeline_end(&pipeline, &err) && err.code == ERR_LIMIT && seen.answers == 300);
    CHECK(rows_there() == 0);
}

static void it_is_a_part_of_the_callers_transaction(void)
{
    Pipeline pipeline;
    Err err = {0};

    for (int commit = 0; commit < 2; commit++) {
        TX_SCOPE(db);
        CHECK(db_begin(db, &err) && pipeline_begin(&pipeline, db, NULL, NULL, &err));
        CHECK(pipeline_add(&pipeline, &insert, DB_ARGS(DB_INT(1))));
        CHECK(pipeline_end(&pipeline, &err) && rows_there() == 1);
        CHECK(!commit || db_commit(db, &err));
    }
    CHECK(rows_there() == 1);
    {
        Seen seen = {.stop_at = 1};
        TX_SCOPE(db);
        CHECK(db_begin(db, &err) && pipeline_begin(&pipeline, db, see, &seen, &err));
        (void)pipeline_add(&pipeline, &insert, DB_ARGS(DB_INT(2)));
        CHECK(!pipeline_end(&pipeline, &err) && !db_commit(db, &err));
    }
    CHECK(rows_there() == 1 && db_script(db, "truncate pipe", &err));
}

static void an_argument_that_cannot_be_sent_is_a_failure_too(void)
{
    static const Sql text = {"text_pipe", 1, "insert into pipe values (length($1::text))"};
    Pipeline pipeline;
    Err err = {0};

    CHECK(pipeline_begin(&pipeline, db, NULL, NULL, &err));
    CHECK(pipeline_add(&pipeline, &insert, DB_ARGS(DB_INT(1))));
    CHECK(!pipeline_add(&pipeline, &text, DB_ARGS(DB_TEXT(((Str){"a\0b", 3})))));
    CHECK(!pipeline_end(&pipeline, &err) && err.code == ERR_USAGE && strstr(err.text, "number 1:"));
    CHECK(rows_there() == 0);
}

static void nothing_added_is_fine(void)
{
    Pipeline pipeline;
    Err err = {0};

    CHECK(pipeline_begin(&pipeline, db, NULL, NULL, &err) && pipeline_end(&pipeline, &err));
    CHECK(rows_there() == 0);
}

static void a_lost_connection_is_one_error(void)
{
    Pipeline pipeline;
    Err err = {0};

    CHECK(pipeline_begin(&pipeline, db, NULL, NULL, &err));
    for (int i = 0; i < 600; i++)
        (void)pipeline_add(&pipeline, i == 100 ? &ends_us : &insert, DB_ARGS(DB_INT(i)));
    CHECK(!pipeline_end(&pipeline, &err) && err.code == ERR_DB);
    CHECK(!db_alive(db));
    CHECK(!pipeline_begin(&pipeline, db, NULL, NULL, &err) && err.code == ERR_DB);
    CHECK(db_reopen(db, &err) && rows_there() == 0);
}

int main(void)
{
    pg_start();
    pg_sql("postgres", "create table pipe (n int)");
    db = pg_connect("postgres");
    RUN(answers_come_in_order);
    RUN(an_error_in_the_middle_undoes_all_and_is_named);
    RUN(the_callers_function_can_give_up);
    RUN(it_is_a_part_of_the_callers_transaction);
    RUN(an_argument_that_cannot_be_sent_is_a_failure_too);
    RUN(nothing_added_is_fine);
    RUN(a_lost_connection_is_one_error);
    DONE();
}
