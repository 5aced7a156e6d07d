/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static bool run(const Call *call, Err *err)
{
    const Str *args = call->args;
    DatasetWork work;
    UpkeepOutcome outcome;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = upkeep_drop(&work.upkeep, args[1], args[2], &outcome, err);
    progress_end(work.upkeep.progress);
    if (ok)
        dataset_put_copy(call, args[1], args[2], outcome);
    return ok;
}

const Cmd cmd_dataset_drop_copy = {
    .name = "dataset drop-copy",
    .args = "NAME TABLE SERVER",
    .summary = "drop a copy of a table",
    .description =
        "The last active copy of a table is not dropped: the database itself refuses it. Where it was the primary one another is that "
        "from now on.",
    .examples = "strata dataset drop-copy mini mini_1 n2\n",
    .run = run,
};
