/* SPDX-License-Identifier: Apache-2.0 */
/* What include/strata.h says about datasets. Usage: c_api_dataset DIR; prints what is not so. */
#include <stdio.h>
#include <strata.h>
#include <string.h>

static int failures;
#define CHECK(condition) \
    ((condition) ? (void)0 : (void)(failures++, printf("%d: %s\n", __LINE__, #condition)))

static int64_t number(strata_dataset *dataset, const char *table, const char *sql)
{
    strata_error error = {0};
    strata_rows *rows = strata_dataset_query(dataset, table, sql, NULL, 0, &error);
    int64_t out = rows ? strata_rows_int(rows, 0, 0) : -1;

    if (!rows)
        printf("# %s: %s\n", sql, error.message);
    strata_rows_free(rows);
    return out;
}

static void rows_have_types_and_columns_come_whole(strata_dataset *dataset)
{
    const char *const binds[] = {"5", NULL};
    const strata_column *columns;
    strata_error error;
    int64_t ids[5];
    double xs[5];
    strata_rows *rows = strata_dataset_query(
        dataset, "mini_1",
        "select id, x, name, x > 0 positive, $2::int nothing from mini_1 where id < $1 order by id", binds, 2,
        &error);

    CHECK(rows && strata_rows_count(rows) == 5 && strata_rows_columns(rows, &columns) == 5);
    if (!rows)
        return;
    CHECK(columns[0].type == STRATA_INT && columns[1].type == STRATA_DOUBLE &&
          columns[2].type == STRATA_TEXT && columns[3].type == STRATA_BOOL &&
          strcmp(columns[3].name, "positive") == 0 && columns[0].oid == 20);
    strata_rows_ints(rows, 0, ids);
    strata_rows_doubles(rows, 1, xs);
    for (int i = 0; i < 5; i++)
        CHECK(ids[i] == i && xs[i] == i / 7.0);
    CHECK(strcmp(strata_rows_text(rows, 3, 2), "n 3") == 0 && !strata_rows_bool(rows, 0, 3) &&
          strata_rows_bool(rows, 1, 3));
    CHECK(strata_rows_is_null(rows, 0, 4) && !strata_rows_is_null(rows, 0, 0));
    strata_rows_free(rows);
    const char *two = "2"; /* the same statement again, prepared */
    for (int i = 0; i < 3; i++) {
        rows = strata_dataset_query(dataset, "mini_2",
                                    "select count(*) from mini_2 where id % $1::bigint = 0", &two, 1, &error);
        CHECK(rows && strata_rows_int(rows, 0, 0) == 150);
        strata_rows_free(rows);
    }
    CHECK(!strata_dataset_query(dataset, "mini_2", "select count(*) from mini_2 where id % $1::bigint = 0",
                                NULL, 0, &error) &&
          error.code == 2);
    CHECK(!strata_dataset_query(dataset, "mini_9", "select 1", NULL, 0, &error) &&
          strcmp(error.name, "NOT_FOUND") == 0);
    CHECK(!strata_dataset_query(dataset, "mini_1", "select nothing from mini_1", NULL, 0, &error) &&
          strstr(error.message, "nothing"));
}

static void every_table_is_there_once_and_any_server_answers(strata_dataset *dataset)
{
    const char *const *tables = strata_dataset_tables(dataset), *const *servers =
                                                                    strata_dataset_servers(dataset);
    strata_error errors[2];

    CHECK(tables[0] && strcmp(tables[0], "mini_1") == 0 && tables[3] && strcmp(tables[3], "mini_4") == 0 &&
          !tables[4]);
    CHECK(servers[0] && strcmp(servers[0], "n1") == 0 && servers[1] && !servers[2]);
    CHECK(number(dataset, NULL, "select count(*) from data_table") == 4);
    CHECK(strata_dataset_on_all(dataset, "set application_name = 'example'", errors) && errors[0].code == 0);
    CHECK(!strata_dataset_on_all(
        dataset, "select 1 / (current_setting('data_directory') not like '%n2%')::int", errors));
    CHECK(errors[0].code == 0 && errors[1].code == 2 && strstr(errors[1].message, "zero"));
    CHECK(strata_dataset_refresh(dataset, NULL) && strcmp(strata_dataset_tables(dataset)[1], "mini_2") == 0);
}

/* The connection is lost between and within queries. */
static void sessions_are_made_anew_with_what_they_had(strata_dataset *dataset)
{
    strata_error error;

    CHECK(strata_dataset_on_connect(
        dataset, "create temp table helper as select 42 n; set search_path to public, pg_temp", &error));
    CHECK(!strata_dataset_on_connect(dataset, "create temp table", &error));
    CHECK(number(dataset, "mini_1", "select n from helper") == 42);
    strata_dataset_restart(dataset);
    CHECK(number(dataset, "mini_1", "select n from helper") == 42);
    for (int i = 0; i < 3;
         i++) { /* each ends its own server process; the other copy is asked the same, and ends too */
        CHECK(!strata_dataset_query(dataset, "mini_1", "select pg_terminate_backend(pg_backend_pid())", NULL,
                                    0, &error));
        CHECK(number(dataset, "mini_1", "select n from helper") == 42);
    }
}

static void a_transaction_is_on_one_connection(strata_dataset *dataset)
{
    strata_error error;
    strata_rows *rows;

    CHECK(strata_dataset_begin(dataset, "mini_3", &error) &&
          !strata_dataset_begin(dataset, "mini_3", &error) && error.code == 5);
    rows = strata_dataset_query(dataset, "mini_3", "update mini_3 set x = -1", NULL, 0, &error);
    CHECK(rows && strata_rows_changed(rows) == 300 && strata_rows_count(rows) == 0);
    strata_rows_free(rows);
    CHECK(number(dataset, "mini_3", "select count(*) from mini_3 where x = -1") == 300);
    strata_dataset_rollback(dataset);
    for (int i = 0; i < 4; i++)
        CHECK(number(dataset, "mini_3", "select count(*) from mini_3 where x = -1") == 0);
    CHECK(!strata_dataset_commit(dataset, &error) && error.code == 2);
    CHECK(strata_dataset_begin(dataset, "mini_3", &error) && strata_dataset_commit(dataset, &error));
}

int main(int argc, char **argv)
{
    strata_error error;
    strata_dataset *dataset = argc == 2 ? strata_dataset_open(argv[1], "mini", &error) : NULL;

    if (!dataset) {
        printf("cannot open: %s\n", argc == 2 ? error.message : "no directory");
        return 1;
    }
    CHECK(!strata_dataset_open(argv[1], "other", &error) && error.code == 4);
    rows_have_types_and_columns_come_whole(dataset);
    every_table_is_there_once_and_any_server_answers(dataset);
    a_transaction_is_on_one_connection(dataset);
    sessions_are_made_anew_with_what_they_had(dataset);
    strata_dataset_close(dataset);
    return failures > 0;
}
