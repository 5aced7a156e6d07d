/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

static bool run(const Call *call, Err *err)
{
    (void)err;
    out_record(call->out);
    out_field(call->out, "version", OUT_TEXT);
    out_z(call->out, STRATA_VERSION);
    out_end(call->out);
    return true;
}

const Cmd cmd_version = {
    .name = "version",
    .summary = "print the version",
    .examples = "strata version --json\n",
    .run = run,
};
