/* SPDX-License-Identifier: Apache-2.0 */
/* What the catalogue's answers look like, for /openapi.json: made from the columns of its lists. */
#include "catalog/usage.h"
#include "serve/catalog_routes.h"

static void put_type(JsonOut *out, ListKind kind)
{
    static const struct {
        const char *type, *format;
    } types[] = {
        [LIST_TEXT] = {"string", NULL},      [LIST_INT] = {"integer", "int64"},
        [LIST_BYTES] = {"integer", "int64"}, [LIST_NUMBER] = {"number", NULL},
        [LIST_BOOL] = {"boolean", NULL},     [LIST_TIME] = {"string", "date-time"},
        [LIST_HEX] = {"string", "hex"},      [LIST_JSON] = {NULL, NULL},
    };

    json_begin(out, '{');
    if (types[kind].type) {
        json_key(out, "type");
        json_z(out, types[kind].type);
    }
    if (types[kind].format) {
        json_key(out, "format");
        json_z(out, types[kind].format);
    }
    json_key(out, "nullable");
    json_bool(out, true);
    json_end(out, '}');
}

static void put_properties(JsonOut *out, const ListShape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        json_key(out, shape->columns[i].name);
        put_type(out, shape->columns[i].kind);
    }
}

static const char *object_schema(Arena *arena, const ListShape *shape)
{
    BUF_SCOPE(text);
    JsonOut out = json_out(&text);

    json_begin(&out, '{');
    json_key(&out, "type");
    json_z(&out, "object");
    json_key(&out, "properties");
    json_begin(&out, '{');
    put_properties(&out, shape);
    json_end(&out, '}');
    json_end(&out, '}');
    return str_to_z(arena, buf_str(&text));
}

/* `head`: the columns of one row stand beside the items. */
static const char *list_schema(Arena *arena, const ListShape *shape, bool head)
{
    BUF_SCOPE(text);
    JsonOut out = json_out(&text);

    json_begin(&out, '{');
    json_key(&out, "type");
    json_z(&out, "object");
    json_key(&out, "required");
    json_raw(&out, STR("[\"items\",\"next\"]"));
    json_key(&out, "properties");
    json_begin(&out, '{');
    if (head)
        put_properties(&out, shape);
    json_key(&out, "items");
    json_raw(&out, str_printf(arena, "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}}",
                              shape->name));
    json_key(&out, "next");
    json_raw(&out, STR("{\"type\":\"string\",\"nullable\":true}"));
    json_end(&out, '}');
    json_end(&out, '}');
    return str_to_z(arena, buf_str(&text));
}

void catalog_schemas(Server *server, Arena *arena)
{
    static const struct {
        const ListShape *shape;
        bool listed, head;
    } shapes[] = {
        {&list_entries, true, false},  {&list_facts, false, false},      {&list_records, true, false},
        {&list_troubles, true, false}, {&usage_directories, true, true}, {&list_shard_facts, true, false},
        {&list_branches, true, false}, {&list_news, true, false},        {&usage_owners, true, false},
        {&usage_ages, true, false},    {&usage_copies, true, false},     {&usage_crawls, true, false},
    };
    ServerSchema *schemas = arena_new(arena, ServerSchema, 2 * COUNT_OF(shapes));
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const ListShape *shape = shapes[i].shape;

        schemas[count++] = (ServerSchema){shape->name, object_schema(arena, shape)};
        if (shapes[i].listed)
            schemas[count++] = (ServerSchema){str_printf(arena, "%sList", shape->name).ptr,
                                              list_schema(arena, shape, shapes[i].head)};
    }
    server_schemas(server, schemas, count);
}
