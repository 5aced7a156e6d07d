/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: its schema is brought up to this program before anybody asks; then it answers over HTTP. */
#include "catalog/catalog.h"
#include "serve/catalog_routes.h"
#include "serve/part.h"
#include "serve/stac_routes.h"

static bool start(Daemon *daemon, Err *err)
{
    POOL_SCOPE(lease);

    if (pool_take(daemon_pool(daemon, INSTANCE_OWNER), &(PoolWish){0}, &lease, err) &&
        catalog_migrate(lease.db, err))
        return true;
    return err_wrap(err, "cannot prepare the catalogue");
}

static bool mount(Daemon *daemon, Server *http, Err *err)
{
    CatalogService *service = arena_new(daemon_arena(daemon), CatalogService, 1);

    service->pool = daemon_pool(daemon, INSTANCE_READER);
    return catalog_routes_mount(http, service, daemon_arena(daemon), err) &&
           stac_routes_mount(http, service, daemon_arena(daemon), err);
}

const ServePart part_catalog = {.name = "catalog", .start = start, .mount = mount};
