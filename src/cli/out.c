/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <ctype.h>
#include <libsmartcols.h>
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
    CUT_MIN = 24,          /* columns that something is cut to at the least */
    VALUE_MAX = 64 * 1024, /* of one cell on a terminal; a longer one is cut there, never in JSON */
};

#define HIDDEN SIZE_MAX

/* What is open, from the outside in: nothing, a list, a record, or a list in a record. */
typedef enum Open { OPEN_NONE, OPEN_LIST, OPEN_RECORD, OPEN_RECORD_LIST } Open;

struct Out {
    Arena *arena;
    int fd;
    bool json, quiet, colour, tty;
    Open open;
    Buf text;            /* what is not written yet */
    size_t record_start; /* where in text the open record starts */
    JsonOut json_out;
    OutKind kind;                 /* of the field just named */
    struct libscols_table *table; /* the list's, or the record's names and values */
    struct libscols_line *line;
    const OutColumn *columns;
    size_t columns_count, cell;
    size_t *widths; /* of the columns, HIDDEN or more, after the first piece of a table; NULL before */
    bool some_rows; /* the open list has had a row */
    Err write_err;  /* the first failure, code ERR_NONE when there was none */
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

static void write_when_much(Out *out)
{
    if (out->text.len >= HELD_MAX && out->open < OPEN_RECORD)
        write_held(out, out->text.len);
}

/* ---- tables ---- */

/* All cells of a column become their first letters. */
static void shorten(Out *out, size_t number, size_t least)
{
    struct libscols_line *line;

    for (size_t i = 0; (line = scols_table_get_line(out->table, i)); i++) {
        const char *value = scols_cell_get_data(scols_line_get_cell(line, number));

        if (value)
            (void)scols_line_set_data(line, number,
                                      str_to_z(out->arena, str_sub(str_from_z(value), 0, least)));
    }
}

static bool is_hidden(const struct libscols_column *column)
{
    return (scols_column_get_flags(column) & SCOLS_FL_HIDDEN) != 0;
}

/* How wide the rows are, each column as narrow as it may be: the widest line of a table that is printed so. */
static size_t least_width(Out *out)
{
    enum { GAP = 2 };
    struct libscols_column *column;
    size_t width = 0;

    for (size_t i = 0; (column = scols_table_get_column(out->table, i)); i++) {
        const OutColumn *as = &out->columns[i];
        size_t least = as->least ? as->least : CUT_MIN, widest;
        struct libscols_line *line;

        if (is_hidden(column))
            continue;
        widest = (size_t)term_width(str_from_z(scols_cell_get_data(scols_column_get_header(column))));
        for (size_t row = 0; (line = scols_table_get_line(out->table, row)); row++) {
            const char *value = scols_cell_get_data(scols_line_get_cell(line, i));
            size_t wide = value ? (size_t)term_width(str_from_z(value)) : 0;

            wide = as->cut && wide > least ? least : wide;
            widest = wide > widest ? wide : widest;
        }
        width += widest + (width > 0 ? GAP : 0);
    }
    return width;
}

/* The column that is missed least. False: the others are all needed. */
static bool hide_one(Out *out)
{
    struct libscols_column *column, *least = NULL;
    unsigned most = 0;

    for (size_t i = 0; (column = scols_table_get_column(out->table, i)); i++)
        if (!is_hidden(column) && out->columns[i].spare > most) {
            most = out->columns[i].spare;
            least = column;
        }
    return least && scols_column_set_flags(least, scols_column_get_flags(least) | SCOLS_FL_HIDDEN) == 0;
}

/* A few letters of a path say nothing: where no more is left for it, lines become longer than the terminal. */
static bool is_cut_short(Out *out)
{
    struct libscols_column *column;
    bool found = false;

    for (size_t i = 0; (column = scols_table_get_column(out->table, i)); i++) {
        size_t least = out->columns && i < out->columns_count ? out->columns[i].least : 0;

        if (!scols_column_is_trunc(column) || scols_column_get_width(column) >= (least ? least : CUT_MIN))
            continue;
        (void)scols_column_set_flags(column, scols_column_get_flags(column) & ~SCOLS_FL_TRUNC);
        if (least > 0)
            shorten(out, i, least);
        found = true;
    }
    return found;
}

static void put_table(Out *out)
{
    char *text = NULL;

    while (scols_print_table_to_string(out->table, &text) == 0 && is_cut_short(out)) {
        free(text);
        text = NULL;
    }
    if ((text || scols_print_table_to_string(out->table, &text) == 0) && text) {
        Str s = str_from_z(text);

        buf_put(&out->text, s);
        if (s.len && s.ptr[s.len - 1] != '\n')
            buf_put_byte(&out->text, '\n');
    }
    free(text);
}

static void begin_table(Out *out)
{
    if (!out->table)
        out->table = scols_new_table();
    (void)scols_table_set_column_separator(out->table, "  ");
    scols_table_enable_colors(out->table, out->colour);
    scols_table_set_termforce(out->table, out->tty ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    scols_table_set_termwidth(out->table, (size_t)term_columns(out->fd));
}

static bool is_right(OutKind kind)
{
    return kind == OUT_INT || kind == OUT_BYTES || kind == OUT_NUMBER || kind == OUT_DURATION;
}

/* "last_change" is LAST CHANGE above its column. */
static void heading(const char *name, char *text, size_t size)
{
    size_t i = 0;

    for (; name[i] && i + 1 < size; i++)
        text[i] = (char)(name[i] == '_' ? ' ' : toupper((unsigned char)name[i]));
    text[i] = '\0';
}

/*
 * Paths are escaped already where they are no text; libsmartcols would take \x in them for its own escape, and escape that.
 * Only where it is needed: a backslash that it is told to keep it forgets to count (2.38), and the next column moves.
 */
static void keep_backslashes(struct libscols_column *column, const char *value)
{
    if (column && strstr(value, "\\x"))
        (void)scols_column_set_safechars(column, "\\");
}

static void begin_list_table(Out *out)
{
    enum { HEADING_MAX = 64 };

    begin_table(out);
    scols_table_enable_noheadings(out->table, out->widths != NULL);
    for (size_t i = 0; i < out->columns_count; i++) {
        const OutColumn *column = &out->columns[i];
        char text[HEADING_MAX];
        int flags = (is_right(column->kind) ? SCOLS_FL_RIGHT : 0) | (column->cut ? SCOLS_FL_TRUNC : 0) |
                    (out->widths && out->widths[i] == HIDDEN ? SCOLS_FL_HIDDEN : 0);

        heading(column->name, text, sizeof text);
        struct libscols_column *made = scols_table_new_column(
            out->table, text, out->widths && !(flags & SCOLS_FL_HIDDEN) ? (double)out->widths[i] : 0, flags);
        if (made && out->colour)
            (void)scols_cell_set_color(scols_column_get_header(made), "bold");
    }
}

static void end_table(Out *out)
{
    scols_unref_table(out->table);
    out->table = NULL;
    out->line = NULL;
}

/* Prints the rows there are and goes on under them with the same widths. */
static void put_piece(Out *out)
{
    if (scols_table_get_nlines(out->table) == 0)
        return;
    while (out->tty && !out->widths && least_width(out) > (size_t)term_columns(out->fd) && hide_one(out))
        continue;
    put_table(out);
    if (!out->widths) {
        out->widths = arena_new(out->arena, size_t, out->columns_count);
        for (size_t i = 0; i < out->columns_count; i++) {
            struct libscols_column *column = scols_table_get_column(out->table, i);

            out->widths[i] = is_hidden(column) ? HIDDEN : scols_column_get_width(column);
        }
    }
    end_table(out);
    begin_list_table(out);
    write_when_much(out);
}

static void begin_record_table(Out *out)
{
    begin_table(out);
    scols_table_enable_noheadings(out->table, 1);
    (void)scols_table_new_column(out->table, "name", 0, 0);
    struct libscols_column *value =
        scols_table_new_column(out->table, "value", 0, out->tty ? SCOLS_FL_WRAP : 0);
    if (value && out->tty) {
        (void)scols_column_set_safechars(value, "\\\n");
        (void)scols_column_set_wrapfunc(value, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
    }
}

/* Newlines stand for where lines are broken: those in a value, and what else a terminal would obey, is escaped before. */
static void put_escaped(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < ' ' || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_put_byte(out, text.ptr[i]);
    }
}

/* libsmartcols breaks a value where the terminal ends, in the middle of words. */
static void fold_values(Out *out)
{
    enum { GAP = 2, LEAST = 10 };
    struct libscols_line *line;
    int names = 0;

    for (size_t i = 0; (line = scols_table_get_line(out->table, i)); i++) {
        int width = term_width(str_from_z(scols_cell_get_data(scols_line_get_cell(line, 0))));

        names = width > names ? width : names;
    }
    int room = term_columns(out->fd) - names - GAP;
    for (size_t i = 0; (line = scols_table_get_line(out->table, i)); i++) {
        const char *value = scols_cell_get_data(scols_line_get_cell(line, 1));
        BUF_SCOPE(plain);
        BUF_SCOPE(folded);

        put_escaped(&plain, str_from_z(value ? value : ""));
        term_fold(&folded, buf_str(&plain), room < LEAST ? LEAST : room);
        buf_put_byte(&folded, '\0');
        (void)scols_line_set_data(line, 1, folded.ptr);
    }
}

static void put_record_lines(Out *out)
{
    if (out->tty)
        fold_values(out);
    if (scols_table_get_nlines(out->table))
        put_table(out);
    end_table(out);
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
        begin_list_table(out);
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
        begin_record_table(out);
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
        put_record_lines(out);
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
    put_piece(out);
    if (out->open == OPEN_RECORD_LIST && !out->some_rows)
        buf_put_z(&out->text, "(none)\n");
    end_table(out);
    if (out->open == OPEN_RECORD_LIST)
        begin_record_table(out);
}

static void end_record(Out *out)
{
    if (out->json) {
        json_end(&out->json_out, '}');
        json_line(&out->json_out);
    } else {
        put_record_lines(out);
    }
}

void out_end(Out *out)
{
    if (out->open == OPEN_RECORD)
        end_record(out);
    else
        end_list(out);
    out->open = out->open == OPEN_RECORD_LIST ? OPEN_RECORD : OPEN_NONE;
    write_when_much(out);
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
        write_when_much(out);
    } else if (scols_table_get_nlines(out->table) >= ROWS_MAX) {
        put_piece(out);
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
    if (out->open != OPEN_RECORD || !out->tty) /* values of a record on a terminal are folded: see there */
        keep_backslashes(scols_table_get_column(out->table, at), text);
    (void)scols_line_set_data(out->line, at, text);
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
    write_when_much(out);
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
    write_when_much(out);
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
        put_piece(out);
    write_held(out, whole ? out->text.len : out->record_start);
    out->record_start = 0;
    if (out->write_err.code == ERR_NONE)
        return true;
    *err = out->write_err;
    return err_wrap(err, "cannot print");
}
