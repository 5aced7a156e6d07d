/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static bool run(const Call *call, Err *err)
{
    const Str *args = call->args;
    DatasetWork work;
    UpkeepOutcome outcome;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = upkeep_replicate(&work.upkeep, args[1], args[2], &outcome, err);
    progress_end(work.upkeep.progress);
    if (ok)
        dataset_put_copy(call, args[1], args[2], outcome);
    return ok;
}

const Cmd cmd_dataset_replicate = {
    .name = "dataset replicate",
    .args = "NAME TABLE SERVER",
    .summary = "make one more copy of a table, on another server",
    .description =
        "Rows go from the primary copy right into the other server, in little memory; they are compared by their hash, and get "
        "the indexes, constraints and privileges of the primary copy. Then all servers know of the copy at once. Cut off at any "
        "moment, the same command goes on.",
    .examples = "strata dataset replicate mini mini_1 n3\n",
    .run = run,
};
