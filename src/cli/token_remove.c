/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

static bool run(const Call *call, Err *err)
{
    const char *path;

    if (!token_path(call, &path, err) || !token_store_remove(path, call->args[0], err))
        return false;
    out_record(call->out);
    out_field(call->out, "removed", OUT_TEXT);
    out_text(call->out, call->args[0]);
    out_end(call->out);
    return true;
}

const Cmd cmd_token_remove = {
    .name = "token remove",
    .args = "TOKEN",
    .summary = "take a token back",
    .description =
        "A running service refuses it within a second. With the last token gone, the service goes on asking for one, "
        "so that taking a token back opens nothing.",
    .examples = "strata token remove ann\n",
    .run = run,
};
