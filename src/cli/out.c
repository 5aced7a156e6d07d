/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "base/quantity.h"
#include "base/term.h"

enum {
    ROWS_MAX = 1000,       /* rows that a table's widths are found over; the next ones follow under them */
    HELD_MAX = 64 * 1024,  /* bytes before they are written */
    VALUE_MAX = 64 * 1024, /* of one cell on a terminal; a longer one is cut there, never in JSON */
};

static void release(void *what)
{
    Out *out = what;

    if (out->table)
        scols_unref_table(out->table);
    buf_release(&out->text);
}

Out *out_new(Arena *arena, int fd, bool json, bool quiet, bool colour)
{
    Out *out = arena_new(arena, Out, 1);

    *out = (Out){
        .arena = arena, .fd = fd, .json = json, .quiet = quiet, .colour = colour, .tty = term_is_tty(fd)};
    out->json_out = json_out(&out->text);
    arena_defer(arena, release, out);
    return out;
}

bool out_is_json(const Out *out)
{
    return out->json;
}

/* ---- writing ---- */

static void write_held(Out *out, size_t end)
{
    Err err = {0};

    if (out->write_err.code == ERR_NONE && !os_write_all(out->fd, str_sub(buf_str(&out->text), 0, end), &err))
        out->write_err = err;
    buf_consume(&out->text, end);
}

void out_write_when_much(Out *out)
{
    if (out->text.len >= HELD_MAX && out->open < OPEN_RECORD)
        write_held(out, out->text.len);
}

/* ---- lists and records ---- */

static void begin_list(Out *out, const OutColumn *columns, size_t count)
{
    out->columns = columns;
    out->columns_count = count;
    out->cell = 0;
    out->widths = NULL;
    out->some_rows = false;
    if (!out->json)
        out_table_begin_list(out);
}

void out_list(Out *out, const OutColumn *columns, size_t count)
{
    out->open = OPEN_LIST;
    begin_list(out, columns, count);
}

void out_record(Out *out)
{
    out->open = OPEN_RECORD;
    out->record_start = out->text.len;
    if (out->json)
        json_begin(&out->json_out, '{');
    else
        out_table_begin_record(out);
}

static Str spaced(Out *out, const char *name)
{
    Str text = str_from_z(name);
    char *z = str_to_z(out->arena, text);

    for (char *at = z; *at; at++)
        if (*at == '_')
            *at = ' ';
    return (Str){z, text.len};
}

void out_field(Out *out, const char *name, OutKind kind)
{
    out->kind = kind;
    if (out->json) {
        json_key(&out->json_out, name);
        return;
    }
    out->line = scols_table_new_line(out->table, NULL);
    (void)scols_line_set_data(out->line, 0, spaced(out, name).ptr);
}

void out_field_list(Out *out, const char *name, const OutColumn *columns, size_t count)
{
    out->open = OPEN_RECORD_LIST;
    if (out->json) {
        json_key(&out->json_out, name);
        json_begin(&out->json_out, '[');
    } else {
        out_table_put_record(out);
        buf_printf(&out->text, "\n%.*s:\n", STR_ARG(spaced(out, name)));
    }
    begin_list(out, columns, count);
}

static void end_list(Out *out)
{
    if (out->json) {
        if (out->open == OPEN_RECORD_LIST)
            json_end(&out->json_out, ']');
        return;
    }
    out_table_put_piece(out);
    if (out->open == OPEN_RECORD_LIST && !out->some_rows)
        buf_put_z(&out->text, "(none)\n");
    out_table_end(out);
    if (out->open == OPEN_RECORD_LIST)
        out_table_begin_record(out);
}

static void end_record(Out *out)
{
    if (out->json) {
        json_end(&out->json_out, '}');
        json_line(&out->json_out);
    } else {
        out_table_put_record(out);
    }
}

void out_end(Out *out)
{
    if (out->open == OPEN_RECORD)
        end_record(out);
    else
        end_list(out);
    out->open = out->open == OPEN_RECORD_LIST ? OPEN_RECORD : OPEN_NONE;
    out_write_when_much(out);
}

/* ---- cells ---- */

static OutKind next_kind(const Out *out)
{
    return out->open == OPEN_RECORD ? out->kind : out->columns[out->cell].kind;
}

static void before_json_cell(Out *out)
{
    if (out->open == OPEN_RECORD)
        return;
    if (out->cell == 0)
        json_begin(&out->json_out, '{');
    json_key(&out->json_out, out->columns[out->cell].name);
}

static void after_cell(Out *out)
{
    if (out->open == OPEN_RECORD || ++out->cell < out->columns_count)
        return;
    out->cell = 0;
    out->some_rows = true;
    if (out->json) {
        json_end(&out->json_out, '}');
        if (out->open == OPEN_LIST)
            json_line(&out->json_out);
        out_write_when_much(out);
    } else if (scols_table_get_nlines(out->table) >= ROWS_MAX) {
        out_table_put_piece(out);
    }
}

