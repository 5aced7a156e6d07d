/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/datasets.h"

static void put_servers(const Call *call, const PlaceSpec *spec)
{
    BUF_SCOPE(names);

    for (size_t i = 0; i < spec->count; i++)
        buf_printf(&names, "%s%s", i ? "," : "", spec->servers[i].name);
    out_text(call->out, buf_str(&names));
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"name", OUT_TEXT}, {"database", OUT_TEXT}, {"servers", OUT_TEXT}};
    const DatasetSection *section;
    Instance *instance;
    size_t at = 0;
    Str name;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    while (datasets_next(instance, &at, &name, &section)) {
        Dataset dataset;

        if (!datasets_find(instance, call->arena, name, &dataset, err))
            return false;
        out_z(call->out, dataset.name);
        out_z(call->out, dataset.database);
        put_servers(call, &dataset.spec);
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_dataset_list = {
    .name = "dataset list",
    .summary = "list the datasets of the instance",
    .examples = "strata dataset list\n",
    .run = run,
};
