/* SPDX-License-Identifier: Apache-2.0 */
/* /openapi.json: the route tables in the form of OpenAPI 3.0.3. */
#include <ctype.h>

#include "http/core.h"

static const char error_schema[] =
    "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"object\",\"required\":"
    "[\"code\",\"message\",\"hint\"],\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},"
    "\"hint\":{\"type\":\"string\"}}}}}";
static const ServerSchema own_schemas[] = {
    {"Error", error_schema},
    {"Health",
     "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{\"type\":\"string\"}}}"},
    {"Readiness",
     "{\"type\":\"object\",\"required\":[\"status\",\"checks\"],\"properties\":{\"status\":{\"type\":\"string\"},"
     "\"checks\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"ready\",\"message\"],"
     "\"properties\":{\"name\":{\"type\":\"string\"},\"ready\":{\"type\":\"boolean\"},\"message\":{\"type\":"
     "\"string\"}}}}}}"},
};

/* How JSON schema says what a type is; the bounds are added where they are plain numbers. */
static const struct {
    const char *type, *format;
    const char *least, *most; /* the keywords for min and max, or NULL */
    const char *usual_least;  /* min where the row has none */
} types[] = {
    [PARAM_TEXT] = {"string", NULL, "minLength", "maxLength"},
    [PARAM_RAW] = {"string", NULL, NULL, NULL},
    [PARAM_INT] = {"integer", "int64", "minimum", "maximum"},
    [PARAM_UINT] = {"integer", "int64", "minimum", "maximum", "0"},
    [PARAM_DOUBLE] = {"number", "double", "minimum", "maximum"},
    [PARAM_BOOL] = {"boolean", NULL, NULL, NULL},
    [PARAM_TIME] = {"string", "date-time", NULL, NULL},
    [PARAM_DURATION] = {"string", "duration", NULL, NULL},
    [PARAM_SIZE] = {"string", "size", NULL, NULL},
    [PARAM_ENUM] = {"string", NULL, NULL, NULL},
    [PARAM_LIST] = {"array", NULL, "minItems", "maxItems"},
    [PARAM_DOUBLES] = {"array", NULL, "minItems", "maxItems"},
};

static void put_pair(JsonOut *out, const char *key, const char *value)
{
    json_key(out, key);
    json_z(out, value);
}

static bool is_list(const Param *param)
{
    return param->type == PARAM_LIST || param->type == PARAM_DOUBLES;
}

static void put_choices(JsonOut *out, const char *choices)
{
    Str rest = str_from_z(choices);

    json_key(out, "enum");
    json_begin(out, '[');
    while (rest.len) {
        Str choice;

        rest = str_cut(rest, '|', &choice);
        json_str(out, choice);
    }
    json_end(out, ']');
}

static void put_members(JsonOut *out, const Param *param, Str text)
{
    json_begin(out, '[');
    while (text.len) {
        Str member;

        text = str_cut(text, ',', &member);
        if (param->type == PARAM_DOUBLES)
            json_raw(out, member);
        else
            json_str(out, member);
    }
    json_end(out, ']');
}

/* A value that the table writes as text, as JSON of the parameter's type. */
static void put_value(JsonOut *out, const Param *param, const char *text)
{
    const char *type = types[param->type].type;

    if (is_list(param))
        put_members(out, param, str_from_z(text));
    else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        json_raw(out, str_from_z(text));
    else if (param->type == PARAM_BOOL)
        json_bool(out, strchr("yt1o", text[0]) && strcmp(text, "off") != 0);
    else
        json_z(out, text);
}

static void put_param_schema(JsonOut *out, const Param *param)
{
    const char *least = param->min ? param->min : types[param->type].usual_least;

    json_key(out, "schema");
    json_begin(out, '{');
    put_pair(out, "type", types[param->type].type);
    if (types[param->type].format)
        put_pair(out, "format", types[param->type].format);
    if (is_list(param))
        json_key(out, "items"), json_raw(out, param->type == PARAM_LIST ? STR("{\"type\":\"string\"}")
                                                                        : STR("{\"type\":\"number\"}"));
    if (least && types[param->type].least)
        json_key(out, types[param->type].least), json_raw(out, str_from_z(least));
    if (param->max && types[param->type].most)
        json_key(out, types[param->type].most), json_raw(out, str_from_z(param->max));
    if (param->choices)
        put_choices(out, param->choices);
    if (param->default_text)
        json_key(out, "default"), put_value(out, param, param->default_text);
    json_end(out, '}');
    if (param->example)
        json_key(out, "example"), put_value(out, param, param->example);
}

