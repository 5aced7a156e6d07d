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
    [STAC_RECORD] = {"record", LIST_JSON},
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

/* PostgreSQL has no year 0, with which clients say that an interval is open. */
static const Instant *from_year_one(const Instant *at, Instant *out)
{
    static const Instant year_one = -SECONDS(62135596800);

    if (!at || *at >= year_one)
        return at;
    *out = year_one;
    return out;
}

/* The items of these keys, with commas between; *next is the last one's key when there are more than `limit`. */
static bool show(const Access *access, Str keys, ListSink *sink, Err *err)
{
    enum { KEY = 36 };
    int64_t limit = sink->limit;
    size_t page = (size_t)limit * (KEY + 1) - 1; /* bytes */
    bool more = limit > 0 && keys.len > page;

    if (more)
        keys.len = page;
    sink->limit = 0;
    bool ok =
        list_run(access->db, &sql_stac_items,
                 DB_ARGS(DB_TEXT(str_printf(access->arena, "{%.*s}", STR_ARG(keys)))), &stac_item, sink, err);
    sink->limit = limit;
    sink->next = more ? str_sub(keys, page - KEY, page) : (Str){0};
    return ok;
}

bool stac_items(const Access *access, const StacQuery *query, ListSink *sink, Err *err)
{
    TX_SCOPE(access->db);
    StacQuery asked = *query;
    int64_t want = sink->limit ? sink->limit + 1 : 0;
    const FindBox *box = query->box;
    Instant since, until;
    Str after = {0}, keys;

    if (!check(query, err) || (sink->after.len && !list_key_uuid(sink->after, 0, NULL, &after, err)))
        return false;
    asked.since = from_year_one(query->since, &since);
    asked.until = from_year_one(query->until, &until);
    if (box)
        asked.place = (StacPlace){.boxes = {{box->west, box->south, box->east, box->north}}, .count = 1};
    return db_begin(access->db, err) && db_run(access->db, &sql_stac_plan, DB_NO_ARGS, NULL, err) &&
           stac_find(access, &asked, after, want, &keys, err) && show(access, keys, sink, err) &&
           db_commit(access->db, err);
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

/* "west south east north ...", at most STAC_BOXES_MAX boxes. */
static void read_boxes(Str text, StacPlace *out)
{
    double *edges = &out->boxes[0].west;

    for (size_t i = 0; text.len && i < (size_t)4 * STAC_BOXES_MAX; i++) {
        Str number;

        text = str_cut(text, ' ', &number);
        if (!str_to_double(number, &edges[i]))
            return;
        out->count = (int)(i + 1) / 4;
    }
}

bool stac_shape(Arena *arena, Db *db, Str geojson, StacQuery *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_stac_shape, DB_ARGS(DB_TEXT(geojson)), &rows, err)) {
        /* PostGIS raises internal_error for what is no GeoJSON. */
        if (strcmp(err->sqlstate, "XX000") != 0 && strncmp(err->sqlstate, "22", 2) != 0)
            return false;
        return err_set(err, ERR_USAGE, "'intersects' is not a GeoJSON geometry");
    }
    if (db_count(rows) == 0)
        return err_set(err, ERR_USAGE,
                       "'intersects' is empty, leaves the Earth, or has a ring that does not close");
    out->shape = str_copy(arena, db_text(rows, 0, 0));
    read_boxes(db_text(rows, 0, 1), &out->place);
    return true;
}
