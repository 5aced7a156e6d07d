/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/rows.h"

#include "dataset/statement.h"
#include "test/check.h"

enum { ROWS = 300 };

static void put_number(Buf *out, uint32_t value, int bytes)
{
    while (bytes-- > 0)
        buf_put_byte(out, (char)(value >> (8 * bytes)));
}

/* Rows of three values: one of any length, an empty one, a null. */
static void put_rows(Buf *out)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        put_number(out, 3, 2);
        put_number(out, i, 4);
        for (uint32_t k = 0; k < i; k++)
            buf_put_byte(out, (char)('a' + i % 26));
        put_number(out, 0, 4);
        put_number(out, UINT32_MAX, 4);
    }
}

static bool count_row(void *count_v, const RowValue *values, Err *err)
{
    size_t *count = count_v, expected = (*count)++;

    (void)err;
    CHECK(values[0].ptr && values[0].len == expected && values[1].ptr && values[1].len == 0 &&
          !values[2].ptr);
    for (size_t k = 0; k < values[0].len; k++)
        if (values[0].ptr[k] != (char)('a' + expected % 26))
            return err_set(err, ERR_CORRUPT, "another byte");
    return true;
}

static void rows_are_found_however_they_are_cut(void)
{
    static const size_t pieces[] = {1, 2, 7, 100, 1000, 4096, 1000000};
    BUF_SCOPE(rows);

    put_rows(&rows);
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        ARENA_SCOPE(arena);
        size_t count = 0;
        RowReader reader = row_reader_new(&arena, 3, count_row, &count);
        Err err = {0};

        for (size_t at = 0; at < rows.len; at += pieces[p])
            CHECK(row_reader_put(&reader, str_sub(buf_str(&rows), at, at + pieces[p]), &err));
        CHECK(count == ROWS && row_reader_end(&reader, &err));
        row_reader_release(&reader);
    }
}

static bool take_any(void *ctx, const RowValue *values, Err *err)
{
    (void)ctx;
    (void)values;
    (void)err;
    return true;
}

static void what_are_no_rows_is_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool put, end;
    } cases[] = {
        {"\0\2", 2, false, false},               /* other columns */
        {"\0\1\200\0\0\0", 6, false, false},     /* a length below zero */
        {"\0\1\0\0\0\2a", 7, true, false},       /* half a value */
        {"\0\1\0\0", 4, true, false},            /* half a length */
        {"\0\1\0\0\0\0\0\1", 8, true, false},    /* one, and half of the next */
        {"\0\1\377\377\377\377", 6, true, true}, /* a null */
        {"", 0, true, true},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        Err err = {0};
        RowReader reader = row_reader_new(&arena, 1, take_any, NULL);

        CHECK(row_reader_put(&reader, (Str){cases[i].bytes, cases[i].len}, &err) == cases[i].put);
        if (cases[i].put)
            CHECK(row_reader_end(&reader, &err) == cases[i].end);
        CHECK(err.code == (cases[i].put && cases[i].end ? ERR_NONE : ERR_CORRUPT));
        row_reader_release(&reader);
    }
}

static void marks_are_replaced(void)
{
    static const struct {
        const char *sql, *range, *box, *out; /* out: NULL is refused */
    } cases[] = {
        {"select 1 from {table}", NULL, NULL, "select 1 from public.\"a\"\"b\""},
        {"{table}{table} {tabl", NULL, NULL, "public.\"a\"\"b\"public.\"a\"\"b\" {tabl"},
        {"{table} {range} or {box}", "x < 1 or x is null", "y",
         "public.\"a\"\"b\" (x < 1 or x is null) or (y)"},
        {"{table} {range}", NULL, NULL, NULL},
        {"{table} {box}", "true", NULL, NULL},
        {"select {range}", "true", NULL, NULL},
        {"", NULL, NULL, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        BUF_SCOPE(out);
        Err err = {0};
        StatementMarks marks = {.table = STR("a\"b"), .range = cases[i].range, .box = cases[i].box};
        bool ok = statement_put(&out, str_from_z(cases[i].sql), &marks, &err);

        CHECK(ok == (cases[i].out != NULL) && (ok || err.code == ERR_USAGE));
        CHECK(!ok || str_eq_z(buf_str(&out), cases[i].out));
    }
}

int main(void)
{
    RUN(rows_are_found_however_they_are_cut);
    RUN(what_are_no_rows_is_refused);
    RUN(marks_are_replaced);
    DONE();
}
