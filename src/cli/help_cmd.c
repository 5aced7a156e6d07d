/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/term.h"
#include "cli/help.h"
#include "cli/parse.h"

/* The words of the line as one name. */
static Str joined(const Call *call)
{
    BUF_SCOPE(name);

    for (size_t i = 0; i < call->args_count; i++)
        buf_printf(&name, "%s%.*s", i ? " " : "", STR_ARG(call->args[i]));
    return str_copy(call->arena, buf_str(&name));
}

static bool run(const Call *call, Err *err)
{
    HelpStyle style = {.columns = term_columns(STDOUT_FILENO), .colour = call->colour};
    Str name = joined(call);
    const Cmd *cmd = cmd_find(&cmd_set, name);
    const CmdGroup *group = cmd_find_group(&cmd_set, name);
    BUF_SCOPE(text);

    if (cmd)
        help_cmd(cmd, style, &text);
    else if (group || name.len == 0)
        help_group(&cmd_set, group, style, &text);
    else
        return parse_refuse_command(&cmd_set, name, call->arena, err);
    out_raw(call->out, buf_str(&text));
    return true;
}

const Cmd cmd_help = {
    .name = "help",
    .args = "[WORD...]",
    .summary = "say what a command does, and its options",
    .examples = "strata help\nstrata help config show\n",
    .run = run,
};