/* A cell for people. */
static void show(Out *out, Str value)
{
    ARENA_SCOPE(scratch);
    size_t at = out->open == OPEN_RECORD ? 1 : out->cell;

    if (out->open != OPEN_RECORD && at == 0)
        out->line = scols_table_new_line(out->table, NULL);
    const char *text = str_to_z(&scratch, str_sub(value, 0, VALUE_MAX));
    out_table_put_cell(out, at, text);
    after_cell(out);
}

void out_text(Out *out, Str value)
{
    if (!out->json) {
        show(out, value);
        return;
    }
    before_json_cell(out);
    json_str(&out->json_out, value);
    after_cell(out);
}

void out_z(Out *out, const char *value)
{
    if (value)
        out_text(out, str_from_z(value));
    else
        out_null(out);
}

static void show_int(Out *out, int64_t value)
{
    char text[QUANTITY_TEXT_MAX], at[TIME_TEXT_MAX];
    BUF_SCOPE(digits);

    switch (next_kind(out)) {
    case OUT_BYTES:
        show(out, quantity_format_bytes(value, text));
        break;
    case OUT_DURATION:
        show(out, quantity_format_duration(value, text));
        break;
    case OUT_TIME:
        show(out,
             time_format(value - (value % SECONDS(1) + SECONDS(1)) % SECONDS(1), at)); /* whole seconds */
        break;
    default:
        buf_put_int(&digits, value);
        show(out, buf_str(&digits));
    }
}

void out_int(Out *out, int64_t value)
{
    char at[TIME_TEXT_MAX];

    if (!out->json) {
        show_int(out, value);
        return;
    }
    bool is_time = next_kind(out) == OUT_TIME;

    before_json_cell(out);
    if (is_time)
        json_str(&out->json_out, time_format(value, at));
    else
        json_int(&out->json_out, value);
    after_cell(out);
}

void out_double(Out *out, double value)
{
    BUF_SCOPE(digits);

    if (!out->json) {
        buf_printf(&digits, "%.6g", value);
        show(out, buf_str(&digits));
        return;
    }
    before_json_cell(out);
    json_double(&out->json_out, value);
    after_cell(out);
}

void out_bool(Out *out, bool value)
{
    if (!out->json) {
        show(out, value ? STR("yes") : STR("no"));
        return;
    }
    before_json_cell(out);
    json_bool(&out->json_out, value);
    after_cell(out);
}

void out_json(Out *out, Str value)
{
    if (!out->json) {
        show(out, value);
        return;
    }
    before_json_cell(out);
    json_raw(&out->json_out, value);
    after_cell(out);
}

void out_null(Out *out)
{
    if (!out->json) {
        show(out, STR("-"));
        return;
    }
    before_json_cell(out);
    json_null(&out->json_out);
    after_cell(out);
}

/* ---- text ---- */

void out_raw(Out *out, Str text)
{
    buf_put(&out->text, text);
    out_write_when_much(out);
}

void out_say(Out *out, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;

    if (out->json || out->quiet)
        return;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len >= 0) {
        buf_put(&out->text, (Str){text, (size_t)len});
        buf_put_byte(&out->text, '\n');
        free(text);
    }
    out_write_when_much(out);
}

static void put_warning(bool json, Str message, Buf *text)
{
    JsonOut out = json_out(text);

    if (!json) {
        buf_put(text, STR("strata: "));
        buf_put(text, message);
        buf_put_byte(text, '\n');
        return;
    }
    json_begin(&out, '{');
    json_key(&out, "warning");
    json_begin(&out, '{');
    json_key(&out, "message");
    json_str(&out, message);
    json_end(&out, '}');
    json_end(&out, '}');
    json_line(&out);
}

void out_warn(Out *out, const char *fmt, ...)
{
    BUF_SCOPE(text);
    va_list args;
    char *message = NULL;
    Err ignored = {0};

    va_start(args, fmt);
    int len = vasprintf(&message, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    put_warning(out->json, (Str){message, (size_t)len}, &text);
    free(message);
    (void)!os_write_all(STDERR_FILENO, buf_str(&text), &ignored);
}

bool out_flush(Out *out, Err *err)
{
    bool whole = out->open < OPEN_RECORD;

    if (out->open == OPEN_LIST && !out->json)
        out_table_put_piece(out);
    write_held(out, whole ? out->text.len : out->record_start);
    out->record_start = 0;
    if (out->write_err.code == ERR_NONE)
        return true;
    *err = out->write_err;
    return err_wrap(err, "cannot print");
}
