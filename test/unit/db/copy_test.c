/* SPDX-License-Identifier: Apache-2.0 */
#include "db/copy.h"

#include <inttypes.h>
#include <math.h>

#include "test/check.h"
#include "test/pg.h"

static Db *db;

static const char all_types[] =
    "create table every (b bool, i2 int2, i4 int4, i8 int8, f8 float8, t text, j jsonb, u uuid, ts timestamptz,"
    " us uuid[], tss timestamptz[], n numeric, nothing text, bytes bytea)";
static const char copy_all[] = "copy every from stdin (format binary)";

static const unsigned char uuids[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 255};

static void put_row(Buf *rows, int arrays)
{
    const Instant stamps[] = {0, INT64_C(1234567890123456), INT64_C(-1)};

    copy_row(rows, 14);
    copy_bool(rows, true);
    copy_int2(rows, INT16_MIN);
    copy_int4(rows, INT32_MIN);
    copy_int8(rows, INT64_MIN);
    copy_float8(rows, 0.1);
    copy_text(rows, STR("tab\there, a \\ and \xc3\xa4"));
    copy_jsonb(rows, STR("{\"a\": [1, null]}"));
    copy_uuid(rows, uuids);
    copy_timestamptz(rows, INT64_C(1234567890123456));
    copy_uuid_array(rows, uuids, arrays);
    copy_timestamptz_array(rows, stamps, arrays);
    copy_numeric(rows, -12345.678);
    copy_null(rows);
    copy_text(rows, (Str){"\0\1\377", 3});
}

static void every_type_is_what_the_server_reads(void)
{
    static const Sql expected = {
        "expected", 0,
        "select b and i2 = -32768 and i4 = -2147483648 and i8 = -9223372036854775808 and f8 = 0.1"
        " and t = e'tab\\there, a \\\\ and \\u00e4' and j = '{\"a\":[1,null]}'"
        " and u = '01020304-0506-0708-090a-0b0c0d0e0f10' and ts = '2009-02-13 23:31:30.123456Z'"
        " and us = case when array_length(us, 1) is null then '{}'::uuid[] else"
        "   '{01020304-0506-0708-090a-0b0c0d0e0f10,ff000000-0000-0000-0000-000000000000}' end"
        " and tss = case when array_length(tss, 1) is null then '{}'::timestamptz[] else"
        "   '{1970-01-01 00:00:00Z,2009-02-13 23:31:30.123456Z}' end"
        " and n = -12345.678 and nothing is null and bytes = '\\x0001ff' from every"};
    Err err = {0};
    BUF_SCOPE(rows);
    RESULT_SCOPE(answers);

    CHECK(db_script(db, all_types, &err));
    put_row(&rows, 2);
    put_row(&rows, 0);
    CHECK(copy_send(db, copy_all, &rows, &err) && rows.len == 0);
    CHECK(copy_send(db, copy_all, &rows, &err)); /* nothing gathered: nothing sent */
    CHECK(db_query(db, &expected, DB_NO_ARGS, &answers, &err) && db_count(answers) == 2);
    CHECK(db_bool(answers, 0, 0) && db_bool(answers, 1, 0));
}

static bool check_fields(void *ctx, const Str *fields, int count, Err *err)
{
    int *rows = ctx;

    (void)err;
    CHECK(count == 14);
    CHECK(fields[0].len == 1 && fields[0].ptr[0] == 1);
    CHECK(copy_get_int2(fields[1]) == INT16_MIN && copy_get_int4(fields[2]) == INT32_MIN);
    CHECK(copy_get_int8(fields[3]) == INT64_MIN && copy_get_float8(fields[4]) == 0.1);
    CHECK(str_eq(fields[5], STR("tab\there, a \\ and \xc3\xa4")));
    CHECK(fields[7].len == 16 && memcmp(fields[7].ptr, uuids, 16) == 0);
    CHECK(copy_get_timestamptz(fields[8]) == INT64_C(1234567890123456));
    CHECK(fields[12].ptr == NULL && fields[13].ptr != NULL && fields[13].len == 3);
    ++*rows;
    return true;
}

static void what_was_sent_is_received(void)
{
    Err err = {0};
    int rows = 0;

    CHECK(copy_receive(db, "copy every to stdout (format binary)", check_fields, &rows, &err) && rows == 2);
    rows = 0;
    CHECK(copy_receive(db, "copy (select * from every where false) to stdout (format binary)", check_fields,
                       &rows, &err));
    CHECK(rows == 0);
}

static bool stop_at_once(void *ctx, const Str *fields, int count, Err *err)
{
    (void)fields;
    (void)count;
    ++*(int *)ctx;
    return err_set(err, ERR_LIMIT, "enough");
}

static void a_reader_can_stop_and_the_connection_goes_on(void)
{
    Err err = {0};
    int rows = 0;
    static const Sql one = {"one", 0, "select 1"};
    int64_t number;

    CHECK(!copy_receive(db, "copy (select generate_series(1, 100000)) to stdout (format binary)",
                        stop_at_once, &rows, &err));
    CHECK(err.code == ERR_LIMIT && rows == 1);
    CHECK(db_query_int(db, &one, DB_NO_ARGS, &number, &err));
}

