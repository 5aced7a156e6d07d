/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"
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
    return err_set(err, ERR_USAGE, "'%.*s' is none of bash, zsh, fish", STR_ARG(call->args[0]));
}

const Cmd cmd_completion = {
    .name = "completion",
    .args = "bash|zsh|fish",
    .summary = "print a script that lets a shell complete commands and options",
    .examples = "# in ~/.bashrc\n"
                "source <(strata completion bash)\n"
                "# once, for fish\n"
                "strata completion fish > ~/.config/fish/completions/strata.fish\n",
    .run = run,
};
