/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/mas.h"

#include <math.h>

enum {
    BODY_MAX = 16 * 1024 * 1024, /* bytes: a mask, or a document for the cache */
    PATH_MAX_BYTES = 16384,
    TEXT_MAX_BYTES = 12 * 1024 * 1024,
};

/* ---- parameters ---- */

typedef struct Form {
    const Request *request;
    Pairs body;
} Form;

static bool read_form(const Request *request, Form *out, Err *err)
{
    *out = (Form){.request = request};
    if (str_eq_z(request->method, "POST") || str_eq_z(request->method, "PUT") ||
        str_eq_z(request->method, "PATCH"))
        return request_form(request, &out->body, err);
    return true;
}

static bool check_text(Str text, Err *err)
{
    size_t good = str_utf8_prefix(text);

    if (good < text.len)
        return err_set(err, ERR_USAGE, "pq: invalid byte sequence for encoding \"UTF8\": 0x%02x",
                       (unsigned)(unsigned char)text.ptr[good]);
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_set(err, ERR_USAGE, "pq: invalid byte sequence for encoding \"UTF8\": 0x00");
    return true;
}

/* The empty Str where it is absent. */
static bool text_of(const Form *form, const char *name, Str *out, Err *err)
{
    const Pair *pair = pairs_find(form->body, name);

    if (!pair)
        pair = pairs_find(form->request->query, name);
    if (!pair)
        return true;
    if (pair->malformed)
        return err_set(err, ERR_USAGE, "invalid URL escape in %s", name);
    if (!check_text(pair->value, err))
        return false;
    *out = pair->value;
    return true;
}

static bool number_of(const Form *form, const char *name, int64_t *out, Err *err)
{
    Str text = {0};
    double real;

    if (!text_of(form, name, &text, err))
        return false;
    if (text.len == 0 || str_to_int64(text, out))
        return true;
    if (str_to_double(text, &real) && real == floor(real))
        return err_set(err, ERR_USAGE, "pq: value \"%.*s\" is out of range for type integer",
                       STR_ARG(str_sub(text, 0, 100)));
    return err_set(err, ERR_USAGE, "pq: invalid input syntax for type integer: \"%.*s\"",
                   STR_ARG(str_sub(text, 0, 100)));
}

static bool real_of(const Form *form, const char *name, double *out, Err *err)
{
    Str text = {0};
    double real;

    if (!text_of(form, name, &text, err))
        return false;
    if (text.len == 0)
        return true;
    if (!str_to_double(text, &real) || !isfinite(real))
        return err_set(err, ERR_USAGE, "pq: invalid input syntax for type double precision: \"%.*s\"",
                       STR_ARG(str_sub(text, 0, 100)));
    *out = real;
    return true;
}

/* ---- operations ---- */

typedef struct Call {
    Mas *mas;
    Arena *arena;
    Str path;
    Form form;
    MasOut out;
} Call;

static bool intersects(Call *call, Err *err)
{
    MasSearch search = {.path = call->path, .parts = 2, .same = -1, .tolerance = -1, .limit = -1};
    const Form *form = &call->form;
    Str metadata = {0};

    if (!text_of(form, "srs", &search.srs, err) || !text_of(form, "wkt", &search.wkt, err) ||
        !text_of(form, "time", &search.time, err) || !text_of(form, "until", &search.until, err) ||
        !text_of(form, "namespace", &search.names, err) || !text_of(form, "metadata", &metadata, err) ||
        !number_of(form, "nseg", &search.parts, err) || !number_of(form, "limit", &search.limit, err) ||
        !real_of(form, "identitytol", &search.same, err) || !real_of(form, "dptol", &search.tolerance, err))
        return false;
    if (!str_eq_z(metadata, "gdal"))
        return err_set(err, ERR_USAGE, "metadata must be gdal");
    search.has_names = search.names.len > 0;
    return mas_intersects(call->mas, call->arena, &search, &call->out, err);
}

static bool timestamps(Call *call, Err *err)
{
    MasStamps ask = {.path = call->path};
    const Form *form = &call->form;

    if (!text_of(form, "time", &ask.time, err) || !text_of(form, "until", &ask.until, err) ||
        !text_of(form, "namespace", &ask.names, err) || !text_of(form, "token", &ask.token, err))
        return false;
    ask.has_names = ask.names.len > 0;
    return mas_timestamps(call->mas, call->arena, &ask, &call->out, err);
}

static bool extents(Call *call, Err *err)
{
    Str names = {0};

    return text_of(&call->form, "namespace", &names, err) &&
           mas_extents(call->mas, call->arena, call->path, names.len > 0, names, &call->out, err);
}

static bool list_roots(Call *call, Err *err)
{
    return mas_list_roots(call->mas, &call->out, err);
}

static bool list_below(Call *call, Err *err)
{
    return mas_list_below(call->mas, call->arena, call->path, &call->out, err);
}

static bool layers(Call *call, Err *err)
{
    return mas_layers(call->mas, call->arena, call->path, &call->out, err);
}

static bool query_of(Call *call, Str *out, Err *err)
{
    if (!text_of(&call->form, "query", out, err))
        return false;
    return out->len > 0 || err_set(err, ERR_USAGE, "query is missing");
}

static bool cache_put(Call *call, Err *err)
{
    Str query = {0}, value = {0};

    if (!query_of(call, &query, err) || !text_of(&call->form, "value", &value, err) ||
        !mas_cache_put(call->mas, call->arena, call->path, query, value, err))
        return false;
    buf_put(call->out.body, STR("{\"error\": \"\"}"));
    return true;
}

