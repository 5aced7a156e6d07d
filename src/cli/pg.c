/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "cli/config.h"
#include "serve/instance.h"

typedef struct Opts {
    Str server, database, user, command;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "server", 's', offsetof(Opts, server), "SERVER",
     "the server; else that of the service database"},
    {OPT_TEXT, "database", 'd', offsetof(Opts, database), "NAME", "another database"},
    {OPT_TEXT, "user", 'U', offsetof(Opts, user), "ROLE", "another role"},
    {OPT_TEXT, "command", 'c', offsetof(Opts, command), "SQL", "run this and end"},
    {.type = OPT_END},
};

static Str server_name(const Instance *instance, const Opts *o)
{
    const DatabaseSection *section = conf_get(instance_conf(instance), &database_section, (Str){0});

    return o->server.ptr ? o->server : section->server;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;
    InstanceServer *server;
    const char *dsn;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !instance_find_server(instance, server_name(instance, o), &server, err) ||
        !instance_dsn(server, call->arena,
                      o->database.ptr ? o->database.ptr : instance_default_database(instance, server),
                      o->user.ptr, &dsn, err) ||
        !instance_check_up(instance, server, err))
        return false;
    if (o->command.ptr)
        (void)execlp("psql", "psql", "-d", dsn, "-c", o->command.ptr, (char *)NULL);
    else
        (void)execlp("psql", "psql", "-d", dsn, (char *)NULL);
    (void)err_sys(err, ERR_CONFIG, "cannot run psql");
    return err_hint(err, "apt-get install postgresql-client");
}

const Cmd cmd_pg = {
    .name = "pg",
    .summary = "open psql on the service database, or on a server",
    .examples = "strata pg\n"
                "strata pg -c 'select * from shards'\n",
    .opts = opts,
    CMD_OPTS(Opts, {0}),
    .run = run,
};
