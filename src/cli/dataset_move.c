/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static bool run(const Call *call, Err *err)
{
    const Str *args = call->args;
    DatasetWork work;
    UpkeepOutcome outcome;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = upkeep_move(&work.upkeep, args[1], args[2], args[3], &outcome, err);
    progress_end(work.upkeep.progress);
    if (ok)
        dataset_put_copy(call, args[1], args[3], outcome);
    return ok;
}

const Cmd cmd_dataset_move = {
    .name = "dataset move",
    .args = "NAME TABLE FROM TO",
    .summary = "move a copy of a table to another server",
    .description =
        "A copy is made on the server TO as by dataset replicate; then, at once on all servers, it takes the place of the one on FROM, which "
        "is dropped when nobody reads it any more. Cut off at any moment, the same command goes on.",
    .examples = "strata dataset move mini mini_1 n1 n3\n",
    .run = run,
};
