/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stac -- the catalogue as STAC sees it: items are files with geometry, collections shards and directories with datasets
 *
 * An item's time and place are those of all its datasets together; shapes are longitude and latitude, cut at the
 * antimeridian (RFC 7946, 3.1.9). Users see what a walk from the shard's root would find. A collection's extent is of
 * all that is in it.
 *
 * Source: STAC 1.0.0 and STAC API 1.0.0 (stacspec.org).
 */
#ifndef CATALOG_STAC_H
#define CATALOG_STAC_H

#include "catalog/find.h"
#include "catalog/stac_probe.h"

typedef struct StacQuery {
    const Str *ids; /* of items; keys that are none match nothing */
    size_t id_count;
    const Str *dirs; /* keys of directories */
    size_t dir_count;
    const FindBox *box;
    Str shape;       /* EWKB in hexadecimal, as stac_shape() gave it; empty: any */
    StacPlace place; /* of the box or the shape; stac_items() sees to the box's */
    const Instant *since, *until;
} StacQuery;

/* The columns of an item, in order. */
typedef enum StacItemColumn {
    STAC_ID,
    STAC_PATH,
    STAC_PARENT,
    STAC_SIZE,
    STAC_MTIME,
    STAC_KIND,
    STAC_SHA256,
    STAC_LEARNED,
    STAC_GEOMETRY,
    STAC_WEST,
    STAC_SOUTH,
    STAC_EAST,
    STAC_NORTH,
    STAC_FIRST,
    STAC_LAST,
    STAC_VARIABLES,
    STAC_SRID,
    STAC_RECORD, /* of gdal, as it came */
} StacItemColumn;

extern const ListShape stac_item;

/*
 * The keys of up to `want` files (0: all) behind `after`, in order, with commas between: those of which one dataset is at
 * that place at that time. ERR_DB and other errors of db_query().
 */
bool stac_find(const Access *access, const StacQuery *query, Str after, int64_t want, Str *out,
               Err *err) ATTR_MUST_USE;

/* Items in the order of their keys. ERR_USAGE: a key, box or time that is none; otherwise errors of db_query(). */
bool stac_items(const Access *access, const StacQuery *query, ListSink *sink, Err *err) ATTR_MUST_USE;

/* The columns of a collection, in order; a null id is the shard itself. */
typedef enum StacCollectionColumn {
    STAC_COLLECTION_ID,
    STAC_COLLECTION_PATH,
    STAC_COLLECTION_WEST,
    STAC_COLLECTION_SOUTH,
    STAC_COLLECTION_EAST,
    STAC_COLLECTION_NORTH,
    STAC_COLLECTION_FIRST,
    STAC_COLLECTION_LAST,
    STAC_COLLECTION_VARIABLES,
} StacCollectionColumn;

extern const ListShape stac_collection;

/* The shard (when `whole`) and its directories with datasets; `only`: that directory alone, when not empty. ERR_USAGE, ERR_DB. */
bool stac_collections(const Access *access, Str only, bool whole, ListSink *sink, Err *err) ATTR_MUST_USE;

/* A GeoJSON geometry as searches take it: into out->shape and out->place. ERR_USAGE: it is none, or not on Earth. */
bool stac_shape(Arena *arena, Db *db, Str geojson, StacQuery *out, Err *err) ATTR_MUST_USE;

/* Whether a text is the key of something: a uuid in lower case. */
bool stac_is_key(Str text);

#endif
