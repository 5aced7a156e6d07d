/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "cli/dsn.h"

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

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    DsnFound found;

    if (!dsn_find(call, &(DsnWish){o->server, o->database, o->user}, &found, err) ||
        !instance_check_up(found.instance, found.server, err))
        return false;
    if (o->command.ptr)
        (void)execlp("psql", "psql", "-d", found.text, "-c", o->command.ptr, (char *)NULL);
    else
        (void)execlp("psql", "psql", "-d", found.text, (char *)NULL);
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
