/* SPDX-License-Identifier: Apache-2.0 */
/*
 * term -- what a terminal shows: how wide it is, and how wide a text is on it
 *
 * A text is UTF-8. Widths are columns, as wcwidth(3) counts them; bytes that are not UTF-8 and control
 * characters count as one. term_init() must have been called before widths of other than ASCII are right.
 */
#ifndef BASE_TERM_H
#define BASE_TERM_H

#include "base/buf.h"

enum { TERM_WIDTH_MIN = 20, TERM_WIDTH_DEFAULT = 80 };

/* Takes the character set of the environment, UTF-8 where it names none. Call it once, before threads start. */
void term_init(void);

/* Columns of the terminal behind `fd`: $COLUMNS, else what the kernel says, else TERM_WIDTH_DEFAULT; at least
 * TERM_WIDTH_MIN. */
int term_columns(int fd);

bool term_is_tty(int fd);

/* Whether the terminal of the environment can go back and clear a line: $TERM is set and not "dumb". */
bool term_can_redraw(void);

/* Whether colour is wanted on `fd`: a terminal that is not "dumb", and no $NO_COLOR (no-color.org). */
bool term_has_colour(int fd);

/* How many columns `text` takes. */
int term_width(Str text);

/* The longest start of `text` that fits into `columns`; never cuts a character. */
Str term_fit(Str text, int columns);

/*
 * Puts `text` in lines of at most `columns`, broken at blanks. The place is taken to be at column `indent`
 * already; every further line gets so many blanks; no newline at the end. A word longer than a line is not
 * broken. An empty line in `text` ends a paragraph; a line that starts with a blank is kept as it is.
 */
void term_wrap(Buf *out, Str text, int indent, int columns);

/*
 * Puts a value in lines of at most `columns`, parted by newlines; unlike term_wrap() it keeps what is in it. Broken at a
 * blank, which goes with it; a word wider than a line behind the last slash or comma that fits, or where the line ends.
 */
void term_fold(Buf *out, Str text, int columns);

#endif
