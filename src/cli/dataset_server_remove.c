/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "cli/datasets.h"
#include "place/repair.h"

typedef struct Opts {
    bool lost;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "lost", 0, offsetof(Opts, lost), NULL,
     "the server does not come back: its copies are taken from the mapping, it is not asked"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;
    Dataset before, after;
    Place *place;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !datasets_find(instance, call->arena, call->args[0], &before, err) ||
        !datasets_without_server(call->arena, &before, call->args[1], &after, err) ||
        !place_open(call->arena, o->lost ? &after.spec : &before.spec, &place, err) ||
        !repair_remove_server(place, call->args[1], o->lost, err) ||
        !datasets_rewrite(instance, &config_set, &after, err))
        return false;
    dataset_put_servers(call, &after);
    out_say(call->out, "what is left of the dataset on '%s' is the database '%s', which nobody asks any more",
            call->args[1].ptr, before.database);
    return true;
}

const Cmd cmd_dataset_server_remove = {
    .name = "dataset server remove",
    .args = "NAME SERVER",
    .summary = "let a dataset not be on a server any more",
    .description =
        "The server must have no copy: dataset server drain moves them away. One that is gone for good can be removed with --lost, "
        "as long as every table has an active copy elsewhere; dataset replicate then makes what is missing.",
    .opts = opts,
    CMD_OPTS(Opts, .lost = false),
    .examples = "strata dataset server remove mini n1\n",
    .run = run,
};
