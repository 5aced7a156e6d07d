/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/catalog_view.h"

static const Opt opts[] = {
    CATALOG_VIEW_OPTS, CATALOG_VIEW_TYPE("only the record of this type"), {.type = OPT_END}};

static bool run(const Call *call, Err *err)
{
    return catalog_view_typed(call, &list_records, list_metadata, err);
}

const Cmd cmd_catalog_meta = {
    .name = "catalog meta",
    .args = "SHARD PATH",
    .summary = "print the records of a path",
    .opts = opts,
    CMD_OPTS(CatalogViewOpts, 0),
    .examples = "strata catalog meta usr /usr/bin/ls --type posix\n",
    .run = run,
};
