/* SPDX-License-Identifier: Apache-2.0 */
#include "base/term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

void term_init(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int term_columns(int fd)
{
    struct winsize size = {0};
    const char *z = getenv("COLUMNS");
    int64_t columns = 0;

    if (!z || !str_to_int64(str_from_z(z), &columns) || columns < 1 || columns > 10000)
        columns = ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (columns == 0)
        columns = TERM_WIDTH_DEFAULT;
    return columns < TERM_WIDTH_MIN ? TERM_WIDTH_MIN : (int)columns;
}

bool term_is_tty(int fd)
{
    return isatty(fd) == 1;
}

bool term_can_redraw(void)
{
    const char *term = getenv("TERM");

    return term && *term && strcmp(term, "dumb") != 0;
}

bool term_has_colour(int fd)
{
    const char *no = getenv("NO_COLOR");

    return term_is_tty(fd) && term_can_redraw() && !(no && *no);
}

/* The first character of `text`: its bytes, and its columns in *width. */
static size_t first_char(Str text, int *width)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t len = mbrtowc(&wide, text.ptr, text.len, &state);

    if (len == 0 || len > text.len) {
        *width = 1;
        return 1;
    }
    *width = wcwidth(wide);
    if (*width < 0)
        *width = 1;
    return len;
}

int term_width(Str text)
{
    int columns = 0;

    while (text.len) {
        int width;

        text = str_sub(text, first_char(text, &width), text.len);
        columns += width;
    }
    return columns;
}

Str term_fit(Str text, int columns)
{
    size_t at = 0;

    while (at < text.len) {
        int width;
        size_t len = first_char(str_sub(text, at, text.len), &width);

        if (width > columns)
            break;
        columns -= width;
        at += len;
    }
    return str_sub(text, 0, at);
}

static void put_newline(Buf *out, int indent)
{
    buf_put_byte(out, '\n');
    buf_printf(out, "%*s", indent, "");
}

/* Where the text has come to. */
typedef struct Wrap {
    Buf *out;
    int at, indent, columns;
    bool fresh; /* nothing is on this line yet */
} Wrap;

static void wrap_words(Wrap *wrap, Str line)
{
    while (line.len) {
        Str word;

        line = str_cut(line, ' ', &word);
        if (word.len == 0)
            continue;
        int width = term_width(word);

        if (!wrap->fresh && wrap->at + 1 + width > wrap->columns) {
            put_newline(wrap->out, wrap->indent);
            wrap->at = wrap->indent;
        } else if (!wrap->fresh) {
            buf_put_byte(wrap->out, ' ');
            wrap->at++;
        }
        buf_put(wrap->out, word);
        wrap->at += width;
        wrap->fresh = false;
    }
}

void term_wrap(Buf *out, Str text, int indent, int columns)
{
    Wrap wrap = {.out = out, .at = indent, .indent = indent, .columns = columns, .fresh = true};
    bool kept = false; /* the line before was put as it is, so this one starts anew */

    while (text.len) {
        Str line;

        text = str_cut(text, '\n', &line);
        if (line.len == 0 && !wrap.fresh)
            buf_put_byte(out, '\n');
        if (!wrap.fresh && (line.len == 0 || line.ptr[0] == ' ' || kept)) {
            put_newline(out, indent);
            wrap.at = indent;
            wrap.fresh = true;
        }
        kept = line.len && line.ptr[0] == ' ';
        if (kept) {
            buf_put(out, line);
            wrap.fresh = false;
        } else {
            wrap_words(&wrap, line);
        }
    }
}

/* Where the line that `fit` is the most of ends; `text` goes on behind it. */
static size_t fold_at(Str text, Str fit, int columns)
{
    const char *blank = memrchr(fit.ptr, ' ', fit.len);
    size_t start = blank ? (size_t)(blank - fit.ptr) + 1 : 0;
    Str word;

    if (text.ptr[fit.len] == ' ')
        return fit.len;
    (void)str_cut(str_sub(text, start, text.len), ' ', &word);
    if (start > 1 && term_width(word) <= columns)
        return start - 1;
    for (size_t i = fit.len; i > start + 1; i--)
        if (text.ptr[i - 1] == '/' || text.ptr[i - 1] == ',')
            return i;
    return start > 1 ? start - 1 : fit.len;
}

void term_fold(Buf *out, Str text, int columns)
{
    for (Str fit; (fit = term_fit(text, columns)).len < text.len;) {
        int width;
        size_t at = fit.len ? fold_at(text, fit, columns) : first_char(text, &width);

        buf_put(out, str_sub(text, 0, at));
        text = str_sub(text, at < text.len && text.ptr[at] == ' ' ? at + 1 : at, text.len);
        if (text.len)
            buf_put_byte(out, '\n');
    }
    buf_put(out, text);
}
