/* SPDX-License-Identifier: Apache-2.0 */
/* dataset replicate, move, activate, deactivate and drop-copy: the rows of dataset_copy.def. */
#include "cli/datasets.h"

typedef bool Step(Upkeep *upkeep, const Str *args, UpkeepOutcome *out, Err *err);

static bool work_on(const Call *call, Step *step, Str server, Err *err)
{
    DatasetWork work;
    UpkeepOutcome outcome;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = step(&work.upkeep, call->args, &outcome, err);
    progress_end(work.upkeep.progress);
    if (ok)
        dataset_put_copy(call, call->args[1], server, outcome);
    return ok;
}

#define X(id, words, arguments, server, step, says, more, shows)                         \
    static bool step_##id(Upkeep *upkeep, const Str *args, UpkeepOutcome *out, Err *err) \
    {                                                                                    \
        return step;                                                                     \
    }                                                                                    \
    static bool run_##id(const Call *call, Err *err)                                     \
    {                                                                                    \
        return work_on(call, step_##id, call->args[server], err);                        \
    }                                                                                    \
    const Cmd cmd_dataset_##id = {.name = (words),                                       \
                                  .args = (arguments),                                   \
                                  .summary = (says),                                     \
                                  .description = (more),                                 \
                                  .examples = (shows),                                   \
                                  .run = run_##id};
#include "cli/dataset_copy.def"
#undef X
