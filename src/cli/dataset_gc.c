/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "place/leftovers.h"

typedef struct Opts {
    bool dry_run;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "dry-run", 'n', offsetof(Opts, dry_run), NULL, "only say what there is"},
    {.type = OPT_END},
};

static const char *kind_of(const Leftover *left)
{
    return !left->ours ? "unknown" : str_eq(left->schema, STR("staging")) ? "staging" : "unmapped";
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"server", OUT_TEXT},  {"table", OUT_TEXT},
                                        {"kind", OUT_TEXT},    {"bytes", OUT_BYTES},
                                        {"dropped", OUT_BOOL}, {"error", OUT_TEXT, .cut = true}};
    const Opts *o = call->opts;
    DatasetWork work;
    Leftover *left = NULL;
    size_t count = 0, stay = 0;

    if (!dataset_work(call, &work, err))
        return false;
    bool ok = leftovers_find(&work.upkeep, !o->dry_run, call->arena, &left, &count, err);
    progress_end(work.upkeep.progress);
    if (!ok)
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        out_z(call->out, left[i].server);
        out_text(call->out, left[i].table);
        out_z(call->out, kind_of(&left[i]));
        out_int(call->out, left[i].bytes);
        out_bool(call->out, left[i].dropped);
        out_z(call->out, left[i].why.code ? left[i].why.text : NULL);
        stay += !left[i].dropped;
    }
    out_end(call->out);
    if (count == 0)
        out_say(call->out, "there is no table that the mapping does not know");
    return stay == 0 ||
           err_set(err, ERR_PARTIAL, "%zu tables that the mapping does not know are still there", stay);
}

const Cmd cmd_dataset_gc = {
    .name = "dataset gc",
    .args = "NAME",
    .summary = "drop what commands that were killed left of copies",
    .description =
        "Looks on every server for tables that the mapping does not know. A copy that was made there and is mapped no more (or not yet, its "
        "command having been killed) is dropped; a table that nobody knows is only listed. The status is 11 when something stays.",
    .opts = opts,
    CMD_OPTS(Opts, .dry_run = false),
    .examples = "strata dataset gc mini --dry-run\n",
    .run = run,
};
