/* SPDX-License-Identifier: Apache-2.0 */
/* config -- strata.ini of the instance that a command is for */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "base/conf.h"
#include "cli/cmd.h"
#include "serve/sections.h"

/* DIR/strata.ini of the call's instance; NUL terminated. */
Str config_path(const Call *call);

/* Read it. As conf_load(): ERR_CONFIG, ERR_IO, ERR_LIMIT; all defaults where there is no file. */
bool config_load(const Call *call, Conf **out, Err *err) ATTR_MUST_USE;

#endif
