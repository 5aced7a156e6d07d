/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stac_write -- STAC objects as JSON: catalogs, collections, items, and the links between them
 *
 * A collection's name is its shard's, or SHARD-KEY for a directory, KEY that of the directory's path. An item's is the
 * key of its file's path.
 */
#ifndef SERVE_STAC_WRITE_H
#define SERVE_STAC_WRITE_H

#include "catalog/stac.h"
#include "http/reply.h"

/* "http://host:port/stac", as the client sees it. */
Str stac_base(const Request *request);

/* One link; `type` may be NULL. `to` is what comes behind the base. */
void stac_put_link(JsonOut *out, Str base, const char *rel, const char *type, Str to);

/* A collection's name; `key` empty: the shard's own. */
Str stac_collection_name(Arena *arena, Str shard, Str key);

/* Take a name apart. False when it cannot be one. */
bool stac_collection_parse(Str name, Str *out_shard, Str *out_key);

void stac_put_catalog(JsonOut *out, Arena *arena, Str base, const Str *shards, size_t count);
void stac_put_conformance(JsonOut *out); /* the array */
void stac_put_collection(JsonOut *out, Arena *arena, Str base, const Access *access, const ListCell *cells);
void stac_put_item(JsonOut *out, Arena *arena, Str base, Str collection, const ListCell *cells);

#endif
