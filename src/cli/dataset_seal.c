/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/seal.h"

static bool run(const Call *call, Err *err)
{
    Dataset dataset;
    Place *place;

    if (!dataset_open(call, &dataset, &place, err) || !place_seal(place, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_z(call->out, dataset.name);
    out_field(call->out, "state", OUT_TEXT);
    out_z(call->out, "sealed");
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_seal = {
    .name = "dataset seal",
    .args = "NAME",
    .summary = "make a dataset one that is only read",
    .description =
        "On all of its servers: transactions are read only unless they say otherwise, nobody but the owner of the databases "
        "may write, and the dataset says that it is sealed. An import does the same when it is done. Copies of tables can still "
        "be made, moved and dropped.",
    .examples = "strata dataset seal mini\n",
    .run = run,
};
