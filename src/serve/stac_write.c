/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/stac_write.h"

#include "base/jsonread.h"

#define JSON_TYPE    "application/json"
#define GEOJSON_TYPE "application/geo+json"

static const char *const conformance[] = {
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
};

/* ---- names and links ---- */

Str stac_base(const Request *request)
{
    Str host = request_header(request, "Host"), scheme = request_header(request, "X-Forwarded-Proto");

    return str_printf(request->arena, "%s://%.*s/stac", str_eq_z(scheme, "https") ? "https" : "http",
                      STR_ARG(host));
}

void stac_put_link(JsonOut *out, Str base, const char *rel, const char *type, Str to)
{
    BUF_SCOPE(href);

    buf_put(&href, base);
    buf_put(&href, to);
    json_begin(out, '{');
    json_key(out, "rel");
    json_z(out, rel);
    if (type) {
        json_key(out, "type");
        json_z(out, type);
    }
    json_key(out, "href");
    json_str(out, buf_str(&href));
    json_end(out, '}');
}

Str stac_collection_name(Arena *arena, Str shard, Str key)
{
    return key.len ? str_printf(arena, "%.*s-%.*s", STR_ARG(shard), STR_ARG(key)) : shard;
}

bool stac_collection_parse(Str name, Str *out_shard, Str *out_key)
{
    *out_key = str_cut(name, '-', out_shard);
    return out_shard->len > 0 && (out_shard->len == name.len || stac_is_key(*out_key));
}

static void put_pair(JsonOut *out, const char *key, Str value)
{
    json_key(out, key);
    json_str(out, value);
}

/* ---- catalog ---- */

void stac_put_conformance(JsonOut *out)
{
    json_begin(out, '[');
    for (size_t i = 0; i < COUNT_OF(conformance); i++)
        json_z(out, conformance[i]);
    json_end(out, ']');
}

static void put_search_link(JsonOut *out, Str base, const char *method)
{
    BUF_SCOPE(href);

    buf_put(&href, base);
    buf_put_z(&href, "/search");
    json_begin(out, '{');
    put_pair(out, "rel", STR("search"));
    put_pair(out, "type", STR(GEOJSON_TYPE));
    put_pair(out, "href", buf_str(&href));
    put_pair(out, "method", str_from_z(method));
    json_end(out, '}');
}

void stac_put_catalog(JsonOut *out, Arena *arena, Str base, const Str *shards, size_t count)
{
    json_begin(out, '{');
    put_pair(out, "type", STR("Catalog"));
    put_pair(out, "stac_version", STR("1.0.0"));
    put_pair(out, "id", STR("strata"));
    put_pair(out, "title", STR("Strata catalogue"));
    put_pair(out, "description", STR("Files with a place on Earth in the shards of this catalogue."));
    json_key(out, "conformsTo");
    stac_put_conformance(out);
    json_key(out, "links");
    json_begin(out, '[');
    stac_put_link(out, base, "self", JSON_TYPE, (Str){0});
    stac_put_link(out, base, "root", JSON_TYPE, (Str){0});
    stac_put_link(out, base, "conformance", JSON_TYPE, STR("/conformance"));
    stac_put_link(out, base, "data", JSON_TYPE, STR("/collections"));
    put_search_link(out, base, "GET");
    put_search_link(out, base, "POST");
    stac_put_link(out, base, "service-desc", OPENAPI_TYPE, STR("/api"));
    for (size_t i = 0; i < count; i++)
        stac_put_link(out, base, "child", JSON_TYPE,
                      str_printf(arena, "/collections/%.*s", STR_ARG(shards[i])));
    json_end(out, ']');
    json_end(out, '}');
}

/* ---- collections ---- */

static void put_time(JsonOut *out, const ListCell *cell)
{
    char text[TIME_TEXT_MAX];

    if (cell->null)
        json_null(out);
    else
        json_str(out, time_format(cell->number, text));
}

/* The whole world and all times where nothing is known. */
static void put_extent(JsonOut *out, const ListCell *cells)
{
    static const double world[] = {-180, -90, 180, 90};

    json_begin(out, '{');
    json_key(out, "spatial");
    json_begin(out, '{');
    json_key(out, "bbox");
    json_begin(out, '[');
    json_begin(out, '[');
    for (int i = 0; i < 4; i++) {
        const ListCell *edge = &cells[STAC_COLLECTION_WEST + i];
        json_double(out, edge->null ? world[i] : edge->real);
    }
    json_end(out, ']');
    json_end(out, ']');
    json_end(out, '}');
    json_key(out, "temporal");
    json_begin(out, '{');
    json_key(out, "interval");
    json_begin(out, '[');
    json_begin(out, '[');
    put_time(out, &cells[STAC_COLLECTION_FIRST]);
    put_time(out, &cells[STAC_COLLECTION_LAST]);
    json_end(out, ']');
    json_end(out, ']');
    json_end(out, '}');
    json_end(out, '}');
}

