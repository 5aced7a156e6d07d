/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/instance.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {
        {"name", OUT_TEXT}, {"kind", OUT_TEXT}, {"running", OUT_BOOL}, {"dsn", OUT_TEXT, .cut = true}};
    Instance *instance;
    InstanceServer *servers;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    size_t count = instance_servers(instance, &servers);
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        const InstanceServer *server = &servers[i];
        const char *dsn = NULL;

        if (server->cluster && !instance_dsn(server, call->arena, NULL, NULL, &dsn, err))
            return false;
        if (server->dsn && !(dsn = db_dsn_without_password(call->arena, server->dsn, err)))
            return false;
        out_z(call->out, server->name);
        out_z(call->out, server->dsn ? "external" : "embedded");
        if (server->cluster)
            out_bool(call->out, cluster_pid(server->cluster) != 0);
        else
            out_null(call->out);
        out_z(call->out, dsn);
    }
    out_end(call->out);
    return true;
}

const Cmd cmd_server_list = {
    .name = "server list",
    .summary = "list the PostgreSQL servers of the instance",
    .description =
        "Passwords in connection strings are left out; 'running' is known of embedded servers only.",
    .examples = "strata server list\n",
    .run = run,
};