static bool cache_get(Call *call, Err *err)
{
    Str query = {0};

    return query_of(call, &query, err) &&
           mas_cache_get(call->mas, call->arena, call->path, query, &call->out, err);
}

/* The first that the query has is meant. */
static const struct {
    const char *key;
    bool (*run)(Call *call, Err *err);
} operations[] = {
    {"intersects", intersects},      {"timestamps", timestamps},     {"extents", extents},
    {"list_root_gpath", list_roots}, {"list_sub_gpath", list_below}, {"generate_layers", layers},
    {"put_ows_cache", cache_put},    {"get_ows_cache", cache_get},
};

static size_t operation_of(const Request *request)
{
    size_t i = 0;

    while (i < COUNT_OF(operations) && !pairs_find(request->query, operations[i].key))
        i++;
    return i;
}

/* `intersects` has a geometry in a search of /stac; in a MAS request it has no value. */
static bool is_stac_search(const Request *request)
{
    const Pair *pair = pairs_find(request->query, "intersects");

    return pair && pair->value.len > 0 && str_eq_z(request->path, "/stac/search");
}

static bool matches(const Request *request, void *context)
{
    (void)context;
    return request->query.count && operation_of(request) < COUNT_OF(operations) && !is_stac_search(request);
}

/* ---- paths ---- */

/* As Go's ServeMux: empty parts and "." go, ".." takes the part before it with it; a slash at the end stays. */
static Str clean_path(Arena *arena, Str raw)
{
    BUF_SCOPE(out);
    Str rest = raw, part;

    while (rest.len) {
        rest = str_cut(rest, '/', &part);
        if (part.len == 0 || str_eq_z(part, "."))
            continue;
        if (!str_eq_z(part, "..")) {
            buf_put_byte(&out, '/');
            buf_put(&out, part);
            continue;
        }
        while (out.len && out.ptr[--out.len] != '/')
            ;
    }
    if (out.len == 0 || str_ends(raw, STR("/")))
        buf_put_byte(&out, '/');
    return str_copy(arena, buf_str(&out));
}

/* Bytes that no address may hold are encoded: a header would leave them out, and what is left may be another host. */
static Str address_of(Arena *arena, Str path)
{
    BUF_SCOPE(out);

    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];

        if (c > ' ' && c < 0x7f)
            buf_put_byte(&out, path.ptr[i]);
        else
            buf_printf(&out, "%%%02X", c);
    }
    return str_copy(arena, buf_str(&out));
}

static bool redirects(const Request *request, Reply *reply)
{
    Arena *arena = request->arena;
    Str clean = clean_path(arena, request->path_raw);

    if (str_eq(clean, request->path_raw))
        return false;
    reply_redirect(
        reply, 301,
        str_printf(arena, "%.*s?%.*s", STR_ARG(address_of(arena, clean)), STR_ARG(request->query_raw)));
    return true;
}

static bool check_path(Str path, Err *err)
{
    if (path.len > PATH_MAX_BYTES)
        return err_set(err, ERR_USAGE, "the path has more than %d bytes", PATH_MAX_BYTES);
    if (memchr(path.ptr, '\0', path.len))
        return err_set(err, ERR_USAGE, "pq: invalid byte sequence for encoding \"UTF8\": 0x00");
    return true;
}

/* ---- requests ---- */

/* Its answers are of all files and counts, so they are for those who may see all. */
static bool check_user(const User *user, Err *err)
{
    if (!user->filtered || user->uid == 0)
        return true;
    (void)err_set(err, ERR_DENIED, "the MAS API does not limit its answers to what user %lld may read",
                  (long long)user->uid);
    return err_hint(err, "ask with a token without uid, or by /api/v1/catalog and /stac");
}

static bool flush(void *reply, Err *err)
{
    return reply_flush(reply, err);
}

static bool handle(Request *request, Reply *reply, Err *err)
{
    Call call = {.mas = request->context, .arena = request->arena, .path = request->path};

    if (redirects(request, reply))
        return true;
    if (!check_user(&request->user, err) || !check_path(request->path, err) ||
        !read_form(request, &call.form, err))
        return false;
    call.out = (MasOut){.body = &reply->body, .flush = flush, .ctx = reply};
    reply->plain = true; /* clients ask for gzip without knowing, and stand beside the server */
    reply->type = "application/json";
    return operations[operation_of(request)].run(&call, err);
}

/* Go's %q, kept within what JSON allows. */
static void put_quoted(Buf *out, Str text)
{
    json_put_quoted(out, text);
}

/* The client looks into the body, not at the status; 4xx of the original is always 400. */
static void put_error(const Request *request, Reply *reply, const Err *err, void *context)
{
    (void)request, (void)context;
    int status = err_http_status(err->code);
    bool bare = err->sqlstate[0] && !str_starts(str_from_z(err->text), STR("pq: "));

    if (err->code == ERR_USAGE || err->code == ERR_LIMIT || err->code == ERR_CONFLICT ||
        err->code == ERR_NOT_FOUND)
        status = 400;
    reply->status = status;
    reply->type = "text/plain; charset=utf-8";
    buf_put_z(&reply->body, "{ \"error\": ");
    put_quoted(&reply->body, str_printf(request->arena, "%s%s", bare ? "pq: " : "", err->text));
    buf_put_z(&reply->body, " }\n");
}

void mas_mount(Server *server, Mas *mas)
{
    server_add_hook(server, &(ServerHook){.name = "mas",
                                          .matches = matches,
                                          .handler = handle,
                                          .on_error = put_error,
                                          .context = mas,
                                          .needs = READER,
                                          .body_max = BODY_MAX});
}