void stac_put_collection(JsonOut *out, Arena *arena, Str base, const Access *access, const ListCell *cells)
{
    bool whole = cells[STAC_COLLECTION_ID].null;
    Str path = whole ? access->root : cells[STAC_COLLECTION_PATH].text;
    Str name = stac_collection_name(arena, access->shard, cells[STAC_COLLECTION_ID].text);
    Str self = str_printf(arena, "/collections/%.*s", STR_ARG(name));

    json_begin(out, '{');
    put_pair(out, "type", STR("Collection"));
    put_pair(out, "stac_version", STR("1.0.0"));
    put_pair(out, "id", name);
    put_pair(out, "title", path);
    put_pair(out, "description",
             str_printf(arena,
                        whole ? "Files with a place on Earth in shard %.*s, %.*s."
                              : "Files with a place on Earth directly in the directory of shard %.*s, %.*s.",
                        STR_ARG(access->shard), STR_ARG(path)));
    put_pair(out, "license", STR("proprietary"));
    json_key(out, "extent");
    put_extent(out, cells);
    json_key(out, "summaries");
    json_begin(out, '{');
    json_key(out, "strata:variables");
    json_raw(out, cells[STAC_COLLECTION_VARIABLES].text);
    json_end(out, '}');
    json_key(out, "links");
    json_begin(out, '[');
    stac_put_link(out, base, "self", JSON_TYPE, self);
    stac_put_link(out, base, "root", JSON_TYPE, (Str){0});
    stac_put_link(out, base, "parent", JSON_TYPE, (Str){0});
    stac_put_link(out, base, "items", GEOJSON_TYPE, str_printf(arena, "%.*s/items", STR_ARG(self)));
    json_end(out, ']');
    json_end(out, '}');
}

/* ---- items ---- */

/* A file of one time has it; of several, where they start and end; of none, when it was changed. */
static void put_times(JsonOut *out, const ListCell *cells)
{
    const ListCell *first = &cells[STAC_FIRST], *last = &cells[STAC_LAST];
    const ListCell *changed = cells[STAC_MTIME].null ? &cells[STAC_LEARNED] : &cells[STAC_MTIME];

    json_key(out, "datetime");
    if (first->null) {
        put_time(out, changed);
        return;
    }
    if (first->number == last->number) {
        put_time(out, first);
        return;
    }
    json_null(out);
    json_key(out, "start_datetime");
    put_time(out, first);
    json_key(out, "end_datetime");
    put_time(out, last);
}

/* What the record says of the grid of its first dataset; what is no number is not there. */
typedef struct Grid {
    JsonValue transform[6]; /* GDAL's x0 dx rx y0 ry dy */
    size_t terms;
    JsonValue columns, rows;
} Grid;

static void read_transform(JsonIn *in, Grid *out)
{
    JsonValue value;

    out->terms = 0;
    for (bool more = json_enter(in, '['); more && json_element_next(in);) {
        if (!json_value(in, &value))
            return;
        if (value.kind == JSON_NUMBER && out->terms < COUNT_OF(out->transform))
            out->transform[out->terms] = value;
        out->terms++;
    }
}

static void read_dataset(JsonIn *in, Grid *out)
{
    Str key;

    for (bool more = json_enter(in, '{'); more && json_key_next(in, &key);)
        if (str_eq(key, STR("geotransform")))
            read_transform(in, out);
        else if (str_eq(key, STR("x_size")))
            (void)json_value(in, &out->columns);
        else if (str_eq(key, STR("y_size")))
            (void)json_value(in, &out->rows);
        else
            (void)json_skip(in);
}

/* The rest of the record, which may be long, is not looked at. */
static Grid read_grid(Str record)
{
    Grid grid = {0};
    JsonIn in = json_in(record);
    Str key;

    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);) {
        if (!str_eq(key, STR("geo_metadata"))) {
            (void)json_skip(&in);
            continue;
        }
        if (json_enter(&in, '[') && json_element_next(&in))
            read_dataset(&in, &grid);
        break;
    }
    return grid;
}

/* The projection extension has dx rx x0 ry dy y0. */
static void put_grid(JsonOut *out, const Grid *grid)
{
    static const int order[] = {1, 2, 0, 4, 5, 3};
    bool numbers = grid->terms == COUNT_OF(order);

    if (grid->columns.kind == JSON_NUMBER && grid->rows.kind == JSON_NUMBER) {
        json_key(out, "proj:shape");
        json_begin(out, '[');
        json_raw(out, grid->rows.raw);
        json_raw(out, grid->columns.raw);
        json_end(out, ']');
    }
    for (size_t i = 0; numbers && i < COUNT_OF(order); i++)
        numbers = grid->transform[i].kind == JSON_NUMBER;
    if (!numbers)
        return;
    json_key(out, "proj:transform");
    json_begin(out, '[');
    for (size_t i = 0; i < COUNT_OF(order); i++)
        json_raw(out, grid->transform[order[i]].raw);
    json_end(out, ']');
}

