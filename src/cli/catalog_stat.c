/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

static bool run(const Call *call, Err *err)
{
    return catalog_view_one(call, list_stat, err);
}

const Cmd cmd_catalog_stat = {
    .name = "catalog stat",
    .args = "SHARD PATH",
    .summary = "print all that is known about a path",
    .examples = "strata catalog stat usr /usr/bin/env\n",
    .run = run,
};
