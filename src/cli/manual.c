/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manual.h"

#include "base/err.h"
#include "cli/help.h"

/* ---- the two forms ---- */

typedef struct Page {
    ManualForm form;
    Buf *out;
} Page;

/* Text with a backslash before what the form would take as its own. */
static void put_plain(const Page *page, Str text)
{
    const char *special = page->form == MANUAL_SCDOC ? "\\*_#~`" : "\\*_#[]|`<>";

    for (size_t i = 0; i < text.len; i++) {
        bool starts = i == 0 || text.ptr[i - 1] == '\n';

        if ((starts && strchr("-.[|]", text.ptr[i])) || strchr(special, text.ptr[i]))
            buf_put_byte(page->out, '\\');
        buf_put_byte(page->out, text.ptr[i]);
    }
}

static void put_heading(const Page *page, int level, const char *text)
{
    static const char marks[] = "####";

    /* The title is the first level of a Markdown page. */
    buf_printf(page->out, "\n%.*s ", page->form == MANUAL_SCDOC ? level : level + 1, marks);
    if (page->form == MANUAL_SCDOC) /* takes a heading as it is */
        buf_put_z(page->out, text);
    else
        put_plain(page, str_from_z(text));
    buf_put_z(page->out, "\n\n");
}

static void put_block(const Page *page, Str text)
{
    buf_printf(page->out, "```%s\n%.*s%s```\n", page->form == MANUAL_SCDOC ? "" : "sh", STR_ARG(text),
               str_ends(text, STR("\n")) ? "" : "\n");
}

/* Paragraphs; lines that start with a blank are kept as they are, in a block. */
static void put_paragraphs(const Page *page, const char *text)
{
    Str rest = str_trim(str_from_z(text)), line;
    BUF_SCOPE(kept);

    while (rest.len) {
        rest = str_cut(rest, '\n', &line);
        if (line.len && line.ptr[0] == ' ') {
            buf_printf(&kept, "%.*s\n", STR_ARG(line));
            continue;
        }
        if (kept.len) {
            buf_put_byte(page->out, '\n');
            put_block(page, buf_str(&kept));
            buf_put_byte(page->out, '\n');
            buf_reset(&kept);
        }
        put_plain(page, line);
        buf_put_byte(page->out, '\n');
    }
    if (kept.len) {
        buf_put_byte(page->out, '\n');
        put_block(page, buf_str(&kept));
    }
    buf_put_byte(page->out, '\n');
}

/* A term and what it means, as a list of them. */
static void put_term(const Page *page, Str term, Str text)
{
    buf_put_z(page->out, page->form == MANUAL_SCDOC ? "*" : "- `");
    if (page->form == MANUAL_SCDOC)
        put_plain(page, term);
    else
        buf_put(page->out, term);
    buf_put_z(page->out, page->form == MANUAL_SCDOC ? "*\n\t" : "` -- ");
    put_plain(page, text);
    buf_put_z(page->out, page->form == MANUAL_SCDOC ? "\n\n" : "\n");
}

/* ---- commands ---- */

static void put_options(const Page *page, const Opt *opts, const void *defaults)
{
    for (; opts && opts->type != OPT_END; opts++) {
        BUF_SCOPE(term);
        BUF_SCOPE(text);

        help_put_option(opts, &term);
        help_put_option_text(opts, defaults, &text);
        put_term(page, buf_str(&term), buf_str(&text));
    }
}

static void put_cmd(const Page *page, const Cmd *cmd)
{
    BUF_SCOPE(usage);

    help_put_usage(cmd, &usage);
    buf_put_byte(&usage, '\0');
    put_heading(page, 2, usage.ptr);
    put_paragraphs(page, cmd->summary);
    if (cmd->description)
        put_paragraphs(page, cmd->description);
    put_options(page, cmd->opts, cmd->defaults);
    if (cmd->examples) {
        buf_put_byte(page->out, '\n');
        put_block(page, str_from_z(cmd->examples));
    }
}

