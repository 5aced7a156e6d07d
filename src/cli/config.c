/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

Str config_path(const Call *call)
{
    return str_printf(call->arena, "%.*s/strata.ini", STR_ARG(call->dir));
}

bool config_load(const Call *call, Conf **out, Err *err)
{
    return conf_load(&config_set, config_path(call).ptr, call->arena, out, err);
}
