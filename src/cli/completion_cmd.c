/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"
#include "cli/completion_names.h"
#include "cli/parse.h"

static const struct {
    const char *name;
    void (*put)(const CmdSet *set, Buf *out);
} shells[] = {
    {"bash", completion_put_bash},
    {"zsh", completion_put_zsh},
    {"fish", completion_put_fish},
};

static bool run(const Call *call, Err *err)
{
    BUF_SCOPE(script);

    for (size_t i = 0; i < COUNT_OF(shells); i++)
        if (str_eq_z(call->args[0], shells[i].name)) {
            shells[i].put(&cmd_set, &script);
            out_raw(call->out, buf_str(&script));
            return true;
        }
    if (completion_is_kind(call->args[0])) {
        if (!completion_put_names(call, call->args[0], &script, err))
            return false;
        out_raw(call->out, buf_str(&script));
        return true;
    }
    completion_put_kinds(", ", &script);
    return err_set(err, ERR_USAGE, "'%.*s' is none of bash, zsh, fish, %.*s", STR_ARG(call->args[0]),
                   STR_ARG(buf_str(&script)));
}

const Cmd cmd_completion = {
    .name = "completion",
    .args = "bash|zsh|fish|KIND",
    .summary = "print a script that lets a shell complete what is typed",
    .description =
        "The script completes commands, options, their values, files, and names that only the instance knows. "
        "For these it calls this command again: KIND is shards, servers, tokens, feeds, key-names or keys (of the "
        "configuration), and the names come one a line.",
    .examples = "# in ~/.bashrc\n"
                "source <(strata completion bash)\n"
                "# once, for fish\n"
                "cd ~/.config/fish/completions\n"
                "strata completion fish > strata.fish\n",
    .run = run,
};
