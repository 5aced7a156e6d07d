/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_routes -- /api/v1/catalog: what people and programs ask the catalogue */
#ifndef SERVE_CATALOG_ROUTES_H
#define SERVE_CATALOG_ROUTES_H

#include "http/server.h"
#include "serve/catalog_listing.h"

/* `service` and `arena` must outlive the server. ERR_BUG: a table is wrong. */
bool catalog_routes_mount(Server *server, CatalogService *service, Arena *arena, Err *err) ATTR_MUST_USE;

/* Publish what the answers look like. */
void catalog_schemas(Server *server, Arena *arena);

/*
 * Read a parameter that is an RFC 3339 time, or a duration that was so long ago; `out` stays as it is where it is not
 * given.
 *
 * ERR_USAGE  it is neither
 */
bool catalog_read_time(const Request *request, const char *name, const Instant **out, Err *err) ATTR_MUST_USE;

/* Of these, /find, and those on usage; in files of their own. ERR_BUG. */
bool catalog_routes_mount_find(Server *server, CatalogService *service, Err *err) ATTR_MUST_USE;

/* ERR_BUG. */
bool catalog_routes_mount_usage(Server *server, CatalogService *service, Err *err) ATTR_MUST_USE;

#endif
