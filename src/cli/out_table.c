/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>

#include "base/term.h"
#include "cli/out_inside.h"

enum { CUT_MIN = 24 /* columns that something is cut to at the least */ };

#define HIDDEN SIZE_MAX

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

void out_table_begin_list(Out *out)
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

void out_table_end(Out *out)
{
    scols_unref_table(out->table);
    out->table = NULL;
    out->line = NULL;
}

/* Prints the rows there are and goes on under them with the same widths. */
void out_table_put_piece(Out *out)
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
    out_table_end(out);
    out_table_begin_list(out);
    out_write_when_much(out);
}

void out_table_begin_record(Out *out)
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

void out_table_put_record(Out *out)
{
    if (out->tty)
        fold_values(out);
    if (scols_table_get_nlines(out->table))
        put_table(out);
    out_table_end(out);
}

void out_table_put_cell(Out *out, size_t column, const char *text)
{
    if (out->open != OPEN_RECORD ||
        !out->tty) /* values of a record on a terminal are folded: put_escaped() */
        keep_backslashes(scols_table_get_column(out->table, column), text);
    (void)scols_line_set_data(out->line, column, text);
}
