/* SPDX-License-Identifier: Apache-2.0 */
/* stac_routes -- /stac: the catalogue as a STAC API 1.0 (core, collections, features, item search) */
#ifndef SERVE_STAC_ROUTES_H
#define SERVE_STAC_ROUTES_H

#include "http/server.h"
#include "serve/catalog_listing.h"

/* `service` and `arena` must outlive the server. ERR_BUG: a table is wrong. */
bool stac_routes_mount(Server *server, CatalogService *service, Arena *arena, Err *err) ATTR_MUST_USE;

#endif
