/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "cli/moves.h"

static bool drain(const Call *call, DatasetWork *work, Err *err)
{
    const PlaceSpec *spec = &work->dataset.spec;
    int64_t **bytes;
    Balance plan;
    size_t server;

    if (!place_find(spec, call->args[1], &server))
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'", spec->dataset,
                       STR_ARG(call->args[1]));
    return balance_measure(&work->upkeep, call->arena, &bytes, err) &&
           balance_drain(spec, place_mapping(work->upkeep.place), bytes, server, call->arena, &plan, err) &&
           moves_run(call, work, &plan, true, err);
}

static bool run(const Call *call, Err *err)
{
    DatasetWork work;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = drain(call, &work, err);
    progress_end(work.upkeep.progress);
    return ok;
}

const Cmd cmd_dataset_server_drain = {
    .name = "dataset server drain",
    .args = "NAME SERVER",
    .summary = "move all copies on a server to others",
    .description =
        "Each copy goes to the emptiest server that has none of its table. A table that is on all other servers already is named, "
        "and nothing is moved. Cut off at any moment, the same command goes on.",
    .examples = "strata dataset server drain mini n1\n",
    .run = run,
};
