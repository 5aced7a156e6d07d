/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/jobs.h"

#include "base/jsonread.h"
#include "cli/config.h"
#include "serve/job_socket.h"

/* By the names that the service has for them. */
static const OutColumn columns[] = {{"id", OUT_INT},
                                    {"dataset", OUT_TEXT},
                                    {"state", OUT_TEXT},
                                    {"user", OUT_TEXT, .spare = 5},
                                    {"rows", OUT_INT},
                                    {"parts", OUT_INT, .spare = 3},
                                    {"parts_total", OUT_INT, .spare = 3},
                                    {"retries", OUT_INT, .spare = 6},
                                    {"created", OUT_TIME, .spare = 2},
                                    {"started", OUT_TIME, .spare = 8},
                                    {"ended", OUT_TIME, .spare = 7},
                                    {"format", OUT_TEXT, .spare = 4},
                                    {"sql", OUT_TEXT, .cut = true},
                                    {"error", OUT_TEXT, .cut = true, .spare = 9},
                                    {"file", OUT_TEXT, .cut = true, .spare = 10}};

bool jobs_ask(const Call *call, Str question, Str *answer, Err *err)
{
    Instance *instance;

    return instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) &&
           job_socket_ask(instance_path(instance), call->arena, question, answer, err);
}

/* What a line says of each column; what it does not say is null. */
static void read_line(Str line, JsonValue values[COUNT_OF(columns)])
{
    JsonIn in = json_in(line);
    JsonValue value;
    Str key;

    for (size_t i = 0; i < COUNT_OF(columns); i++)
        values[i] = (JsonValue){.kind = JSON_NULL};
    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key) && json_value(&in, &value);)
        for (size_t i = 0; i < COUNT_OF(columns); i++)
            if (str_eq_z(key, columns[i].name))
                values[i] = value;
}

static void put_value(const Call *call, OutKind kind, const JsonValue *value)
{
    Instant at = 0;
    int64_t number = 0;

    if (value->kind == JSON_NULL)
        out_null(call->out);
    else if (kind == OUT_TIME && time_parse(value->raw, &at))
        out_int(call->out, at);
    else if (kind == OUT_INT && json_to_int64(value, &number))
        out_int(call->out, number);
    else
        out_text(call->out, json_text(call->arena, value));
}

void jobs_put_list(const Call *call, Str lines)
{
    JsonValue values[COUNT_OF(columns)];
    Str line;

    out_list(call->out, columns, COUNT_OF(columns));
    while (lines.len > 0) {
        lines = str_cut(lines, '\n', &line);
        read_line(line, values);
        for (size_t i = 0; i < COUNT_OF(columns); i++)
            put_value(call, columns[i].kind, &values[i]);
    }
    out_end(call->out);
}

void jobs_put(const Call *call, Str line)
{
    JsonValue values[COUNT_OF(columns)];

    read_line(line, values);
    out_record(call->out);
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        out_field(call->out, columns[i].name, columns[i].kind);
        put_value(call, columns[i].kind, &values[i]);
    }
    out_end(call->out);
}

Str jobs_state(const Call *call, Str line)
{
    JsonValue values[COUNT_OF(columns)];

    read_line(line, values);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        if (strcmp(columns[i].name, "state") == 0)
            return json_text(call->arena, &values[i]);
    return (Str){0};
}
