/* SPDX-License-Identifier: Apache-2.0 */
/* The operations that list: roots, directories, layers; and the cache of documents. */
#include "base/json.h"
#include "base/jsonread.h"
#include "catalog/mas_shard.h"
#include "catalog_sql.h"

bool mas_place_read(Db *db, const MasShard *shard, MasPlace *place, bool *moved, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_mas_place, DB_ARGS(DB_TEXT(place->path), mas_hash_arg(&place->hash)), &rows, err))
        return false;
    *moved = !str_eq_z(db_text(rows, 0, 0), shard->code);
    place->exists = !db_is_null(rows, 0, 2);
    place->below = db_int(rows, 0, 2);
    place->kept = db_bool(rows, 0, 3);
    place->named = db_bool(rows, 0, 4);
    place->is_root = str_eq(place->path, shard->root);
    return true;
}

DbArg mas_hash_arg(const PathHash *hash)
{
    return DB_BINARY(((Str){(const char *)hash->bytes, sizeof hash->bytes}));
}

/* ---- roots ---- */

/* `["a", "b"]`, as PostgreSQL writes it. */
static void put_separator(Buf *out, bool *first)
{
    if (!*first)
        buf_put(out, STR(", "));
    *first = false;
}

bool mas_list_roots(Mas *mas, const MasOut *out, Err *err)
{
    POOL_SCOPE(lease);
    RESULT_SCOPE(rows);
    bool first = true;

    if (!mas_take(mas, &(MasShard){0}, &lease, err) ||
        !db_query(lease.db, &sql_mas_roots, DB_NO_ARGS, &rows, err))
        return false;
    buf_put(out->body, STR("{\"sub_paths\": ["));
    for (int i = 0; i < db_count(rows); i++) {
        put_separator(out->body, &first);
        json_put_quoted(out->body, db_text(rows, i, 0));
    }
    buf_put(out->body, STR("]}"));
    return true;
}

/* ---- directories ---- */

typedef struct Ask {
    Arena *arena;
    const MasOut *out;
    MasPlace place;
    Str query, value;
} Ask;

static Ask ask_of(Arena *arena, Str path, const MasOut *out)
{
    Ask ask = {.arena = arena, .out = out};

    ask.place.path = mas_path(arena, path);
    ask.place.hash = pathname_hash(ask.place.path);
    return ask;
}

static bool ask_below(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    Ask *ask = ask_v;
    Buf *body = ask->out->body;
    RESULT_SCOPE(rows);
    bool first = true;

    (void)mas;
    if (!mas_place_read(db, shard, &ask->place, moved, err))
        return false;
    if (*moved)
        return true;
    if (!db_query(db, &sql_mas_below, DB_ARGS(mas_hash_arg(&ask->place.hash)), &rows, err))
        return false;
    buf_reset(body);
    buf_put(body, STR("{\"sub_paths\": ["));
    for (int i = 0; i < db_count(rows); i++) {
        put_separator(body, &first);
        json_put_quoted(body, str_printf(ask->arena, "/%.*s", STR_ARG(db_text(rows, i, 0))));
    }
    buf_put(body, STR("], \"gpath_root\": "));
    json_put_quoted(body, shard->root);
    buf_put(body, STR(", \"has_namespaces\": "));
    buf_put(body, ask->place.named ? STR("true}") : STR("false}"));
    return true;
}

/* Outside of all shards the answer is `none`. */
static bool run(Mas *mas, Ask *ask, MasAsk *function, Str none, Err *err)
{
    bool found;

    if (!mas_ask(mas, ask->arena, ask->place.path, function, ask, &found, err))
        return false;
    if (!found)
        buf_put(ask->out->body, none);
    return true;
}

bool mas_list_below(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err)
{
    Ask ask = ask_of(arena, path, out);

    return run(mas, &ask, ask_below, STR("{}"), err);
}

/* ---- layers ---- */

typedef struct Axis {
    struct Axis *next;
    Str name;
    Str *values;
    size_t count;
} Axis;

static void read_values(Arena *arena, Str params, Axis *axis)
{
    JsonIn in = json_in(params);
    JsonValue value;
    size_t most = 1;

    for (size_t i = 0; i < params.len; i++)
        most += params.ptr[i] == ',';
    axis->values = arena_new(arena, Str, most);
    if (!json_enter(&in, '['))
        return;
    while (json_element_next(&in) && json_value(&in, &value) && axis->count < most)
        axis->values[axis->count++] = value.kind == JSON_STRING ? json_text(arena, &value) : value.raw;
}

/* Of axes of one name the one with most values counts. */
static void keep_axis(Arena *arena, Axis **axes, const Axis *axis)
{
    while (*axes && !str_eq((*axes)->name, axis->name))
        axes = &(*axes)->next;
    if (!*axes)
        *axes = arena_new(arena, Axis, 1);
    if (axis->count > (*axes)->count) {
        Axis *next = (*axes)->next;
        **axes = *axis;
        (*axes)->next = next;
    }
}

