/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static bool run(const Call *call, Err *err)
{
    const Str *args = call->args;
    DatasetWork work;
    UpkeepOutcome outcome;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = upkeep_activate(&work.upkeep, args[1], args[2], true, &outcome, err);
    progress_end(work.upkeep.progress);
    if (ok)
        dataset_put_copy(call, args[1], args[2], outcome);
    return ok;
}

const Cmd cmd_dataset_activate = {
    .name = "dataset activate",
    .args = "NAME TABLE SERVER",
    .summary = "let a copy of a table be read",
    .description =
        "It is compared with the primary copy first, and refused where it is not the same: dataset recopy makes it anew.",
    .examples = "strata dataset activate mini mini_1 n2\n",
    .run = run,
};
