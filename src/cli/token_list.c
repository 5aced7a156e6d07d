/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"name", OUT_TEXT},
                                        {"role", OUT_TEXT},
                                        {"uid", OUT_INT},
                                        {"groups", OUT_JSON},
                                        {"expires", OUT_TIME}};
    TokenLine *lines;
    const char *path;
    size_t count;

    if (!token_path(call, &path, err) || !token_store_list(path, call->arena, &lines, &count, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++)
        token_put(call->out, &lines[i], false);
    out_end(call->out);
    return true;
}

const Cmd cmd_token_list = {
    .name = "token list",
    .summary = "list the tokens of the HTTP service",
    .description = "Tokens that have expired are listed as well, until they are removed.",
    .examples = "strata token list\n",
    .run = run,
};
