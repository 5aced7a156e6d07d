/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/repair.h"

typedef struct Opts {
    Str from;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "from", 0, offsetof(Opts, from), "SERVER",
     "this server's mapping is right; else the newest one is"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"server", OUT_TEXT}, {"from", OUT_TEXT}};
    const Opts *o = call->opts;
    Dataset dataset;
    Place *place;
    Repaired repaired;

    if (!dataset_open(call, &dataset, &place, err) ||
        !repair_mapping(place, o->from, call->arena, &repaired, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < repaired.count; i++) {
        out_z(call->out, repaired.servers[i]);
        out_z(call->out, repaired.from);
    }
    out_end(call->out);
    if (repaired.count == 0)
        out_say(call->out, "all servers have the same mapping");
    return true;
}

const Cmd cmd_dataset_repair = {
    .name = "dataset repair",
    .args = "NAME",
    .summary = "give servers of a dataset that disagree the right mapping",
    .description =
        "A server that missed changes gets the mapping of the newest one, with all that the system tables say. Where two were "
        "changed as often and differently, --from has to say which is right. Tables of rows stay as they are: dataset verify "
        "and dataset gc then say what a server misses or has too much.",
    .opts = opts,
    CMD_OPTS(Opts, .from = {0}),
    .examples = "strata dataset repair mini\n"
                "strata dataset repair mini --from n2\n",
    .run = run,
};
