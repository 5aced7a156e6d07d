/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset -- what the tables of a dataset hold, by include/strata.h, wherever they are
 *
 *     cc dataset.c -o dataset -lstrata
 *     ./dataset /var/lib/strata mini x 10
 *
 * For every table: how many rows have a value of the column below the limit, and their sum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strata.h>

static int fail(const strata_error *error)
{
    fprintf(stderr, "dataset: %s\n", error->message);
    if (error->hint[0])
        fprintf(stderr, "hint: %s\n", error->hint);
    return error->code;
}

static bool sum_table(strata_dataset *dataset, const char *table, const char *column, const char *limit, strata_error *error)
{
    char sql[512];
    double sum = 0;

    snprintf(sql, sizeof sql, "select %s from %s, limits where %s < limits.most and %s < $1::float8", column, table, column, column);
    strata_rows *rows = strata_dataset_query(dataset, table, sql, &limit, 1, error);
    if (!rows)
        return false;
    size_t count = strata_rows_count(rows);
    double *values = calloc(count + 1, sizeof *values);
    strata_rows_doubles(rows, 0, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    printf("%s %zu %g\n", table, count, sum);
    free(values);
    strata_rows_free(rows);
    return true;
}

int main(int argc, char **argv)
{
    strata_error error;

    if (argc != 5) {
        fprintf(stderr, "usage: dataset DIR NAME COLUMN LIMIT\n");
        return 2;
    }
    strata_dataset *dataset = strata_dataset_open(argv[1], argv[2], &error);
    if (!dataset)
        return fail(&error);
    /* what queries need beside their table: on every connection, and again after a server was lost */
    bool ok = strata_dataset_on_connect(dataset, "create temp table limits as select 1e9::float8 most; analyze limits", &error);
    for (const char *const *table = strata_dataset_tables(dataset); ok && *table; table++)
        ok = sum_table(dataset, *table, argv[3], argv[4], &error);
    strata_dataset_close(dataset);
    return ok ? 0 : fail(&error);
}
