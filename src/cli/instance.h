/* SPDX-License-Identifier: Apache-2.0 */
/* instance -- which directory a command means */
#ifndef CLI_INSTANCE_H
#define CLI_INSTANCE_H

#include "base/str.h"

/*
 * The instance: `given` (-C) when it is not empty, else $STRATA_DIR, else /var/lib/strata for root and
 * ~/.local/share/strata for others. Absolute, NUL terminated; whether it exists is not looked at.
 *
 * ERR_USAGE  none is given and there is no home directory, or the current directory cannot be named
 */
bool instance_dir(Str given, Arena *arena, Str *out, Err *err) ATTR_MUST_USE;

#endif
