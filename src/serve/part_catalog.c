/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: its schema is brought up to this program before anybody asks. */
#include "catalog/catalog.h"

#include "serve/part.h"

static bool start(Daemon *daemon, Err *err)
{
    POOL_SCOPE(lease);

    if (!pool_take(daemon_pool(daemon, INSTANCE_OWNER), &(PoolWish){0}, &lease, err))
        return false;
    return catalog_migrate(lease.db, err) || err_wrap(err, "cannot prepare the catalogue");
}

const ServePart part_catalog = {
    .name = "catalog",
    .start = start,
};