static void put_param(JsonOut *out, const Param *param)
{
    json_begin(out, '{');
    put_pair(out, "name", param->name);
    put_pair(out, "in", param->in == IN_PATH ? "path" : "query");
    json_key(out, "required");
    json_bool(out, param->required || param->in == IN_PATH);
    if (param->help)
        put_pair(out, "description", param->help);
    if (is_list(param)) {
        put_pair(out, "style", "form");
        json_key(out, "explode");
        json_bool(out, false);
    }
    put_param_schema(out, param);
    json_end(out, '}');
}

static void put_params(JsonOut *out, const Route *route)
{
    json_key(out, "parameters");
    json_begin(out, '[');
    for (size_t i = 0; i < route->param_count; i++)
        if (route->params[i].in != IN_FORM)
            put_param(out, &route->params[i]);
    json_end(out, ']');
}

static void put_form(JsonOut *out, const Route *route)
{
    json_begin(out, '{');
    put_pair(out, "type", "object");
    json_key(out, "properties");
    json_begin(out, '{');
    for (size_t i = 0; i < route->param_count; i++) {
        const Param *param = &route->params[i];

        if (param->in != IN_FORM)
            continue;
        json_key(out, param->name);
        json_begin(out, '{');
        put_pair(out, "type",
                 types[param->type].type == types[PARAM_LIST].type ? "string" : types[param->type].type);
        if (param->help)
            put_pair(out, "description", param->help);
        json_end(out, '}');
    }
    json_end(out, '}');
    json_end(out, '}');
}

/* A schema by its name; NULL: anything. */
static void put_ref(JsonOut *out, const char *schema)
{
    json_begin(out, '{');
    if (schema) {
        BUF_SCOPE(ref);

        buf_printf(&ref, "#/components/schemas/%s", schema);
        json_key(out, "$ref");
        json_str(out, buf_str(&ref));
    }
    json_end(out, '}');
}

static void put_body(JsonOut *out, const Route *route)
{
    static const char *const media[] = {
        [BODY_FORM] = "application/x-www-form-urlencoded",
        [BODY_JSON] = "application/json",
        [BODY_ANY] = "*/*",
    };

    if (route->body == BODY_NONE)
        return;
    json_key(out, "requestBody");
    json_begin(out, '{');
    json_key(out, "content");
    json_begin(out, '{');
    json_key(out, media[route->body]);
    json_begin(out, '{');
    json_key(out, "schema");
    if (route->body == BODY_FORM)
        put_form(out, route);
    else if (route->body == BODY_ANY)
        json_raw(out, STR("{\"type\":\"string\",\"format\":\"binary\"}"));
    else if (route->body_schema)
        put_ref(out, route->body_schema);
    else
        json_raw(out, STR("{\"type\":\"object\"}"));
    json_end(out, '}');
    json_end(out, '}');
    json_end(out, '}');
}

static bool has_schema(const Server *server, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(own_schemas); i++)
        if (strcmp(own_schemas[i].name, name) == 0)
            return true;
    for (const SchemaTable *table = server->schemas; table; table = table->next)
        for (size_t i = 0; i < table->count; i++)
            if (strcmp(table->schemas[i].name, name) == 0)
                return true;
    return false;
}

static void put_reply(JsonOut *out, const char *status, const char *what, const char *media,
                      const char *schema)
{
    json_key(out, status);
    json_begin(out, '{');
    put_pair(out, "description", what);
    json_key(out, "content");
    json_begin(out, '{');
    json_key(out, media);
    json_begin(out, '{');
    json_key(out, "schema");
    put_ref(out, schema);
    json_end(out, '}');
    json_end(out, '}');
    json_end(out, '}');
}

