/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that servers make: CSV, lines of JSON, and COPY binary. */
#include "base/os.h"
#include "dataset/rows.h"
#include "dataset/statement.h"

static void *writer_of(int fd)
{
    return (void *)(intptr_t)fd;
}

static int fd_of(void *writer)
{
    return (int)(intptr_t)writer;
}

static bool put(void *writer, Str bytes, Err *err)
{
    return os_write_all(fd_of(writer), bytes, err);
}

static bool begin(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    (void)arena;
    (void)err;
    *out = writer_of(target->fd);
    return true;
}

static bool end(void *writer, Err *err)
{
    (void)writer;
    (void)err;
    return true;
}

/* ---- CSV ---- */

static bool begin_csv(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    BUF_SCOPE(line);

    (void)arena;
    for (size_t i = 0; i < target->count; i++) {
        if (i > 0)
            buf_put_byte(&line, ',');
        statement_put_csv(&line, str_from_z(target->columns[i].name));
    }
    buf_put_byte(&line, '\n');
    *out = writer_of(target->fd);
    return os_write_all(target->fd, buf_str(&line), err);
}

const RowFormat row_format_csv = {
    .name = "csv", .form = ROW_AS_CSV, .begin = begin_csv, .put = put, .end = end};

const RowFormat row_format_jsonl = {
    .name = "jsonl", .form = ROW_AS_JSON, .begin = begin, .put = put, .end = end};

/* ---- COPY binary: one header and one trailer around the rows of all tables ---- */

static bool begin_binary(Arena *arena, const RowTarget *target, void **out, Err *err)
{
    static const char header[] =
        "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* with its last zero byte: no flags, no more header */

    (void)arena;
    *out = writer_of(target->fd);
    return os_write_all(target->fd, (Str){header, sizeof header}, err);
}

static bool end_binary(void *writer, Err *err)
{
    return os_write_all(fd_of(writer), STR("\377\377"), err);
}

const RowFormat row_format_binary = {
    .name = "binary", .form = ROW_AS_BINARY, .begin = begin_binary, .put = put, .end = end_binary};
