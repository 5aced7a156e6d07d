/* SPDX-License-Identifier: Apache-2.0 */
/* The description of the service, read by a JSON library that is not ours: is it whole, and is it OpenAPI 3.0.3? */
#define json_bool json_c_bool /* NOLINT: a type of json-c, a function of base/json.h */
#include <json-c/json.h>
#undef json_bool

#include "http/server.h"
#include "test/check.h"
#include "test/unit/http/client.h"

static bool nothing(Request *request, Reply *reply, Err *err)
{
    (void)request, (void)reply, (void)err;
    return true;
}

static const Route first[] = {
    {"GET", "/api/{shard}/ls", "List \"quoted\"",
     PARAMS({"shard", PARAM_TEXT, IN_PATH}, {"path", PARAM_RAW, .required = true, .help = "Where."},
            {"kind", PARAM_ENUM, .choices = "file|dir", .default_text = "file"},
            {"all", PARAM_BOOL, .default_text = "no"}, {"bbox", PARAM_DOUBLES, .min = "4", .max = "6"},
            {"names", PARAM_LIST}, {"size", PARAM_SIZE}, {"after_time", PARAM_TIME},
            {"part", PARAM_DOUBLE, .min = "0", .max = "0.5", .default_text = "0.25"},
            {"edges", PARAM_DOUBLES, .example = "1,-2.5"}, {"owner", PARAM_UINT, .example = "12"},
            PARAM_LIMIT("1000", "100")),
     .handler = nothing, .needs = READER, .reply = "Thing"},
    {"GET", "/files/{rest...}", "File", PARAMS({"rest", PARAM_RAW, IN_PATH}), .handler = nothing,
     .reply_type = "text/plain", .reply = "Unknown"},
};
static const Route second[] = {
    {"POST", "/api/{shard}/ls", "Save", PARAMS({"shard", PARAM_TEXT, IN_PATH}, {"note", PARAM_TEXT, IN_FORM}),
     .handler = nothing, .body = BODY_FORM, .needs = WRITER},
    {"PUT", "/json", "Json", .handler = nothing, .body = BODY_JSON, .body_schema = "Thing"},
    {"GET", "/secret", "Hidden", .handler = nothing, .hidden = true},
};
static const ServerSchema schemas[] = {{"Thing", "{\"type\":\"object\"}"}};

static struct json_object *spec;

/* The object at "a>b>c", or NULL. */
static struct json_object *at(struct json_object *from, const char *path)
{
    Str rest = str_from_z(path);

    while (from && rest.len) {
        ARENA_SCOPE(arena);
        Str key;

        rest = str_cut(rest, '>', &key);
        from = json_object_object_get(from, str_to_z(&arena, key));
    }
    return from;
}

static bool is_text(struct json_object *from, const char *path, const char *text)
{
    const char *found = json_object_get_string(at(from, path));

    return found && strcmp(found, text) == 0;
}

static void every_route_is_listed_but_the_hidden(void)
{
    static const char *const listed[] = {"/api/{shard}/ls>get", "/api/{shard}/ls>post", "/files/{rest}>get",
                                         "/json>put",           "/healthz>get",         "/readyz>get",
                                         "/metrics>get",        "/openapi.json>get"};

    CHECK(is_text(spec, "openapi", "3.0.3") && at(spec, "info>title") && at(spec, "info>version"));
    for (size_t i = 0; i < COUNT_OF(listed); i++)
        CHECK(at(at(spec, "paths"), listed[i]) != NULL);
    CHECK(json_object_object_length(at(spec, "paths")) == 7);
}

/* What OpenAPI demands of one parameter: section 4.7.12. */
static void check_parameter(struct json_object *param, const char *path)
{
    const char *in = json_object_get_string(at(param, "in")),
               *name = json_object_get_string(at(param, "name"));
    ARENA_SCOPE(arena);

    CHECK(name && in && (strcmp(in, "query") == 0 || strcmp(in, "path") == 0) && at(param, "schema>type"));
    if (in && strcmp(in, "path") == 0) {
        CHECK(json_object_get_boolean(at(param, "required")));
        CHECK(strstr(path, str_printf(&arena, "{%s}", name).ptr) != NULL);
    }
}

