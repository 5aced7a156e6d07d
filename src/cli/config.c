/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

#include "base/log.h"
#include "feed/peers.h"
#include "serve/sections.h"

static const ConfSection *const sections[] = {
    &server_section, &database_section, &postgresql_section, &catalog_section, &dataset_section,
    &http_section,   &keys_section,     &peers_conf,         &log_conf,
};

const ConfSet config_set = {sections, COUNT_OF(sections)};

Str config_path(const Call *call)
{
    return str_printf(call->arena, "%.*s/strata.ini", STR_ARG(call->dir));
}

bool config_load(const Call *call, Conf **out, Err *err)
{
    return conf_load(&config_set, config_path(call).ptr, call->arena, out, err);
}