/* One row a status: what the errors that end with it mean. */
static void put_statuses(const Page *page)
{
    static const struct {
        int status;
        const char *name, *meaning;
    } rows[] = {
#define X(code, exit_status, http_status, retry, meaning) {exit_status, #code, meaning},
#include "base/err.def"
#undef X
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        BUF_SCOPE(term);
        BUF_SCOPE(text);
        bool first = true;

        for (size_t before = 0; before < i; before++)
            first = first && rows[before].status != rows[i].status;
        if (!first)
            continue;
        buf_put_int(&term, rows[i].status);
        for (size_t k = i; k < COUNT_OF(rows); k++)
            if (rows[k].status == rows[i].status)
                buf_printf(&text, "%s%s (%s)", k > i ? "; " : "", rows[k].meaning,
                           rows[k].name + strlen("ERR_"));
        put_term(page, buf_str(&term), buf_str(&text));
    }
}

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"STRATA_DIR", "the instance, where -C does not name it"},
    {"STRATA_<SECTION>_<KEY>", "comes before a key of strata.ini: strata config explain KEY names it"},
    {"STRATA_FAULT", "for tests: strata debug faults"},
    {"COLUMNS", "how wide help and tables are, where the terminal is not asked"},
    {"NO_COLOR", "no colour, where --color does not say otherwise"},
};

static void put_title(const Page *page, const char *title, const char *name, const char *section)
{
    if (page->form == MANUAL_SCDOC)
        buf_printf(page->out, "%s(%s)\n", name, section);
    else
        buf_printf(page->out, "# %s\n\nPrinted from the tables of the program (`strata help --markdown`).\n",
                   title);
}

void manual_put_commands(const CmdSet *set, ManualForm form, Buf *out)
{
    Page page = {form, out};

    put_title(&page, "Commands", "strata", "1");
    if (form == MANUAL_SCDOC) {
        put_heading(&page, 1, "NAME");
        buf_put_z(out, "strata - large data sets in layers on PostgreSQL\n");
        put_heading(&page, 1, "SYNOPSIS");
        buf_put_z(out, "*strata* [*-C* _DIR_] _COMMAND_ [_OPTION_...] [_ARGUMENT_...]\n");
    }
    put_heading(&page, 1, "COMMANDS");
    for (size_t i = 0; i < set->cmds_count; i++)
        put_cmd(&page, set->cmds[i]);
    put_heading(&page, 1, "OPTIONS OF EVERY COMMAND");
    put_options(&page, cmd_globals, NULL);
    put_heading(&page, 1, "EXIT STATUS");
    put_statuses(&page);
    put_heading(&page, 1, "ENVIRONMENT");
    for (size_t i = 0; i < COUNT_OF(environment); i++)
        put_term(&page, str_from_z(environment[i].name), str_from_z(environment[i].meaning));
    if (form == MANUAL_SCDOC) {
        put_heading(&page, 1, "SEE ALSO");
        buf_put_z(out, "*strata.ini*(5)\n");
    }
}

/* ---- configuration ---- */

static void put_key(const Page *page, const ConfKey *key)
{
    BUF_SCOPE(text);

    buf_printf(&text, "%s: ", key->meaning);
    conf_put_range(key, &text);
    buf_printf(&text, key->preset[0] ? " (default %s)" : " (default empty)", key->preset);
    if (!key->reloadable)
        buf_put_z(&text, "; a change needs a restart");
    put_term(page, str_from_z(key->name), buf_str(&text));
}

void manual_put_configuration(const ConfSet *set, ManualForm form, Buf *out)
{
    ARENA_SCOPE(scratch);
    Page page = {form, out};

    put_title(&page, "Configuration", "strata.ini", "5");
    if (form == MANUAL_SCDOC) {
        put_heading(&page, 1, "NAME");
        buf_put_z(out, "strata.ini - the configuration of an instance of Strata\n");
    }
    put_heading(&page, 1, "DESCRIPTION");
    put_paragraphs(
        &page,
        "strata.ini stands in the directory of the instance. It has sections, and keys with values:\n"
        "\n"
        "  [section]\n"
        "  key = value\n"
        "\n"
        "A line that starts with # or ; is a comment, and so is what follows a blank and ;. A line that "
        "starts with a blank goes on with the value before it. The environment comes before the file: "
        "STRATA_<SECTION>_<KEY>, with the name of the section between them where it has one. What is not "
        "known or not allowed is an error; strata config check names all of them.");
    put_heading(&page, 1, "SECTIONS");
    for (size_t i = 0; i < set->count; i++) {
        const ConfSection *section = set->sections[i];
        const char *gap = section->label ? " " : "", *label = section->label ? section->label : "";

        put_heading(&page, 2, str_printf(&scratch, "[%s%s%s]", section->name, gap, label).ptr);
        put_paragraphs(&page, section->meaning);
        for (size_t k = 0; k < section->keys_count; k++)
            put_key(&page, &section->keys[k]);
    }
    if (form == MANUAL_SCDOC) {
        put_heading(&page, 1, "SEE ALSO");
        buf_put_z(out, "*strata*(1)\n");
    }
}