/* What it demands of an operation: sections 4.7.10, 4.7.16. */
static void check_operation(struct json_object *operation, const char *path, struct json_object *ids)
{
    struct json_object *params = at(operation, "parameters"), *replies = at(operation, "responses");
    const char *id = json_object_get_string(at(operation, "operationId"));

    CHECK(id && !json_object_object_get(ids, id));
    if (id)
        json_object_object_add(ids, id, json_object_new_boolean(1));
    for (size_t i = 0; i < json_object_array_length(params); i++)
        check_parameter(json_object_array_get_idx(params, i), path);
    CHECK(json_object_object_length(replies) >= 1);
    json_object_object_foreach(replies, status, reply)
    {
        CHECK((strcmp(status, "default") == 0 || strlen(status) == 3) && at(reply, "description"));
    }
}

static void every_operation_is_as_openapi_wants_it(void)
{
    struct json_object *ids = json_object_new_object();

    json_object_object_foreach(at(spec, "paths"), path, methods)
    {
        CHECK(path[0] == '/');
        json_object_object_foreach(methods, method, operation)
        {
            CHECK(strcmp(method, "get") == 0 || strcmp(method, "post") == 0 || strcmp(method, "put") == 0);
            check_operation(operation, path, ids);
        }
    }
    json_object_put(ids);
}

static struct json_object *param_called(const char *name)
{
    struct json_object *params = at(at(spec, "paths"), "/api/{shard}/ls>get>parameters");

    for (size_t i = 0; i < json_object_array_length(params); i++)
        if (is_text(json_object_array_get_idx(params, i), "name", name))
            return json_object_array_get_idx(params, i);
    return NULL;
}

static void parameters_say_what_is_checked(void)
{
    CHECK(json_object_get_boolean(at(param_called("path"), "required")));
    CHECK(is_text(param_called("path"), "description", "Where."));
    CHECK(json_object_array_length(at(param_called("kind"), "schema>enum")) == 2);
    CHECK(json_object_is_type(at(param_called("all"), "schema>default"), json_type_boolean));
    CHECK(!json_object_get_boolean(at(param_called("all"), "schema>default")));
    CHECK(json_object_get_int(at(param_called("bbox"), "schema>minItems")) == 4);
    CHECK(is_text(param_called("bbox"), "schema>items>type", "number"));
    CHECK(json_object_get_double(at(param_called("part"), "schema>maximum")) == 0.5);
    CHECK(json_object_get_int(at(param_called("owner"), "example")) == 12);
    CHECK(is_text(param_called("owner"), "schema>minimum", "0"));
    CHECK(json_object_array_length(at(param_called("edges"), "example")) == 2);
    CHECK(json_object_get_double(json_object_array_get_idx(at(param_called("edges"), "example"), 1)) == -2.5);
    CHECK(json_object_get_int(at(param_called("limit"), "schema>default")) == 100);
    CHECK(is_text(param_called("after_time"), "schema>format", "date-time"));
}

static void bodies_replies_and_roles_are_told(void)
{
    struct json_object *get = at(at(spec, "paths"), "/api/{shard}/ls>get");
    struct json_object *post = at(at(spec, "paths"), "/api/{shard}/ls>post");
    struct json_object *file = at(at(spec, "paths"), "/files/{rest}>get");

    CHECK(is_text(get, "x-needs", "reader") && json_object_array_length(at(get, "security")) == 1);
    CHECK(is_text(get, "responses>200>content>application/json>schema>$ref", "#/components/schemas/Thing"));
    CHECK(at(spec, "components>schemas>Thing") && at(spec, "components>schemas>Error"));
    CHECK(at(post, "requestBody>content>application/x-www-form-urlencoded>schema>properties>note") != NULL);
    CHECK(json_object_array_length(at(post, "parameters")) == 1);
    CHECK(at(file, "responses>200>content>text/plain>schema") &&
          json_object_array_length(at(file, "security")) == 0);
    CHECK(!at(file, "responses>200>content>text/plain>schema>$ref"));
}

int main(void)
{
    Err err = {0};
    ARENA_SCOPE(arena);
    Server *server = server_new(&(ServerOptions){0}, &err);

    if (!server || !server_mount(server, first, COUNT_OF(first), NULL, &err) ||
        !server_mount(server, second, COUNT_OF(second), NULL, &err)) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    server_schemas(server, schemas, COUNT_OF(schemas));
    CHECK(server_start(server, &err));
    Answer a = fetch(server_port(server), &arena, "GET", "/openapi.json", "");
    spec = json_tokener_parse(str_to_z(&arena, a.body));
    CHECK(a.status == 200 && spec);
    RUN(every_route_is_listed_but_the_hidden);
    RUN(every_operation_is_as_openapi_wants_it);
    RUN(parameters_say_what_is_checked);
    RUN(bodies_replies_and_roles_are_told);
    json_object_put(spec);
    server_stop(server);
    server_free(server);
    DONE();
}
