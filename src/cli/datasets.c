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
    Place *place;

    if (!stop_init(err) || !dataset_open(call, &dataset, &place, err))
        return false;
    Progress *progress = progress_begin(call->arena, (ProgressTask){.what = "reading",
                                                                    .unit = "copies",
                                                                    .fd = STDERR_FILENO,
                                                                    .off = call->quiet || call->json});
    bool ok = states_read(&dataset.spec, place_mapping(place), call->arena, stop_flag(), progress,
                          &out->states, &out->count, err);
    progress_end(progress);
    out->tables = place_mapping(place)->count;
    return ok;
}
