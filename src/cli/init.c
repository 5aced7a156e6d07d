/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>

#include "cli/config.h"
#include "cli/instance.h"
#include "serve/instance.h"

static bool run(const Call *call, Err *err)
{
    char real[PATH_MAX];
    Str dir = call->dir;

    if (call->args_count > 0 && !instance_dir(call->args[0], call->arena, &dir, err))
        return false;
    if (!instance_make(dir.ptr, &config_set, err))
        return false;
    out_record(call->out);
    out_field(call->out, "dir", OUT_TEXT);
    out_z(call->out, realpath(dir.ptr, real) ? real : dir.ptr);
    out_end(call->out);
    out_say(call->out, "start it with: strata -C '%s' up", dir.ptr);
    return true;
}

const Cmd cmd_init = {
    .name = "init",
    .args = "[DIR]",
    .summary = "make an instance",
    .description =
        "An instance is a directory that holds everything: the configuration strata.ini, keys, logs, and private "
        "PostgreSQL clusters. This makes one with an embedded server called 'local'. Without DIR it is the instance "
        "that -C, STRATA_DIR or the default names.\n\n"
        "PostgreSQL refuses to run as root; as root its programs run as the user 'postgres', which must be able to "
        "enter the directory.",
    .examples = "strata init\n"
                "strata init /srv/strata\n",
    .run = run,
};
