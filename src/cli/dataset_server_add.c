/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "cli/datasets.h"
#include "place/repair.h"
#include "place/schema.h"
#include "place/seal.h"

/* The server gets the dataset's database where it is missing. */
static bool make_database(const Call *call, const Instance *instance, const Dataset *dataset,
                          const char *server, Err *err)
{
    const char *dsn;

    return datasets_maintenance_dsn(instance, call->arena, server, &dsn, err) &&
           (schema_make(dsn, dataset->database, err) || err_wrap(err, "server '%s'", server));
}

/* What is sealed is so on a server that comes later, too. */
static bool seal_again(const Call *call, const PlaceSpec *spec, Err *err)
{
    Place *place;
    bool sealed;

    return place_open(call->arena, spec, &place, err) && place_is_sealed(place, &sealed, err) &&
           (!sealed || place_seal(place, err));
}

static bool run(const Call *call, Err *err)
{
    Instance *instance;
    Dataset before, after;
    Place *place;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !datasets_find(instance, call->arena, call->args[0], &before, err) ||
        !datasets_with_server(instance, call->arena, &before, call->args[1], &after, err) ||
        !place_open(call->arena, &before.spec, &place, err))
        return false;
    const PlaceServer *server = &after.spec.servers[after.spec.count - 1];
    if (!make_database(call, instance, &before, server->name, err) ||
        !repair_add_server(place, server, err) || !datasets_rewrite(instance, &config_set, &after, err) ||
        !seal_again(call, &after.spec, err))
        return false;
    dataset_put_servers(call, &after);
    return true;
}

const Cmd cmd_dataset_server_add = {
    .name = "dataset server add",
    .args = "NAME SERVER",
    .summary = "let a dataset have tables on one more server",
    .description =
        "Makes the dataset's database there, with all that its system tables say, and adds the server to [dataset NAME] in "
        "strata.ini. It has no copy then: dataset rebalance and dataset replicate give it some. What a server that was one of the dataset's "
        "before still has of it is dropped by dataset gc.",
    .examples = "strata dataset server add mini n4\n",
    .run = run,
};
