/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/instance.h"
#include "serve/presence.h"

typedef struct Opts {
    bool unchecked;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "unchecked", 0, offsetof(Opts, unchecked), NULL, "do not try to connect"},
    {.type = OPT_END},
};

/* A mistyped connection string is better found now than at the next start. */
static bool try_connection(Str dsn, Err *err)
{
    ARENA_SCOPE(scratch);
    Db *db;

    if (str_eq(dsn, STR("embedded")) || db_open(&scratch, str_to_z(&scratch, dsn), &db, err))
        return true;
    return err_hint(err, "--unchecked adds it all the same");
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Instance *instance;
    Str name = call->args[0], dsn = call->args[1];

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) ||
        !instance_check_server(instance, name, dsn, err) || (!o->unchecked && !try_connection(dsn, err)) ||
        !instance_add_server(instance, &config_set, name, dsn, err))
        return false;
    out_record(call->out);
    out_field(call->out, "name", OUT_TEXT);
    out_text(call->out, name);
    out_field(call->out, "kind", OUT_TEXT);
    out_z(call->out, str_eq(dsn, STR("embedded")) ? "embedded" : "external");
    out_end(call->out);
    if (presence_pid(instance_path(instance)) != 0)
        out_say(call->out, "it is used from the next start on: strata down && strata up");
    return true;
}

const Cmd cmd_server_add = {
    .name = "server add",
    .args = "NAME embedded|DSN",
    .summary = "add a PostgreSQL server to the instance",
    .description =
        "'embedded' is a private cluster that the instance makes, starts and stops. Anything else is a "
        "connection string as libpq takes it, and is tried. The server is written into strata.ini.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata server add second embedded\n"
                "strata server add big \\\n"
                "    'host=db.example dbname=mas user=strata'\n",
    .run = run,
};