static void put_properties(JsonOut *out, const ListCell *cells)
{
    json_begin(out, '{');
    put_pair(out, "title", pathname_name(cells[STAC_PATH].text));
    put_times(out, cells);
    if (!cells[STAC_MTIME].null) {
        json_key(out, "updated");
        put_time(out, &cells[STAC_MTIME]);
    }
    json_key(out, "proj:epsg");
    if (cells[STAC_SRID].null)
        json_null(out);
    else
        json_int(out, cells[STAC_SRID].number);
    if (!cells[STAC_RECORD].null) {
        Grid grid = read_grid(cells[STAC_RECORD].text);
        put_grid(out, &grid);
    }
    put_pair(out, "strata:path", cells[STAC_PATH].text);
    json_key(out, "strata:variables");
    json_raw(out, cells[STAC_VARIABLES].text);
    json_end(out, '}');
}

/* The media type by content, or by the name's suffix. */
static Str media_type(const ListCell *cells)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {{".tif", "image/tiff; application=geotiff"},
                 {".tiff", "image/tiff; application=geotiff"},
                 {".nc", "application/netcdf"},
                 {".h5", "application/x-hdf5"},
                 {".hdf5", "application/x-hdf5"},
                 {".hdf", "application/x-hdf"},
                 {".jp2", "image/jp2"},
                 {".gpkg", "application/geopackage+sqlite3"},
                 {".json", "application/json"},
                 {".geojson", GEOJSON_TYPE}};
    const ListCell *kind = &cells[STAC_KIND];

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_ends(cells[STAC_PATH].text, str_from_z(types[i].suffix)))
            return str_from_z(types[i].type);
    if (!kind->null && memchr(kind->text.ptr, '/', kind->text.len))
        return kind->text;
    return STR("application/octet-stream");
}

/* file:///path, every byte but letters, digits and -._~/ percent-encoded (RFC 8089). */
static void put_file_uri(JsonOut *out, Arena *arena, Str path)
{
    BUF_SCOPE(uri);
    Str raw = pathname_unescape(arena, path);

    buf_put_z(&uri, "file://");
    while (raw.len > 0) {
        Str part;

        raw = str_cut(str_sub(raw, 1, raw.len), '/', &part);
        buf_put_byte(&uri, '/');
        url_encode(&uri, part);
        if (raw.len > 0)
            raw = (Str){raw.ptr - 1, raw.len + 1};
    }
    json_str(out, buf_str(&uri));
}

static void put_asset(JsonOut *out, Arena *arena, const ListCell *cells)
{
    BUF_SCOPE(sum);

    json_begin(out, '{');
    json_key(out, "data");
    json_begin(out, '{');
    json_key(out, "href");
    put_file_uri(out, arena, cells[STAC_PATH].text);
    put_pair(out, "type", media_type(cells));
    put_pair(out, "title", pathname_name(cells[STAC_PATH].text));
    json_key(out, "roles");
    json_raw(out, STR("[\"data\"]"));
    if (!cells[STAC_SIZE].null) {
        json_key(out, "file:size");
        json_int(out, cells[STAC_SIZE].number);
    }
    if (!cells[STAC_SHA256].null) { /* a multihash: 12 is SHA-256, 20 its length */
        buf_put_z(&sum, "1220");
        buf_put_hex(&sum, cells[STAC_SHA256].text.ptr, cells[STAC_SHA256].text.len);
        put_pair(out, "file:checksum", buf_str(&sum));
    }
    json_end(out, '}');
    json_end(out, '}');
}

void stac_put_item(JsonOut *out, Arena *arena, Str base, Str collection, const ListCell *cells)
{
    Str parent = str_printf(arena, "/collections/%.*s", STR_ARG(collection));
    Str self = str_printf(arena, "%.*s/items/%.*s", STR_ARG(parent), STR_ARG(cells[STAC_ID].text));

    json_begin(out, '{');
    put_pair(out, "type", STR("Feature"));
    put_pair(out, "stac_version", STR("1.0.0"));
    json_key(out, "stac_extensions");
    json_raw(out, STR("[\"https://stac-extensions.github.io/projection/v1.1.0/schema.json\","
                      "\"https://stac-extensions.github.io/file/v2.1.0/schema.json\"]"));
    put_pair(out, "id", cells[STAC_ID].text);
    put_pair(out, "collection", collection);
    json_key(out, "geometry");
    json_raw(out, cells[STAC_GEOMETRY].text);
    json_key(out, "bbox");
    json_begin(out, '[');
    for (int i = STAC_WEST; i <= STAC_NORTH; i++)
        json_double(out, cells[i].real);
    json_end(out, ']');
    json_key(out, "properties");
    put_properties(out, cells);
    json_key(out, "assets");
    put_asset(out, arena, cells);
    json_key(out, "links");
    json_begin(out, '[');
    stac_put_link(out, base, "self", GEOJSON_TYPE, self);
    stac_put_link(out, base, "root", JSON_TYPE, (Str){0});
    stac_put_link(out, base, "parent", JSON_TYPE, parent);
    stac_put_link(out, base, "collection", JSON_TYPE, parent);
    json_end(out, ']');
    json_end(out, '}');
}
