/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "cli/token.h"

typedef struct Opts {
    int role;
    Str name, uid, groups, expires;
} Opts;

static const char *const roles[] = {"", "reader", "writer", "admin", NULL}; /* as Role has them */

static const Opt opts[] = {
    {OPT_ENUM, "role", 'r', offsetof(Opts, role), "ROLE", "what it may do; must be given", .values = roles},
    {OPT_TEXT, "name", 'n', offsetof(Opts, name), "NAME", "what it is called in lists and logs"},
    {OPT_TEXT, "uid", 0, offsetof(Opts, uid), "N", "show of the catalogue what this user may read"},
    {OPT_TEXT, "groups", 0, offsetof(Opts, groups), "N,N", "and who is in these groups; with --uid"},
    {OPT_TEXT, "expires", 0, offsetof(Opts, expires), "WHEN", "a time, or how long it is good for: 90d"},
    {.type = OPT_END},
};

static bool parse_id(const char *name, Str text, unsigned *out, Err *err)
{
    uint64_t number;

    if (!str_to_uint64(text, &number) || number >= UINT32_MAX)
        return err_set(err, ERR_USAGE, "--%s: '%.*s' is not a number of a user or group", name,
                       STR_ARG(text));
    *out = (unsigned)number;
    return true;
}

static bool parse_groups(const Call *call, Str text, User *user, Err *err)
{
    gid_t *groups = arena_new(call->arena, gid_t, TOKEN_GROUPS_MAX);

    for (Str one; text.len;) {
        text = str_cut(text, ',', &one);
        if (user->group_count == TOKEN_GROUPS_MAX)
            return err_set(err, ERR_USAGE, "--groups: there are more than %d", TOKEN_GROUPS_MAX);
        if (!parse_id("groups", one, &groups[user->group_count++], err))
            return false;
    }
    user->groups = groups;
    return true;
}

static bool parse_expires(Str text, Instant *out, Err *err)
{
    Duration duration;

    if (time_parse_duration(text, &duration))
        *out = time_now() + duration;
    else if (!time_parse(text, out)) {
        (void)err_set(err, ERR_USAGE, "--expires: '%.*s' is neither a time nor a duration", STR_ARG(text));
        return err_hint(err, "for example 2026-12-31, or 90d for 90 days from now");
    }
    return *out > time_now() || err_set(err, ERR_USAGE, "--expires: '%.*s' is over", STR_ARG(text));
}

static bool parse(const Call *call, TokenLine *out, Err *err)
{
    const Opts *o = call->opts;
    User *user = &out->user;

    if (o->role == 0) {
        (void)err_set(err, ERR_USAGE, "a token needs a role");
        return err_hint(err, "--role reader, writer or admin");
    }
    if (o->groups.len && !o->uid.ptr)
        return err_set(err, ERR_USAGE, "--groups needs --uid");
    user->role = (Role)o->role;
    user->name = o->name.ptr ? o->name : STR("");
    user->filtered = o->uid.ptr != NULL;
    return (!o->name.ptr || o->name.len || err_set(err, ERR_USAGE, "--name is empty")) &&
           (!user->filtered || parse_id("uid", o->uid, &user->uid, err)) &&
           (!o->groups.len || parse_groups(call, o->groups, user, err)) &&
           (!o->expires.ptr || parse_expires(o->expires, &out->expires, err));
}

static bool run(const Call *call, Err *err)
{
    TokenLine line = {0};
    const char *path;
    Str token;

    if (!parse(call, &line, err) || !token_path(call, &path, err))
        return false;
    bool first = access(path, F_OK) < 0;
    if (!token_store_add(path, &line, call->arena, &token, err))
        return false;
    out_record(call->out);
    out_field(call->out, "token", OUT_TEXT);
    out_text(call->out, token);
    token_put(call->out, &line, true);
    out_field(call->out, "file", OUT_TEXT);
    out_z(call->out, path);
    out_end(call->out);
    out_say(call->out, "this is the only time that the token is shown");
    if (first)
        out_say(call->out, "it is the first one: from now on the service asks everybody for a token");
    return true;
}

const Cmd cmd_token_create = {
    .name = "token create",
    .summary = "make a token for the HTTP service",
    .description =
        "A reader may ask, a writer may change what the catalogue holds as well, an admin may do everything. "
        "Whoever has the token sends the header 'Authorization: Bearer TOKEN'. The file of tokens ([http] tokens) "
        "has only its hash. A running service knows the token within a second.\n\n"
        "With --uid, answers are limited to what this user, and who is in --groups, may read on the file system. "
        "As soon as there is one token, the service asks everybody for one; only the page at /, /healthz, /readyz and /openapi.json go without.",
    .opts = opts,
    CMD_OPTS(Opts, .role = 0),
    .examples = "strata token create --role admin --name ann\n"
                "# for 90 days, and only what user 1000 may read\n"
                "strata token create --role reader --uid 1000 \\\n"
                "    --groups 100,200 --expires 90d\n"
                "url=$(cat \"$STRATA_DIR/run/http.url\")\n"
                "curl -H \"Authorization: Bearer $token\" \\\n"
                "    \"$url/api/v1/catalog\"\n",
    .run = run,
};
