/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/instance.h"

typedef struct Opts {
    Str database, user;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "database", 'd', offsetof(Opts, database), "NAME", "of this database"},
    {OPT_TEXT, "user", 'U', offsetof(Opts, user), "ROLE", "for this role"},
    {.type = OPT_END},
};

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;
    InstanceServer *server;
    const char *dsn;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !instance_find_server(instance, call->args[0], &server, err) ||
        !instance_dsn(server, call->arena,
                      o->database.ptr ? o->database.ptr : instance_default_database(instance, server),
                      o->user.ptr, &dsn, err))
        return false;
    if (call->json) {
        out_record(call->out);
        out_field(call->out, "dsn", OUT_TEXT);
        out_z(call->out, dsn);
        out_end(call->out);
    } else {
        out_raw(call->out, str_printf(call->arena, "%s\n", dsn));
    }
    return true;
}

const Cmd cmd_server_dsn = {
    .name = "server dsn",
    .args = "SERVER",
    .summary = "print what to connect to a server with",
    .description =
        "A connection string as libpq takes it, with the password if it has one. For the server of the "
        "service database it is that database, as the superuser of an embedded server.",
    .opts = opts,
    CMD_OPTS(Opts, {0}),
    .examples = "psql \"$(strata server dsn local)\"\n",
    .run = run,
};
