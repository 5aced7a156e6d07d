/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dsn.h"

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
    DsnFound found;

    if (!dsn_find(call, &(DsnWish){call->args[0], o->database, o->user}, &found, err))
        return false;
    if (call->json) {
        out_record(call->out);
        out_field(call->out, "dsn", OUT_TEXT);
        out_z(call->out, found.text);
        out_end(call->out);
    } else {
        out_raw(call->out, str_printf(call->arena, "%s\n", found.text));
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
