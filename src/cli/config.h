/* SPDX-License-Identifier: Apache-2.0 */
/* config -- the sections of strata.ini, from the tables of all parts, and the file of an instance */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "base/conf.h"
#include "cli/cmd.h"

/* Every section there is; a part's goes into the list in config.c. */
extern const ConfSet config_set;

/* DIR/strata.ini of the call's instance; NUL terminated. */
Str config_path(const Call *call);

/* Read it. As conf_load(): ERR_CONFIG, ERR_IO, ERR_LIMIT; all defaults where there is no file. */
bool config_load(const Call *call, Conf **out, Err *err) ATTR_MUST_USE;

#endif
