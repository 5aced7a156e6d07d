/* SPDX-License-Identifier: Apache-2.0 */
/* out_inside -- what out.c (lists, records, JSON) and out_table.c (how people see them, by libsmartcols) share */
#ifndef CLI_OUT_INSIDE_H
#define CLI_OUT_INSIDE_H

#include <libsmartcols.h>

#include "cli/out.h"

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
    size_t
        *widths; /* of the columns (out_table.c: HIDDEN too), after the first piece of a table; NULL before */
    bool some_rows; /* the open list has had a row */
    Err write_err;  /* the first failure, code ERR_NONE when there was none */
};

/* Write what is held back when it is long. */
void out_write_when_much(Out *out);

/* ---- out_table.c ---- */

/* The table of a list: under what was printed of it already, with the same widths. */
void out_table_begin_list(Out *out);

/* Print the rows there are, and go on under them. */
void out_table_put_piece(Out *out);

/* The names and values of a record, which are printed by the other. */
void out_table_begin_record(Out *out);
void out_table_put_record(Out *out);

void out_table_end(Out *out);

/* The cell of a column in the line in hand. */
void out_table_put_cell(Out *out, size_t column, const char *text);

#endif
