/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/stac.h"

#include <math.h>

#include "catalog_sql.h"

static const ListColumn item_columns[] = {
    [STAC_ID] = {"id", LIST_TEXT},
    [STAC_PATH] = {"path", LIST_TEXT},
    [STAC_PARENT] = {"parent", LIST_TEXT},
    [STAC_SIZE] = {"size", LIST_BYTES},
    [STAC_MTIME] = {"mtime", LIST_TIME},
    [STAC_KIND] = {"kind", LIST_TEXT},
    [STAC_SHA256] = {"sha256", LIST_HEX},
    [STAC_LEARNED] = {"learned", LIST_TIME},
    [STAC_GEOMETRY] = {"geometry", LIST_JSON},
    [STAC_WEST] = {"west", LIST_NUMBER},
    [STAC_SOUTH] = {"south", LIST_NUMBER},
    [STAC_EAST] = {"east", LIST_NUMBER},
    [STAC_NORTH] = {"north", LIST_NUMBER},
    [STAC_FIRST] = {"first", LIST_TIME},
    [STAC_LAST] = {"last", LIST_TIME},
    [STAC_VARIABLES] = {"variables", LIST_JSON},
    [STAC_SRID] = {"srid", LIST_INT},
    [STAC_TRANSFORM] = {"transform", LIST_JSON},
    [STAC_SHAPE] = {"shape", LIST_JSON},
};
const ListShape stac_item = {"StacItem", item_columns, COUNT_OF(item_columns)};

static const ListColumn collection_columns[] = {
    [STAC_COLLECTION_ID] = {"id", LIST_TEXT},
    [STAC_COLLECTION_PATH] = {"path", LIST_TEXT},
    [STAC_COLLECTION_WEST] = {"west", LIST_NUMBER},
    [STAC_COLLECTION_SOUTH] = {"south", LIST_NUMBER},
    [STAC_COLLECTION_EAST] = {"east", LIST_NUMBER},
    [STAC_COLLECTION_NORTH] = {"north", LIST_NUMBER},
    [STAC_COLLECTION_FIRST] = {"first", LIST_TIME},
    [STAC_COLLECTION_LAST] = {"last", LIST_TIME},
    [STAC_COLLECTION_VARIABLES] = {"variables", LIST_JSON},
};
const ListShape stac_collection = {"StacCollection", collection_columns, COUNT_OF(collection_columns)};

bool stac_is_key(Str text)
{
    Str uuid;
    Err ignored = {0};

    return list_key_uuid(text, 0, NULL, &uuid, &ignored);
}

/* An array of uuids as PostgreSQL reads it; texts that are none are left out. */
static DbArg keys_arg(Arena *arena, const Str *keys, size_t count)
{
    BUF_SCOPE(list);

    if (!keys)
        return DB_NULL;
    buf_put_byte(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (!stac_is_key(keys[i]))
            continue;
        if (list.len > 1)
            buf_put_byte(&list, ',');
        buf_put(&list, keys[i]);
    }
    buf_put_byte(&list, '}');
    return DB_TEXT(str_copy(arena, buf_str(&list)));
}

static DbArg time_arg(Arena *arena, const Instant *at)
{
    char text[TIME_TEXT_MAX];

    return at ? DB_TEXT(str_copy(arena, time_format(*at, text))) : DB_NULL;
}

static bool check(const StacQuery *query, Err *err)
{
    const FindBox *box = query->box;

    if (box && !(fabs(box->west) <= 180 && fabs(box->east) <= 180 && fabs(box->south) <= 90 &&
                 fabs(box->north) <= 90 && box->south <= box->north))
        return err_set(err, ERR_USAGE, "%g,%g,%g,%g is no box of longitude and latitude", box->west,
                       box->south, box->east, box->north);
    if (query->since && query->until && *query->since > *query->until)
        return err_set(err, ERR_USAGE, "the interval ends before it starts");
    return true;
}

bool stac_items(const Access *access, const StacQuery *query, ListSink *sink, Err *err)
{
    Arena *arena = access->arena;
    const FindBox *box = query->box;
    bool more = sink->after.len > 0;
    Str after = {0};

    if (!check(query, err) || (more && !list_key_uuid(sink->after, 0, NULL, &after, err)))
        return false;
    return list_run(access->db, &sql_stac_items,
                    DB_ARGS(keys_arg(arena, query->ids, query->id_count),
                            keys_arg(arena, query->dirs, query->dir_count),
                            box ? DB_DOUBLE(box->west) : DB_NULL, box ? DB_DOUBLE(box->south) : DB_NULL,
                            box ? DB_DOUBLE(box->east) : DB_NULL, box ? DB_DOUBLE(box->north) : DB_NULL,
                            DB_TEXT_IF(query->shape.len > 0, query->shape), time_arg(arena, query->since),
                            time_arg(arena, query->until), access->uid, access->groups,
                            DB_TEXT_IF(more, after), list_count(sink)),
                    &stac_item, sink, err);
}

bool stac_collections(const Access *access, Str only, bool whole, ListSink *sink, Err *err)
{
    bool more = sink->after.len > 0;
    Str after = {0};

    if (more && !list_key_uuid(sink->after, 0, NULL, &after, err))
        return false;
    return list_run(access->db, &sql_stac_directories,
                    DB_ARGS(DB_TEXT_IF(only.len > 0, only), DB_BOOL(whole), access->uid, access->groups,
                            DB_TEXT_IF(more, after), list_count(sink)),
                    &stac_collection, sink, err);
}

bool stac_shape(Arena *arena, Db *db, Str geojson, Str *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_stac_shape, DB_ARGS(DB_TEXT(geojson)), &rows, err)) {
        /* PostGIS raises internal_error for what is no GeoJSON. */
        if (strcmp(err->sqlstate, "XX000") != 0 && strncmp(err->sqlstate, "22", 2) != 0)
            return false;
        return err_set(err, ERR_USAGE, "'intersects' is not a GeoJSON geometry");
    }
    if (db_count(rows) == 0 || db_is_null(rows, 0, 0))
        return err_set(err, ERR_USAGE, "'intersects' is not a GeoJSON geometry");
    *out = str_copy(arena, db_text(rows, 0, 0));
    return true;
}