/* "get_api_v1_catalog_shard_ls": unique, because method and path are. */
static void put_operation_id(JsonOut *out, const Route *route)
{
    BUF_SCOPE(id);

    for (const char *c = route->method; *c; c++)
        buf_put_byte(&id, (char)tolower((unsigned char)*c));
    for (const char *c = route->path; *c; c++) {
        bool word = isalnum((unsigned char)*c);

        if (word || id.ptr[id.len - 1] != '_')
            buf_put_byte(&id, word ? *c : '_');
    }
    while (id.ptr[id.len - 1] == '_')
        id.len--;
    json_key(out, "operationId");
    json_str(out, buf_str(&id));
}

static void put_operation(JsonOut *out, const Server *server, const Route *route)
{
    BUF_SCOPE(method);
    const char *schema = route->reply && has_schema(server, route->reply) ? route->reply : NULL;

    for (const char *c = route->method; *c; c++)
        buf_put_byte(&method, (char)tolower((unsigned char)*c));
    json_key_str(out, buf_str(&method));
    json_begin(out, '{');
    put_pair(out, "summary", route->summary);
    put_operation_id(out, route);
    put_pair(out, "x-needs", role_name(route->needs));
    json_key(out, "security");
    json_raw(out, route->needs == NOBODY ? STR("[]") : STR("[{\"token\":[]}]"));
    put_params(out, route);
    put_body(out, route);
    json_key(out, "responses");
    json_begin(out, '{');
    put_reply(out, "200", "done", route->reply_type ? route->reply_type : "application/json", schema);
    put_reply(out, "default", "what went wrong", "application/json", "Error");
    json_end(out, '}');
    json_end(out, '}');
}

/* Whether an earlier route of any table has this path: then it was printed with that one. */
static bool is_seen(const Server *server, const Route *route)
{
    for (const RouteTable *table = server->tables; table; table = table->next) {
        for (size_t i = 0; i < table->count; i++) {
            if (&table->routes[i] == route)
                return false;
            if (!table->routes[i].hidden && strcmp(table->routes[i].path, route->path) == 0)
                return true;
        }
    }
    return false;
}

static void put_path(JsonOut *out, const Server *server, const Route *first)
{
    BUF_SCOPE(path);

    for (const char *c = first->path; *c; c++)
        if (*c != '.' || strncmp(c, "...}", 4) != 0)
            buf_put_byte(&path, *c);
        else
            c += 2;
    json_key_str(out, buf_str(&path));
    json_begin(out, '{');
    for (const RouteTable *table = server->tables; table; table = table->next)
        for (size_t i = 0; i < table->count; i++)
            if (!table->routes[i].hidden && strcmp(table->routes[i].path, first->path) == 0)
                put_operation(out, server, &table->routes[i]);
    json_end(out, '}');
}

static void put_paths(JsonOut *out, const Server *server)
{
    json_key(out, "paths");
    json_begin(out, '{');
    for (const RouteTable *table = server->tables; table; table = table->next)
        for (size_t i = 0; i < table->count; i++)
            if (!table->routes[i].hidden && !is_seen(server, &table->routes[i]))
                put_path(out, server, &table->routes[i]);
    json_end(out, '}');
}

static void put_schemas(JsonOut *out, const ServerSchema *schemas, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_key(out, schemas[i].name);
        json_raw(out, str_from_z(schemas[i].json));
    }
}

void openapi_print(const Server *server, Buf *buf)
{
    JsonOut out = json_out(buf);

    json_begin(&out, '{');
    put_pair(&out, "openapi", "3.0.3");
    json_key(&out, "info");
    json_begin(&out, '{');
    put_pair(&out, "title", "Strata");
    put_pair(&out, "version", STRATA_VERSION);
    json_end(&out, '}');
    put_paths(&out, server);
    json_key(&out, "components");
    json_begin(&out, '{');
    json_key(&out, "securitySchemes");
    json_raw(&out, STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_key(&out, "schemas");
    json_begin(&out, '{');
    put_schemas(&out, own_schemas, COUNT_OF(own_schemas));
    for (const SchemaTable *table = server->schemas; table; table = table->next)
        put_schemas(&out, table->schemas, table->count);
    json_end(&out, '}');
    json_end(&out, '}');
    json_end(&out, '}');
}
