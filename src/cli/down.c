/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "serve/daemon.h"
#include "serve/presence.h"

static bool run(const Call *call, Err *err)
{
    Instance *instance;

    if (!instance_open(call->arena, call->dir.ptr, &config_set, &instance, err))
        return false;
    bool was_up = presence_pid(instance_path(instance)) != 0;
    if (!daemon_stop(instance, err))
        return false;
    out_record(call->out);
    out_field(call->out, "dir", OUT_TEXT);
    out_z(call->out, instance_path(instance));
    out_field(call->out, "was_up", OUT_BOOL);
    out_bool(call->out, was_up);
    out_end(call->out);
    return true;
}

const Cmd cmd_down = {
    .name = "down",
    .summary = "stop the instance",
    .description =
        "Requests that are being answered are finished, then the embedded servers stop. An instance that "
        "is down stays as it is.",
    .examples = "strata down\n",
    .run = run,
};
