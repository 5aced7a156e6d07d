/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dsn.h"

#include "cli/config.h"

static bool find_server(const Instance *instance, Str wish, InstanceServer **out, Err *err)
{
    return wish.ptr ? instance_find_server(instance, wish, out, err)
                    : instance_service_server(instance, out, err);
}

bool dsn_find(const Call *call, const DsnWish *wish, DsnFound *out, Err *err)
{
    const char *database = wish->database.ptr;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &out->instance, err) ||
        !find_server(out->instance, wish->server, &out->server, err))
        return false;
    if (!database)
        database = instance_default_database(out->instance, out->server);
    return instance_dsn(out->server, call->arena, database, wish->user.ptr, &out->text, err);
}