static void rows_that_the_server_refuses_leave_nothing(void)
{
    static const Sql count = {"count_small", 0, "select count(*) from small"};
    Err err = {0};
    BUF_SCOPE(rows);
    int64_t number;

    CHECK(db_script(db, "create table small (n int check (n > 0))", &err));
    for (int i = 10; i >= 0; i--) {
        copy_row(&rows, 1);
        copy_int4(&rows, i);
    }
    CHECK(!copy_send(db, "copy small from stdin (format binary)", &rows, &err) && err.code == ERR_USAGE);
    CHECK(rows.len > 0); /* kept for the caller to see what to do */
    CHECK(db_query_int(db, &count, DB_NO_ARGS, &number, &err) && number == 0);
    CHECK(!copy_send(db, "copy nowhere from stdin (format binary)", &rows, &err) &&
          err.code == ERR_NOT_FOUND);
    CHECK(db_query_int(db, &count, DB_NO_ARGS, &number, &err));
}

static void many_rows_are_sent_in_pieces(void)
{
    enum { ROWS = 200000 };
    static const Sql sum = {"sum_many", 0, "select sum(n) from many"};
    Err err = {0};
    BUF_SCOPE(rows);
    int64_t number;

    CHECK(db_script(db, "create table many (n int8, t text)", &err));
    for (int i = 1; i <= ROWS; i++) {
        copy_row(&rows, 2);
        copy_int8(&rows, i);
        copy_text(&rows, STR("some text to make it longer"));
    }
    CHECK(copy_send(db, "copy many from stdin (format binary)", &rows, &err));
    CHECK(db_query_int(db, &sum, DB_NO_ARGS, &number, &err) && number == (int64_t)ROWS * (ROWS + 1) / 2);
}

/* ---- numeric ---- */

static uint64_t seed = 0x9e3779b97f4a7c15;

/* xorshift64*, Vigna 2016: enough to reach every exponent and number of digits. */
static uint64_t draw(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

/* Numbers as they occur (few digits), and any bit pattern that is finite. */
static double draw_number(int i)
{
    static const double corners[] = {
        0,    -0.0,  1,     -1,     9999,  10000,  10001,    99999999, 0.1,     0.0001,
        1e-5, 1e-4,  12e-7, 123e15, 1e22,  1e23,   1e308,    -1e-307,  5e-324,  0.30000000000000004,
        1e4,  1.5e4, 1e8,   1e-8,   1e-12, 100000, 20000000, NAN,      INFINITY};
    double value;
    uint64_t bits = draw();

    if ((size_t)i < COUNT_OF(corners))
        return corners[i];
    if (i % 2)
        return (double)(int64_t)(draw() % 2000000 - 1000000) / pow(10, (int)(draw() % 12));
    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 0;
}

/* The server reads the numeric back as the very same double, and finds no text of fewer digits for it. */
static void numerics_are_the_numbers_they_were_made_from(void)
{
    enum { NUMBERS = 20000 };
    static const Sql wrong = {
        "wrong_numerics", 0,
        "select f::text || ' became ' || coalesce(n::text, 'null') from numerics"
        " where (n is null) <> (f = 'NaN' or f = 'Infinity')"
        "    or n::float8 is distinct from nullif(nullif(f, 'NaN'), 'Infinity')"
        "    or (abs(f) > 2.3e-308 and length(btrim(translate(n::text, '-.', ''), '0')) >"
        "        length(btrim(translate(split_part(f::text, 'e', 1), '-.', ''), '0')))"};
    RESULT_SCOPE(found);
    Err err = {0};
    BUF_SCOPE(rows);

    printf("# seed %" PRIu64 "\n", seed);
    CHECK(db_script(db, "create table numerics (f float8, n numeric)", &err));
    for (int i = 0; i < NUMBERS; i++) {
        double value = draw_number(i);

        copy_row(&rows, 2);
        copy_float8(&rows, value);
        copy_numeric(&rows, value);
    }
    CHECK(copy_send(db, "copy numerics from stdin (format binary)", &rows, &err));
    if (err.code)
        printf("# %s\n", err.text);
    CHECK(db_query(db, &wrong, DB_NO_ARGS, &found, &err) && db_count(found) == 0);
    for (int i = 0; found && i < db_count(found) && i < 5; i++)
        printf("# %.*s\n", STR_ARG(db_text(found, i, 0)));
}

int main(void)
{
    pg_start();
    db = pg_connect("postgres");
    RUN(every_type_is_what_the_server_reads);
    RUN(what_was_sent_is_received);
    RUN(a_reader_can_stop_and_the_connection_goes_on);
    RUN(rows_that_the_server_refuses_leave_nothing);
    RUN(many_rows_are_sent_in_pieces);
    RUN(numerics_are_the_numbers_they_were_made_from);
    DONE();
}
