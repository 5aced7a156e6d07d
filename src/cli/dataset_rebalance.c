/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "cli/moves.h"

typedef struct Opts {
    bool yes;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "yes", 'y', offsetof(Opts, yes), NULL, "carry the plan out; else it is only shown"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    DatasetWork work;
    Balance plan;
    int64_t **bytes;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = balance_measure(&work.upkeep, call->arena, &bytes, err);
    if (ok) {
        balance_plan(&work.dataset.spec, place_mapping(work.upkeep.place), bytes, call->arena, &plan);
        ok = moves_run(call, &work, &plan, o->yes, err);
    }
    progress_end(work.upkeep.progress);
    return ok;
}

const Cmd cmd_dataset_rebalance = {
    .name = "dataset rebalance",
    .args = "NAME",
    .summary = "move copies until servers have about as many bytes each",
    .description =
        "Shows which copies would move, biggest first from the fullest server to the emptiest, and what the servers have before and "
        "after; with --yes it moves them, as dataset move does. Cut off at any moment, the same command goes on.",
    .opts = opts,
    CMD_OPTS(Opts, .yes = false),
    .examples = "strata dataset rebalance mini\n"
                "strata dataset rebalance mini --yes\n",
    .run = run,
};
