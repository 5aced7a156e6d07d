/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "cli/cmd.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"name", OUT_TEXT}, {"meaning", OUT_TEXT}};

    (void)err;
    out_list(call->out, columns, COUNT_OF(columns));
    for (int point = 0; point < FAULT_COUNT; point++) {
        out_z(call->out, fault_name((FaultPoint)point));
        out_z(call->out, fault_meaning((FaultPoint)point));
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_debug_faults = {
    .name = "debug faults",
    .summary = "list the places where a test can make the program fail",
    .description =
        "Set STRATA_FAULT=NAME[:N]:kill|EIO|ENOSPC in the environment: the Nth time (from 1, the "
        "default) that the program passes the place NAME it is killed, or a call fails with that error.",
    .examples = "# die just after the second batch was merged\n"
                "STRATA_FAULT=batch_merged:2:kill \\\n"
                "    strata catalog crawl usr /usr\n",
    .run = run,
};
