/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/term.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/parse.h"

typedef enum Page { PAGE_NONE, PAGE_COMMANDS, PAGE_CONFIGURATION } Page;

static const char *const pages[] = {"", "commands", "configuration", NULL};

typedef struct Opts {
    int man, markdown; /* Page */
} Opts;

static const Opt opts[] = {
    {OPT_ENUM, "man", 0, offsetof(Opts, man), "PAGE", "print a manual page as source for scdoc",
     .values = pages},
    {OPT_ENUM, "markdown", 0, offsetof(Opts, markdown), "PAGE", "print a page of the reference",
     .values = pages},
    {.type = OPT_END},
};

/* The words of the line as one name. */
static Str joined(const Call *call)
{
    BUF_SCOPE(name);

    for (size_t i = 0; i < call->args_count; i++)
        buf_printf(&name, "%s%.*s", i ? " " : "", STR_ARG(call->args[i]));
    return str_copy(call->arena, buf_str(&name));
}

static void put_page(Page page, ManualForm form, Buf *out)
{
    if (page == PAGE_COMMANDS)
        manual_put_commands(&cmd_set, form, out);
    else
        manual_put_configuration(&config_set, form, out);
}

static bool put_help(const Call *call, Buf *text, Err *err)
{
    HelpStyle style = {.columns = term_columns(STDOUT_FILENO), .colour = call->colour};
    Str name = joined(call);
    const Cmd *cmd = cmd_find(&cmd_set, name);
    const CmdGroup *group = cmd_find_group(&cmd_set, name);

    if (!cmd && !group && name.len)
        return parse_refuse_command(&cmd_set, name, call->arena, err);
    if (cmd)
        help_cmd(cmd, style, text);
    else
        help_group(&cmd_set, group, style, text);
    return true;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    BUF_SCOPE(text);

    if (o->man != PAGE_NONE)
        put_page((Page)o->man, MANUAL_SCDOC, &text);
    else if (o->markdown != PAGE_NONE)
        put_page((Page)o->markdown, MANUAL_MARKDOWN, &text);
    else if (!put_help(call, &text, err))
        return false;
    out_raw(call->out, buf_str(&text));
    return true;
}

const Cmd cmd_help = {
    .name = "help",
    .args = "[WORD...]",
    .summary = "say what a command does, and its options",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata help\n"
                "strata help config show\n"
                "strata help --man commands | scdoc > strata.1\n",
    .run = run,
};
