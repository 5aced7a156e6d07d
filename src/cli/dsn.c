/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dsn.h"

#include "cli/config.h"

static Str server_name(const Instance *instance, Str wish)
{
    const DatabaseSection *section = conf_get(instance_conf(instance), &database_section, (Str){0});

    return wish.ptr ? wish : section->server;
}

bool dsn_find(const Call *call, const DsnWish *wish, DsnFound *out, Err *err)
{
    const char *database = wish->database.ptr;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &out->instance, err) ||
        !instance_find_server(out->instance, server_name(out->instance, wish->server), &out->server, err))
        return false;
    if (!database)
        database = instance_default_database(out->instance, out->server);
    return instance_dsn(out->server, call->arena, database, wish->user.ptr, &out->text, err);
}
