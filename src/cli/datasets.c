/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

#include <unistd.h>

#include "base/stop.h"

bool dataset_open(const Call *call, Dataset *dataset, Place **place, Err *err)
{
    Instance *instance;

    return instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) &&
           datasets_find(instance, call->arena, call->args[0], dataset, err) &&
           place_open(call->arena, &dataset->spec, place, err);
}

bool dataset_states(const Call *call, DatasetStates *out, Err *err)
{
    Dataset dataset;

    if (!stop_init(err) || !dataset_open(call, &dataset, &out->place, err))
        return false;
    Progress *progress = progress_begin(call->arena, (ProgressTask){.what = "reading",
                                                                    .unit = "copies",
                                                                    .fd = STDERR_FILENO,
                                                                    .off = call->quiet || call->json});
    bool ok = states_read(&dataset.spec, place_mapping(out->place), call->arena, stop_flag(), progress,
                          &out->states, &out->count, err);
    progress_end(progress);
    out->tables = place_mapping(out->place)->count;
    return ok;
}

bool dataset_work(const Call *call, DatasetWork *work, Err *err)
{
    *work = (DatasetWork){.upkeep.stop = stop_flag()};
    if (!stop_init(err) || !instance_open(call->arena, call->dir.ptr, &config_set, &work->instance, err) ||
        !datasets_find(work->instance, call->arena, call->args[0], &work->dataset, err) ||
        !place_open(call->arena, &work->dataset.spec, &work->upkeep.place, err) ||
        !upkeep_begin(&work->upkeep, err))
        return false;
    work->upkeep.progress = progress_begin(
        call->arena,
        (ProgressTask){.what = "copying", .fd = STDERR_FILENO, .off = call->quiet || call->json});
    return true;
}

const char *dataset_outcome(UpkeepOutcome outcome)
{
    static const char *const words[] = {
        [UPKEEP_AS_IT_WAS] = "as it was", [UPKEEP_DONE] = "done", [UPKEEP_FINISHED] = "finished"};

    return words[outcome];
}

void dataset_put_copy(const Call *call, Str table, Str server, UpkeepOutcome outcome)
{
    out_record(call->out);
    out_field(call->out, "table", OUT_TEXT);
    out_text(call->out, table);
    out_field(call->out, "server", OUT_TEXT);
    out_text(call->out, server);
    out_field(call->out, "outcome", OUT_TEXT);
    out_z(call->out, dataset_outcome(outcome));
    out_end(call->out);
}

void dataset_put_servers(const Call *call, const Dataset *dataset)
{
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_z(call->out, dataset->name);
    out_field(call->out, "servers", OUT_TEXT);
    out_text(call->out, place_list(&dataset->spec, call->arena));
    out_end(call->out);
}
