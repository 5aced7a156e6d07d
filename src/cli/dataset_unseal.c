/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/seal.h"

static bool run(const Call *call, Err *err)
{
    Dataset dataset;
    Place *place;

    if (!dataset_open(call, &dataset, &place, err) || !place_unseal(place, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_z(call->out, dataset.name);
    out_field(call->out, "state", OUT_TEXT);
    out_z(call->out, "open");
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_unseal = {
    .name = "dataset unseal",
    .args = "NAME",
    .summary = "let a sealed dataset be written again",
    .description =
        "Takes the role that owns the dataset's databases, and is noted in the logs and in the dataset's metadata, with who did "
        "it. What other roles were allowed to write before it was sealed is not given back.",
    .examples = "strata dataset unseal mini\n",
    .run = run,
};
