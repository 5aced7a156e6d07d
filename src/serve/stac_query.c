/* SPDX-License-Identifier: Apache-2.0 */
/* What a search asks for: stac_search_params(), stac_search_body(). */
#include "base/jsonread.h"
#include "serve/stac_search.h"

/* Four edges, or six with heights between. */
static bool read_box(const double *edges, size_t count, StacSearch *out, Err *err)
{
    if (count != 4 && count != 6)
        return err_set(err, ERR_USAGE, "'bbox' takes four or six numbers");
    out->box = count == 4 ? (FindBox){edges[0], edges[1], edges[2], edges[3]}
                          : (FindBox){edges[0], edges[1], edges[3], edges[4]};
    out->has_box = true;
    return true;
}

/* One end of an interval; nothing and .. are open. */
static bool read_end(Str text, Instant *out, bool *given)
{
    *given = text.len > 0 && !str_eq(text, STR(".."));
    return !*given || time_parse(text, out);
}

static bool read_datetime(Str text, StacSearch *out, Err *err)
{
    Str first, last = str_cut(text, '/', &first);
    bool interval = first.len < text.len;

    if (!interval)
        last = first;
    bool ok = read_end(first, &out->since, &out->has_since) && read_end(last, &out->until, &out->has_until) &&
              (out->has_since || out->has_until);
    if (!ok) {
        (void)err_set(err, ERR_USAGE, "'datetime' is neither an RFC 3339 time nor an interval: '%.*s'",
                      STR_ARG(str_sub(text, 0, 100)));
        return err_hint(err, "for example 2020-01-01T00:00:00Z/.. for all from then on");
    }
    return true;
}

static void set_limit(StacSearch *out, int64_t limit)
{
    out->limit = limit < STAC_LIMIT_MOST ? limit : STAC_LIMIT_MOST;
}

bool stac_search_params(const Request *request, StacSearch *out, Err *err)
{
    const Value *box = arg(request, "bbox");

    *out = (StacSearch){.limit = STAC_LIMIT_USUAL, .token = arg_text(request, "token")};
    if (arg_given(request, "limit"))
        set_limit(out, arg_number(request, "limit"));
    return (!box->given || read_box(box->reals, box->count, out, err)) &&
           (!arg_given(request, "datetime") || read_datetime(arg_text(request, "datetime"), out, err));
}

/* ---- bodies ---- */

typedef struct Body {
    Arena *arena;
    JsonIn in;
    StacSearch *out;
} Body;

typedef bool MemberFn(Body *body, Err *err);

static bool is_wrong(const char *what, Err *err)
{
    return err_set(err, ERR_USAGE, "the body's '%s' is wrong", what);
}

static bool take_box(Body *body, Err *err)
{
    double edges[6];
    size_t count = 0;
    JsonValue value;

    if (!json_enter(&body->in, '['))
        return is_wrong("bbox", err);
    while (json_element_next(&body->in))
        if (count == COUNT_OF(edges) || !json_value(&body->in, &value) ||
            !json_to_double(&value, &edges[count++]))
            return is_wrong("bbox", err);
    return read_box(edges, count, body->out, err);
}

static bool take_text(Body *body, Str *out)
{
    JsonValue value;

    if (!json_value(&body->in, &value) || value.kind != JSON_STRING)
        return false;
    *out = json_text(body->arena, &value);
    return true;
}

static bool take_texts(Body *body, const Str **out, size_t *out_count)
{
    enum { MOST = 10000 };
    Str *texts = arena_new(body->arena, Str, MOST);
    size_t count = 0;

    if (!json_enter(&body->in, '['))
        return false;
    while (json_element_next(&body->in))
        if (count == MOST || !take_text(body, &texts[count++]))
            return false;
    *out = texts;
    *out_count = count;
    return true;
}

static bool take_datetime(Body *body, Err *err)
{
    Str text;

    return take_text(body, &text) ? read_datetime(text, body->out, err) : is_wrong("datetime", err);
}

static bool take_intersects(Body *body, Err *err)
{
    JsonValue value;

    if (!json_value(&body->in, &value) || value.kind != JSON_OBJECT)
        return is_wrong("intersects", err);
    body->out->intersects = value.raw;
    return true;
}

