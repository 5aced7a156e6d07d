/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/daemon.h"
#include "serve/presence.h"

typedef struct Opts {
    bool foreground;
} Opts;

static const Opt opts[] = {
    {OPT_FLAG, "foreground", 'f', offsetof(Opts, foreground), NULL,
     "stay, log to standard error, stop at Ctrl-C"},
    {.type = OPT_END},
};

typedef struct Up {
    const Call *call;
    const Instance *instance;
} Up;

static bool print(const Up *up, bool already, Err *err)
{
    Out *out = up->call->out;
    const char *dir = instance_path(up->instance);
    Err ignored;
    Str url = {0};

    (void)!presence_get(dir, "http.url", up->call->arena, &url, &ignored);
    out_record(out);
    out_field(out, "dir", OUT_TEXT);
    out_z(out, dir);
    out_field(out, "pid", OUT_INT);
    out_int(out, presence_pid(dir));
    out_field(out, "url", OUT_TEXT);
    out_text(out, str_trim(url));
    out_field(out, "already_up", OUT_BOOL);
    out_bool(out, already);
    out_end(out);
    return out_flush(out, err);
}

static bool print_ready(void *ctx, Err *err)
{
    return print(ctx, false, err);
}

/* Somebody else is starting it at the same time: it has the lock before it can say who it is. */
static bool wait_for_other(const char *dir)
{
    enum { TRIES = 100 };

    for (int i = 0; i < TRIES; i++) {
        if (presence_pid(dir) != 0)
            return true;
        time_sleep(MILLISECONDS(50));
    }
    return false;
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    Up up = {.call = call};
    Instance *instance;
    bool ok;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    up.instance = instance;
    if (presence_pid(instance_path(instance)) != 0)
        return print(&up, true, err);
    if (o->foreground)
        ok = daemon_run(instance, &config_set, print_ready, &up, err);
    else
        ok = daemon_start(instance, &config_set, err) && print(&up, false, err);
    if (ok || err->code != ERR_CONFLICT || !wait_for_other(instance_path(instance)))
        return ok;
    *err = (Err){0};
    return print(&up, true, err);
}

const Cmd cmd_up = {
    .name = "up",
    .summary = "start the instance: its servers and its service",
    .description =
        "Starts the embedded PostgreSQL servers, the HTTP service and, where [feeds] listen in strata.ini names an address, the service "
        "of feeds to peers (strata feed serve), and returns when they answer. What a crash or "
        "a kill left behind is recovered. An instance that is up stays as it is.\n\n"
        "The address of the service is printed, and is in DIR/run/http.url while it is up. Logs are in DIR/log.",
    .opts = opts,
    CMD_OPTS(Opts, 0),
    .examples = "strata up\n"
                "strata -C /srv/strata up --foreground\n",
    .run = run,
};