static void read_axis(Arena *arena, JsonIn *in, Axis **axes)
{
    Axis axis = {0};
    bool listed = false;
    JsonValue value;
    Str key;

    if (!json_enter(in, '{')) {
        (void)json_skip(in);
        return;
    }
    while (json_key_next(in, &key) && json_value(in, &value)) {
        if (str_eq(key, STR("name")) && value.kind == JSON_STRING)
            axis.name = json_text(arena, &value);
        else if (str_eq(key, STR("grid")) && value.kind == JSON_STRING)
            listed = str_eq(value.raw, STR("enum"));
        else if (str_eq(key, STR("params")) && value.kind == JSON_ARRAY)
            read_values(arena, value.raw, &axis);
    }
    if (listed && axis.count > 0)
        keep_axis(arena, axes, &axis);
}

static void read_axes(Arena *arena, Str json, Axis **axes)
{
    JsonIn in = json_in(json);

    if (json.len && json_enter(&in, '['))
        while (json_element_next(&in))
            read_axis(arena, &in, axes);
}

static void put_axes(Buf *body, const Axis *axes)
{
    bool first = true;

    buf_put(body, STR("\"axes\": ["));
    for (const Axis *axis = axes; axis; axis = axis->next) {
        bool first_value = true;

        put_separator(body, &first);
        buf_put(body, STR("{\"name\": "));
        json_put_quoted(body, axis->name);
        buf_put(body, STR(", \"values\": ["));
        for (size_t i = 0; i < axis->count; i++) {
            put_separator(body, &first_value);
            json_put_quoted(body, axis->values[i]);
        }
        buf_put(body, STR("]}"));
    }
    buf_put(body, STR("], "));
}

static void put_layer(Buf *body, Str path, Str name, const Axis *axes)
{
    buf_put_byte(body, '{');
    if (axes)
        put_axes(body, axes);
    buf_put(body, STR("\"name\": "));
    json_put_quoted(body, name);
    buf_put(body, STR(", \"title\": "));
    json_put_quoted(body, name);
    buf_put(body, STR(", \"data_source\": "));
    json_put_quoted(body, path);
    buf_put(body, STR(", \"rgb_products\": ["));
    json_put_quoted(body, name);
    buf_put(body, STR("], \"time_generator\": \"mas\"}"));
}

static bool ask_layers(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    Ask *ask = ask_v;
    RESULT_SCOPE(rows);
    bool first = true;

    (void)mas;
    if (!mas_place_read(db, shard, &ask->place, moved, err))
        return false;
    if (*moved)
        return true;
    if (!db_query(db, &sql_mas_layers, DB_ARGS(mas_hash_arg(&ask->place.hash)), &rows, err))
        return false;
    buf_reset(ask->out->body);
    buf_put(ask->out->body, STR("{\"layers\": ["));
    for (int i = 0, count = db_count(rows); i < count;) {
        Str name = db_text(rows, i, 0);
        Axis *axes = NULL;

        for (; i < count && str_eq(name, db_text(rows, i, 0)); i++)
            read_axes(ask->arena, db_text(rows, i, 1), &axes);
        put_separator(ask->out->body, &first);
        put_layer(ask->out->body, ask->place.path, name, axes);
    }
    buf_put(ask->out->body, STR("]}"));
    return true;
}

bool mas_layers(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err)
{
    Ask ask = ask_of(arena, path, out);

    return run(mas, &ask, ask_layers, STR("{}"), err);
}

/* ---- documents ---- */

static bool ask_cached(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    Ask *ask = ask_v;
    RESULT_SCOPE(rows);

    (void)mas;
    if (!mas_place_read(db, shard, &ask->place, moved, err))
        return false;
    if (*moved)
        return true;
    if (!db_query(db, &sql_mas_cache_get, DB_ARGS(DB_TEXT(ask->query)), &rows, err))
        return false;
    buf_reset(ask->out->body);
    buf_put(ask->out->body, STR("{\"value\": "));
    buf_put(ask->out->body, db_count(rows) && !db_is_null(rows, 0, 0) ? db_text(rows, 0, 0) : STR("null"));
    buf_put_byte(ask->out->body, '}');
    return true;
}

bool mas_cache_get(Mas *mas, Arena *arena, Str path, Str query, const MasOut *out, Err *err)
{
    Ask ask = ask_of(arena, path, out);

    ask.query = query;
    return run(mas, &ask, ask_cached, STR("{\"value\": null}"), err);
}

static bool ask_to_keep(Mas *mas, Db *db, const MasShard *shard, void *ask_v, bool *moved, Err *err)
{
    const Ask *ask = ask_v;
    POOL_SCOPE(lease);

    (void)db, (void)moved;
    return mas_take_writer(mas, shard, &lease, err) &&
           db_run(lease.db, &sql_mas_cache_put, DB_ARGS(DB_TEXT(ask->query), DB_TEXT(ask->value)), NULL, err);
}

bool mas_cache_put(Mas *mas, Arena *arena, Str path, Str query, Str value, Err *err)
{
    Ask ask = ask_of(arena, path, NULL);
    bool found;

    ask.query = query;
    ask.value = value;
    if (!mas_ask(mas, arena, ask.place.path, ask_to_keep, &ask, &found, err))
        return false;
    return found || err_set(err, ERR_USAGE, "pq: invalid search path");
}
