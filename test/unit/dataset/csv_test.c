/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/csv.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"
#include "test/check.h"

static char path[] = "/tmp/strata-csv-XXXXXX";

static bool open_text(Arena *arena, Str text, Csv **out, Err *err)
{
    *err = (Err){0};
    return os_write_file(path, text, 0600, err) && csv_open(arena, path, out, err);
}

static void names_and_types_come_from_the_first_rows(void)
{
    static const struct {
        const char *text, *columns;
    } cases[] = {
        {"a,B , c\n1,2.5,x\n-3,4,\n", "a bigint|b double precision|c text"},
        {"a\n\n", "a text"},
        {"a,b\n1,\n,\n", "a bigint|b text"},
        {"a,b\n1,2\n1,1e400\n", "a bigint|b text"}, /* no double */
        {"id,z\n9223372036854775807,1\n9223372036854775808,nan\n", "id double precision|z double precision"},
        {"\xef\xbb\xbf\"a b\",\"c\"\"d\"\r\n1,\"2\"\r\n", "a b bigint|c\"d text"},
        {"only,names", "only text|names text"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        BUF_SCOPE(said);
        Csv *csv = NULL;
        Err err;

        CHECK(open_text(&arena, str_from_z(cases[i].text), &csv, &err));
        const Columns *columns = csv_columns(csv);
        for (size_t c = 0; c < columns->count; c++)
            buf_printf(&said, "%s%.*s %s", c ? "|" : "", STR_ARG(columns->items[c].name),
                       columns->items[c].type);
        CHECK(str_eq_z(buf_str(&said), cases[i].columns));
        if (!str_eq_z(buf_str(&said), cases[i].columns))
            printf("# %zu: %.*s\n", i, STR_ARG(buf_str(&said)));
    }
}

static void rows_come_whole_and_as_they_are(void)
{
    static const char text[] = "a,b\n1,\"two\nlines, \"\"quoted\"\"\"\n3,x\n\n4,\"\"\"\"\n5,last";
    static const char *const rows_of[] = {"1,\"two\nlines, \"\"quoted\"\"\"\n", "3,x\n", "\n", "4,\"\"\"\"\n",
                                          "5,last\n"};
    ARENA_SCOPE(arena);
    int64_t rows = 0;
    Csv *csv = NULL;
    Str piece;
    Err err;

    CHECK(open_text(&arena, str_from_z(text), &csv, &err));
    for (size_t i = 0; i < COUNT_OF(rows_of); i++) {
        CHECK(csv_row(csv) == (int64_t)i);
        CHECK(csv_next(csv, 1, &piece, &rows, &err) && rows == 1 && str_eq_z(piece, rows_of[i]));
    }
    CHECK(csv_next(csv, 1, &piece, &rows, &err) && rows == 0 && piece.len == 0);
}

static void a_long_file_comes_in_pieces_of_at_most_so_many_rows(void)
{
    enum { ROWS = 50000 };
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    int64_t rows = 1, seen = 0;
    Csv *csv = NULL;
    Str piece;
    Err err;

    buf_put_z(&text, "n,t\n");
    for (int i = 0; i < ROWS; i++)
        buf_printf(&text, "%d,\"line %d\n%s\"\n", i, i, i % 7 ? "" : "\"\"");
    CHECK(open_text(&arena, buf_str(&text), &csv, &err));
    while (rows > 0) {
        bool ok = csv_next(csv, 777, &piece, &rows, &err) && rows <= 777;

        CHECK(ok);
        if (!ok)
            break;
        CHECK(rows == 0 || strtoll(piece.ptr, NULL, 10) == seen);
        seen += rows;
    }
    CHECK(seen == ROWS && csv_row(csv) == ROWS);
}

static void what_is_wrong_is_said(void)
{
    static const struct {
        const char *text, *says;
        ErrCode code;
    } cases[] = {
        {"", "is empty", ERR_USAGE},
        {"a,,b\n", "column 2", ERR_USAGE},
        {"a,b,A\n", "'a' twice", ERR_USAGE},
        {"a\n\"never closed\n1\n", "within quotes", ERR_USAGE},
        {"a,\xff\n", "column 2", ERR_USAGE},
        {"a123456789012345678901234567890123456789012345678901234567890123\n", "at most 63 bytes", ERR_USAGE},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ARENA_SCOPE(arena);
        Csv *csv = NULL;
        Err err;

        bool told = !open_text(&arena, str_from_z(cases[i].text), &csv, &err) && err.code == cases[i].code &&
                    strstr(err.text, cases[i].says) && strstr(err.text, path);

        CHECK(told);
        if (!told)
            printf("# %zu: %s\n", i, err.text);
    }
    ARENA_SCOPE(arena);
    Csv *csv = NULL;
    Err err = {0};
    CHECK(!csv_open(&arena, "/nowhere/x.csv", &csv, &err) && err.code == ERR_NOT_FOUND);
}

int main(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    os_close(&fd);
    RUN(names_and_types_come_from_the_first_rows);
    RUN(rows_come_whole_and_as_they_are);
    RUN(a_long_file_comes_in_pieces_of_at_most_so_many_rows);
    RUN(what_is_wrong_is_said);
    (void)unlink(path);
    DONE();
}