static bool take_ids(Body *body, Err *err)
{
    return take_texts(body, &body->out->ids, &body->out->id_count) || is_wrong("ids", err);
}

static bool take_collections(Body *body, Err *err)
{
    return take_texts(body, &body->out->collections, &body->out->collection_count) ||
           is_wrong("collections", err);
}

static bool take_limit(Body *body, Err *err)
{
    JsonValue value;
    int64_t limit;

    if (!json_value(&body->in, &value) || value.kind != JSON_NUMBER || !json_to_int64(&value, &limit) ||
        limit < 1)
        return is_wrong("limit", err);
    set_limit(body->out, limit);
    return true;
}

static bool take_token(Body *body, Err *err)
{
    return (take_text(body, &body->out->token) && body->out->token.len <= STAC_TOKEN_MAX) ||
           is_wrong("token", err);
}

#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"nullable\":true"

static const struct {
    const char *name;
    MemberFn *take;
    const char *schema; /* as OpenAPI 3.0 has it */
} members[] = {
    {"bbox", take_box,
     "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":4,\"maxItems\":6,\"nullable\":true,"
     "\"description\":\"Touching west, south, east, north (degrees).\",\"example\":[110,-45,155,-10]}"},
    {"datetime", take_datetime,
     "{\"type\":\"string\",\"nullable\":true,\"description\":\"A time, or an interval: A/B, ../B, A/..\","
     "\"example\":\"2020-01-01T00:00:00Z/..\"}"},
    {"intersects", take_intersects,
     "{\"type\":\"object\",\"nullable\":true,\"description\":\"Touching this GeoJSON geometry.\","
     "\"example\":{\"type\":\"Point\",\"coordinates\":[149.1,-35.3]}}"},
    {"ids", take_ids, TEXTS ",\"description\":\"Only these items.\"}"},
    {"collections", take_collections, TEXTS ",\"description\":\"Only in these collections.\"}"},
    {"limit", take_limit,
     "{\"type\":\"integer\",\"minimum\":1,\"nullable\":true,\"description\":\"How many items at most; 100 when not "
     "given, never over 10000.\",\"example\":10}"},
    {"token", take_token,
     "{\"type\":\"string\",\"maxLength\":200,\"nullable\":true,\"description\":\"Go on where the page before "
     "ended.\"}"},
};

#undef TEXTS

const char *stac_search_schema(Arena *arena)
{
    BUF_SCOPE(text);
    JsonOut out = json_out(&text);

    json_begin(&out, '{');
    json_key(&out, "type");
    json_z(&out, "object");
    json_key(&out, "additionalProperties");
    json_bool(&out, false);
    json_key(&out, "properties");
    json_begin(&out, '{');
    for (size_t i = 0; i < COUNT_OF(members); i++)
        json_key(&out, members[i].name), json_raw(&out, str_from_z(members[i].schema));
    json_end(&out, '}');
    json_end(&out, '}');
    return str_to_z(arena, buf_str(&text));
}

/* A member that is null is one that is not there. */
static bool is_null(const JsonIn *in)
{
    JsonIn look = *in;
    JsonValue value;

    return json_value(&look, &value) && value.kind == JSON_NULL;
}

static bool take_member(Body *body, Str key, Err *err)
{
    if (is_null(&body->in))
        return json_skip(&body->in);
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_eq_z(key, members[i].name))
            return members[i].take(body, err);
    (void)err_set(err, ERR_USAGE, "a search has no '%.*s' here", STR_ARG(str_sub(key, 0, 60)));
    return err_hint(err, "known are bbox, datetime, intersects, ids, collections, limit, token");
}

bool stac_search_body(const Request *request, StacSearch *out, Err *err)
{
    Body body = {.arena = request->arena, .in = json_in(request->body), .out = out};
    Str key;

    *out = (StacSearch){.limit = STAC_LIMIT_USUAL};
    if (!json_enter(&body.in, '{'))
        return err_set(err, ERR_USAGE, "the body is not a JSON object");
    while (json_key_next(&body.in, &key))
        if (!take_member(&body, key, err))
            return false;
    return json_done(&body.in) || err_set(err, ERR_USAGE, "the body is not JSON: %s at byte %zu",
                                          body.in.problem, json_at(&body.in));
}
