/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "base/quantity.h"
#include "base/term.h"
#include "cli/parse.h"

enum { NARROW = 60, COLUMNS_MAX = 100 };

static const char about[] =
    "Strata keeps large data sets in layers on PostgreSQL: it finds them, places them, moves "
    "them down the tiers and keeps copies in agreement.";

static int line_columns(HelpStyle style)
{
    return style.columns > COLUMNS_MAX ? COLUMNS_MAX : style.columns;
}

static void put_heading(HelpStyle style, const char *heading, Buf *out)
{
    buf_printf(out, style.colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", heading);
}

static void put_text(HelpStyle style, int indent, Str text, Buf *out)
{
    buf_printf(out, "%*s", indent, "");
    term_wrap(out, text, indent, line_columns(style));
    buf_put_byte(out, '\n');
}

/* "  name    text", the text in a column of its own, or on lines of its own where there is no room. */
static void put_row(HelpStyle style, int name_columns, Str name, Str text, Buf *out)
{
    int indent = style.columns < NARROW ? 8 : name_columns + 4, width = term_width(name);

    buf_printf(out, "  %.*s", STR_ARG(name));
    if (width + 2 >= indent || style.columns < NARROW)
        buf_printf(out, "\n%*s", indent, "");
    else
        buf_printf(out, "%*s", indent - width - 2, "");
    term_wrap(out, text, indent, line_columns(style));
    buf_put_byte(out, '\n');
}

/* ---- options ---- */

void help_put_option(const Opt *opt, Buf *out)
{
    if (opt->letter)
        buf_printf(out, "-%c, ", opt->letter);
    buf_printf(out, "--%s", opt->name);
    if (opt->arg)
        buf_printf(out, " %s", opt->arg);
}

static void put_set(unsigned bits, const char *const *values, Buf *out)
{
    bool first = true;

    for (unsigned i = 0; values[i]; i++)
        if (bits & (1U << i)) {
            buf_printf(out, "%s%s", first ? "" : ",", values[i]);
            first = false;
        }
}

/* The default as one would type it; nothing where there is none to speak of: empty, 0, or -1 for "not given". */
static void put_default(const Opt *opt, const void *defaults, Buf *out)
{
    const void *field = (const char *)defaults + opt->offset;
    char text[QUANTITY_TEXT_MAX];

    switch (opt->type) {
    case OPT_TEXT:
        buf_put(out, *(const Str *)field);
        break;
    case OPT_COUNT:
        if (*(const int64_t *)field > 0)
            buf_put_int(out, *(const int64_t *)field);
        break;
    case OPT_NUMBER:
        if (*(const double *)field != 0)
            buf_printf(out, "%g", *(const double *)field);
        break;
    case OPT_BYTES:
        if (*(const int64_t *)field > 0)
            buf_put(out, quantity_format_bytes(*(const int64_t *)field, text));
        break;
    case OPT_DURATION:
        if (*(const Duration *)field > 0)
            buf_put(out, quantity_format_duration(*(const Duration *)field, text));
        break;
    case OPT_ENUM:
        buf_put_z(out, opt->values[*(const int *)field]);
        break;
    case OPT_SET:
        put_set(*(const unsigned *)field, opt->values, out);
        break;
    default:
        break;
    }
}

void help_put_option_text(const Opt *opt, const void *defaults, Buf *out)
{
    BUF_SCOPE(value);

    buf_put_z(out, opt->help);
    if (opt->values)
        buf_put_z(out, ": ");
    parse_put_words(opt, ", ", out);
    if (defaults)
        put_default(opt, defaults, &value);
    if (value.len)
        buf_printf(out, " (default %.*s)", STR_ARG(buf_str(&value)));
}

static int option_columns(const Opt *opts)
{
    int widest = 0;

    for (; opts && opts->type != OPT_END; opts++) {
        BUF_SCOPE(name);

        help_put_option(opts, &name);
        if (term_width(buf_str(&name)) > widest)
            widest = term_width(buf_str(&name));
    }
    return widest;
}

static void put_options(HelpStyle style, const Opt *opts, const void *defaults, int columns, Buf *out)
{
    for (; opts && opts->type != OPT_END; opts++) {
        BUF_SCOPE(name);
        BUF_SCOPE(text);

        help_put_option(opts, &name);
        help_put_option_text(opts, defaults, &text);
        put_row(style, columns, buf_str(&name), buf_str(&text), out);
    }
}

/* ---- a command ---- */

void help_put_usage(const Cmd *cmd, Buf *out)
{
    buf_printf(out, "strata %s%s%s%s", cmd->name, cmd->opts ? " [OPTION...]" : "", cmd->args ? " " : "",
               cmd->args ? cmd->args : "");
}

static void put_examples(const char *examples, Buf *out)
{
    Str rest = str_from_z(examples);

    while (rest.len) {
        Str line;

        rest = str_cut(rest, '\n', &line);
        buf_printf(out, "  %.*s\n", STR_ARG(line));
    }
}

static void put_usage_line(HelpStyle style, Str usage, Buf *out)
{
    buf_put_z(out, style.colour ? "\033[1musage:\033[0m " : "usage: ");
    term_wrap(out, usage, 7, line_columns(style));
    buf_put_byte(out, '\n');
}

void help_cmd(const Cmd *cmd, HelpStyle style, Buf *out)
{
    int own = option_columns(cmd->opts), global = option_columns(cmd_globals);
    BUF_SCOPE(usage);

    help_put_usage(cmd, &usage);
    put_usage_line(style, buf_str(&usage), out);
    buf_put_byte(out, '\n');
    put_text(style, 0, str_from_z(cmd->summary), out);
    if (cmd->description) {
        buf_put_byte(out, '\n');
        put_text(style, 0, str_trim(str_from_z(cmd->description)), out);
    }
    if (cmd->opts) {
        put_heading(style, "options:", out);
        put_options(style, cmd->opts, cmd->defaults, own, out);
    }
    if (cmd->examples) {
        put_heading(style, "examples:", out);
        put_examples(cmd->examples, out);
    }
    put_heading(style, "options of every command:", out);
    put_options(style, cmd_globals, NULL, own > global ? own : global, out);
}

/* ---- a group ---- */

void help_group(const CmdSet *set, const CmdGroup *group, HelpStyle style, Buf *out)
{
    ARENA_SCOPE(scratch);
    Str name = str_from_z(group ? group->name : NULL);
    CmdNext *rows = arena_new(&scratch, CmdNext, set->cmds_count);
    size_t count = cmd_next_words(set, name, rows);
    int columns = 0;

    put_usage_line(style,
                   str_printf(&scratch, "strata [-C DIR] %.*s%sCOMMAND [OPTION...] [ARGUMENT...]",
                              STR_ARG(name), name.len ? " " : ""),
                   out);
    buf_put_byte(out, '\n');
    put_text(style, 0, group ? str_from_z(group->summary) : STR(about), out);
    for (size_t i = 0; i < count; i++)
        if (term_width(rows[i].name) > columns)
            columns = term_width(rows[i].name);
    put_heading(style, "commands:", out);
    for (size_t i = 0; i < count; i++)
        put_row(style, columns, rows[i].name, rows[i].summary, out);
    put_heading(style, "options of every command:", out);
    put_options(style, cmd_globals, NULL, option_columns(cmd_globals), out);
    buf_put_byte(out, '\n');
    put_text(style, 0, STR("'strata COMMAND --help' says more of each, 'man strata' all."), out);
}
