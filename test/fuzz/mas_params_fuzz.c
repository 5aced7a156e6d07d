/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a MAS request can hold, up to the database: operation, path, parameters of query and form, and the mask with the
 * keys under which it would be looked for.
 *
 * Input: GET or POST, a space, a target, a line feed, a form. The functions that ask the database are replaced by ones
 * that look at what they are given. Whatever comes, that is text, or the request is refused in the original's form.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonread.h"
#include "catalog/grid.h"
#include "catalog/mas_shard.h"
#include "http/core.h"
#include "serve/mas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: the fuzzer's name */

static ServerHook mounted;
static GeometryReader *geometry;
static FootprintSystem *degrees;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_text(Str text)
{
    must(str_utf8_prefix(text) == text.len && (!text.len || !memchr(text.ptr, '\0', text.len)));
}

static void must_be_names(Arena *arena, bool given, Str text)
{
    must_be_text(text);
    MasNames names = mas_names(arena, given, text);
    must(names.given == given);
    if (given)
        must(names.list.len >= 2 && names.list.ptr[0] == '{' && str_ends(names.list, STR("}")));
}

static bool answer(const MasOut *out)
{
    buf_put_z(out->body, "{}");
    return true;
}

/* ---- in place of the database ---- */

void server_add_hook(Server *server, const ServerHook *hook)
{
    (void)server;
    mounted = *hook;
}

static void must_be_keys(const MasArea *area, const MasPeriod *period)
{
    ATTR_CLEANUP(mas_probes_release) MasProbes probes = {0};
    static const uint32_t sizes = 1U << 0 | 1U << 5 | 1U << 9 | 1U << (GRID_LEVELS - 1);

    mas_probes_make(&probes, area, period, sizes);
    must(str_ends(buf_str(&probes.counts), STR("}")) && str_ends(buf_str(&probes.runs_at), STR("}")));
}

static void must_be_area(const MasArea *area)
{
    const FootprintBox *around = &area->around;

    if (area->nothing)
        return;
    must(area->box_count > 0 && area->box_count <= AREA_BOXES_MAX && area->ewkb.len > 0);
    must(around->west >= -180 && around->east <= 180 && around->south >= -90 && around->north <= 90);
    must(around->west <= around->east && around->south <= around->north && isfinite(area->edge));
    must_be_keys(area, &(MasPeriod){0});
    must_be_keys(area, &(MasPeriod){true, 0, SECONDS(86400)});
}

bool mas_intersects(Mas *mas, Arena *arena, const MasSearch *search, const MasOut *out, Err *err)
{
    const Str texts[] = {search->srs, search->wkt, search->time, search->until};
    MasAreaSystem system = {.srid = 4326, .system = degrees, .square = true};
    MasArea area;

    (void)mas;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        must_be_text(texts[i]);
    must_be_names(arena, search->has_names, search->names);
    must(isfinite(search->same) && isfinite(search->tolerance));
    must(mas_path(arena, search->path).len > 0);
    if (search->wkt.len == 0 || search->parts < 1 || search->parts > AREA_EDGE_PARTS_MAX)
        return answer(out);
    if (!mas_area_read(geometry, &system, arena, search->wkt, search->parts, search->parts == 1, &area, err))
        return false;
    must_be_area(&area);
    return answer(out);
}

bool mas_timestamps(Mas *mas, Arena *arena, const MasStamps *ask, const MasOut *out, Err *err)
{
    (void)mas, (void)err;
    must_be_text(ask->time);
    must_be_text(ask->until);
    must_be_text(ask->token);
    must_be_names(arena, ask->has_names, ask->names);
    return answer(out);
}

bool mas_extents(Mas *mas, Arena *arena, Str path, bool has_names, Str names, const MasOut *out, Err *err)
{
    (void)mas, (void)err;
    must(mas_path(arena, path).len > 0);
    must_be_names(arena, has_names, names);
    return answer(out);
}

bool mas_list_roots(Mas *mas, const MasOut *out, Err *err)
{
    (void)mas, (void)err;
    return answer(out);
}

bool mas_list_below(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err)
{
    (void)mas, (void)err;
    must(mas_path(arena, path).len > 0);
    return answer(out);
}

bool mas_layers(Mas *mas, Arena *arena, Str path, const MasOut *out, Err *err)
{
    return mas_list_below(mas, arena, path, out, err);
}

bool mas_cache_put(Mas *mas, Arena *arena, Str path, Str query, Str value, Err *err)
{
    (void)mas, (void)arena, (void)path, (void)err;
    must(query.len > 0);
    must_be_text(query);
    must_be_text(value);
    return true;
}

bool mas_cache_get(Mas *mas, Arena *arena, Str path, Str query, const MasOut *out, Err *err)
{
    (void)mas, (void)arena, (void)path, (void)err;
    must(query.len > 0);
    must_be_text(query);
    return answer(out);
}

/* ---- one request ---- */

static void start(void)
{
    static Arena lasting;

    if (geometry)
        return;
    geometry = geometry_reader_new(&lasting);
    degrees = footprint_system_new(&lasting, (Str){0}, STR("+proj=longlat +datum=WGS84 +no_defs"));
    mas_mount(NULL, NULL);
    must(degrees && mounted.handler);
}

/* { "error": "..." } of text, as the original's clients read it. */
static void must_be_refusal(const Request *request, Reply *reply, const Err *err)
{
    JsonIn in;
    JsonValue value;
    Str key;

    must(err->code != ERR_NONE && str_utf8_prefix(str_from_z(err->text)) == strlen(err->text));
    buf_reset(&reply->body);
    mounted.on_error(request, reply, err, NULL);
    must(reply->status >= 400 && reply->status < 600);
    in = json_in(buf_str(&reply->body));
    must(json_enter(&in, '{') && json_key_next(&in, &key) && str_eq_z(key, "error"));
    must(json_value(&in, &value) && value.kind == JSON_STRING && !json_key_next(&in, &key) && json_done(&in));
}

/* A redirection goes to a path of this service. */
static void must_stay(const Reply *reply)
{
    Str to = reply->headers.count ? reply->headers.at[0].value : (Str){0};

    if (reply->status == 301)
        must(to.len > 0 && to.ptr[0] == '/' && (to.len == 1 || to.ptr[1] != '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_SCOPE(arena);
    struct Exchange exchange = {.request = {.arena = &arena}};
    Request request = {.arena = &arena, .exchange = &exchange};
    Reply reply = {.status = 200, .exchange = &exchange};
    Err err = {0};
    Pair form_type = {.name = STR("Content-Type"), .value = STR("application/x-www-form-urlencoded")};
    Str rest = {(const char *)data, size};

    start();
    rest = str_cut(rest, ' ', &request.method);
    request.body = str_cut(rest, '\n', &request.target);
    request.headers = (Pairs){.at = &form_type, .count = 1};
    url_split(request.target, &request.path_raw, &request.query_raw);
    (void)url_decode(&arena, request.path_raw, false, &request.path);
    if (!url_pairs(&arena, request.query_raw, &request.query, &err) || !mounted.matches(&request, NULL))
        return 0;
    if (!mounted.handler(&request, &reply, &err))
        must_be_refusal(&request, &reply, &err);
    must_stay(&reply);
    buf_release(&reply.body);
    return 0;
}
