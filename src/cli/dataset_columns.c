/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/summary.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {
        {"column", OUT_TEXT}, {"type", OUT_TEXT}, {"unit", OUT_TEXT}, {"description", OUT_TEXT, .cut = true}};
    SummaryColumn *found;
    Dataset dataset;
    size_t count;
    Place *place;
    Db *db;

    if (!dataset_open(call, &dataset, &place, err) || !place_any(place, &db, err) ||
        !summary_read_columns(db, call->arena, &found, &count, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        out_text(call->out, found[i].name);
        out_text(call->out, found[i].type);
        out_text(call->out, found[i].unit);
        out_text(call->out, found[i].description);
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_columns = {
    .name = "dataset columns",
    .args = "NAME",
    .summary = "list the columns of a dataset's tables, with units and descriptions",
    .description =
        "What the imports said of columns: their files, or a --schema. A column that several imports have is there once.",
    .examples = "strata dataset columns mini\n",
    .run = run,
};
