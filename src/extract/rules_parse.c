/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <json-c/json.h>
#include <pcre2.h>
#include <string.h>

#include "base/os.h"
#include "extract/rules.h"

/* What is being read, for messages and memory. */
typedef struct Reader {
    Arena *arena;
    const char *name;
    size_t set; /* from 1 */
    Str collection;
} Reader;

typedef struct Field {
    const char *name;
    json_type type;
    bool (*read)(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err);
    size_t at; /* offset of the member of Rule, for the plain types */
} Field;

static Str text_of(Arena *arena, json_object *value)
{
    return str_copy(arena, (Str){json_object_get_string(value), (size_t)json_object_get_string_len(value)});
}

static bool wrong(const Reader *reader, const char *field, Err *err, const char *what)
{
    return err_set(err, ERR_CONFIG, "%s: rule set %zu ('%.*s'): %s: %s", reader->name, reader->set,
                   STR_ARG(reader->collection), field, what);
}

static void free_pattern(void *code)
{
    pcre2_code_free(code);
}

static bool compile(Reader *reader, json_object *value, const char *field, pcre2_code **out, Err *err)
{
    ARENA_SCOPE(scratch);
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR reason[128] = "";
    int code = 0;

    *out = pcre2_compile((PCRE2_SPTR)json_object_get_string(value), (size_t)json_object_get_string_len(value),
                         0, &code, &at, NULL);
    if (!*out) {
        (void)pcre2_get_error_message(code, reason, sizeof reason);
        return wrong(reader, field, err,
                     str_printf(&scratch, "%s at character %zu", (char *)reason, at + 1).ptr);
    }
    arena_defer(reader->arena, free_pattern, *out);
    (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE); /* slower without, not wrong */
    return true;
}

static bool read_pattern(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    return compile(reader, value, name, &rule->pattern, err);
}

static bool read_text(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    Str text = text_of(reader->arena, value);

    (void)err;
    if (strcmp(name, "srs_text") == 0)
        rule->srs_text = text;
    else if (strcmp(name, "proj4_text") == 0)
        rule->proj4_text = text;
    else if (strcmp(name, "time_units") == 0)
        rule->time_units = text;
    else
        rule->collection = text;
    return true;
}

static bool read_flag(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    bool on = json_object_get_boolean(value);

    (void)reader;
    (void)err;
    if (strcmp(name, "match_full_path") == 0)
        rule->match_full_path = on;
    else if (strcmp(name, "compute_stats") == 0)
        rule->compute_stats = on;
    else
        rule->nc_metadata = on;
    return true;
}

static bool read_namespace(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    static const char *const names[] = {"ns_path", "ns_dataset", "ns_combine"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(json_object_get_string(value), names[i]) == 0) {
            rule->name_space = (RuleNamespace)i;
            return true;
        }
    return wrong(reader, name, err, "must be ns_path, ns_dataset or ns_combine");
}

static bool read_ints(Reader *reader, json_object *list, RecordInts *out)
{
    out->len = json_object_array_length(list);
    out->at = arena_new(reader->arena, int64_t, out->len);
    for (size_t i = 0; i < out->len; i++) {
        if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_int))
            return false;
        out->at[i] = json_object_get_int64(json_object_array_get_idx(list, i));
    }
    return true;
}

static bool is_number(json_object *value)
{
    return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

static bool read_doubles(Reader *reader, json_object *list, RecordDoubles *out)
{
    out->len = json_object_array_length(list);
    out->at = arena_new(reader->arena, double, out->len);
    for (size_t i = 0; i < out->len; i++) {
        if (!is_number(json_object_array_get_idx(list, i)))
            return false;
        out->at[i] = json_object_get_double(json_object_array_get_idx(list, i));
    }
    return true;
}

/* {"name","params","strides","shape","grid"}, the name at least. */
static bool read_axis(Reader *reader, json_object *value, const char *name, RecordAxis *out, Err *err)
{
    bool named = false;

    if (!json_object_is_type(value, json_type_object))
        return wrong(reader, name, err, "an axis must be an object");
    out->grid = STR("enum");
    json_object_object_foreach(value, key, part)
    {
        bool list = json_object_is_type(part, json_type_array),
             text = json_object_is_type(part, json_type_string);
        bool good = false;

        if (strcmp(key, "name") == 0 && text) {
            out->name = text_of(reader->arena, part);
            good = named = true;
        } else if (strcmp(key, "grid") == 0 && text) {
            out->grid = text_of(reader->arena, part);
            good = str_eq_z(out->grid, "default") || str_eq_z(out->grid, "enum");
        } else if (strcmp(key, "params") == 0) {
            good = !part || (list && read_doubles(reader, part, &out->params));
        } else if (strcmp(key, "shape") == 0) {
            good = list && read_ints(reader, part, &out->shape);
        } else if (strcmp(key, "strides") == 0) {
            good = list && read_ints(reader, part, &out->strides);
        }
        if (!good)
            return wrong(reader, name, err, str_printf(reader->arena, "'%s' of an axis is wrong", key).ptr);
    }
    return named || wrong(reader, name, err, "an axis must have a name");
}

static bool read_time_axis(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    rule->time_axis = arena_new(reader->arena, RecordAxis, 1);
    return read_axis(reader, value, name, rule->time_axis, err);
}

static bool read_axes(Reader *reader, json_object *list, const char *name, Rule *rule, Err *err)
{
    rule->axes_len = json_object_array_length(list);
    rule->axes = arena_new(reader->arena, RecordAxis, rule->axes_len);
    for (size_t i = 0; i < rule->axes_len; i++) {
        RecordAxis *axis = &rule->axes[i];

        if (!read_axis(reader, json_object_array_get_idx(list, i), name, axis, err))
            return false;
        if (axis->shape.len == 0 || axis->strides.len == 0)
            return wrong(reader, name, err, "an axis must have a shape and strides");
    }
    return true;
}

static bool read_times(Reader *reader, json_object *list, const char *name, Rule *rule, Err *err)
{
    rule->times_len = json_object_array_length(list);
    rule->times = arena_new(reader->arena, Instant, rule->times_len);
    for (size_t i = 0; i < rule->times_len; i++) {
        json_object *text = json_object_array_get_idx(list, i);

        if (!json_object_is_type(text, json_type_string) ||
            !time_parse(text_of(reader->arena, text), &rule->times[i]))
            return wrong(
                reader, name, err,
                str_printf(reader->arena, "entry %zu is no time such as 2015-02-22T10:48:49Z", i + 1).ptr);
    }
    return true;
}

static bool read_bbox(Reader *reader, json_object *list, const char *name, Rule *rule, Err *err)
{
    RecordDoubles box;

    if (json_object_array_length(list) == 0)
        return true;
    if (!read_doubles(reader, list, &box) || box.len != 4)
        return wrong(reader, name, err, "must be four numbers: left, top, right, bottom");
    memcpy(rule->bbox, box.at, sizeof rule->bbox);
    rule->has_bbox = true;
    return true;
}

static bool read_geo_loc(Reader *reader, json_object *value, const char *name, Rule *rule, Err *err)
{
    RuleGeoLoc *out = arena_new(reader->arena, RuleGeoLoc, 1);
    const struct {
        const char *key;
        pcre2_code **pattern;
        Str *text;
        int *number;
    } parts[] = {
        {"x_dataset_pattern", &out->x.pattern},           {"x_dataset_template", .text = &out->x.text},
        {"y_dataset_pattern", &out->y.pattern},           {"y_dataset_template", .text = &out->y.text},
        {"x_band", .number = &out->loc.x_band},           {"y_band", .number = &out->loc.y_band},
        {"line_offset", .number = &out->loc.line_offset}, {"pixel_offset", .number = &out->loc.pixel_offset},
        {"pixel_step", .number = &out->loc.pixel_step},   {"line_step", .number = &out->loc.line_step},
    };

    out->loc = (RecordGeoLoc){.x_band = 1, .y_band = 1, .pixel_step = 1, .line_step = 1};
    json_object_object_foreach(value, key, part)
    {
        bool known = false;

        for (size_t i = 0; i < COUNT_OF(parts); i++) {
            if (strcmp(key, parts[i].key) != 0)
                continue;
            known = true;
            if (!json_object_is_type(part, parts[i].number ? json_type_int : json_type_string))
                return wrong(reader, name, err,
                             str_printf(reader->arena, "'%s' has the wrong type", key).ptr);
            if (parts[i].pattern && !compile(reader, part, key, parts[i].pattern, err))
                return false;
            if (parts[i].text)
                *parts[i].text = text_of(reader->arena, part);
            if (parts[i].number)
                *parts[i].number = json_object_get_int(part);
        }
        if (!known)
            return wrong(reader, name, err, str_printf(reader->arena, "unknown field '%s'", key).ptr);
    }
    if (!out->x.pattern || !out->y.pattern || out->x.text.len == 0 || out->y.text.len == 0)
        return wrong(reader, name, err, "needs a pattern and a template for x and for y");
    rule->geo_loc = out;
    return true;
}

static const Field fields[] = {
    {"collection", json_type_string, read_text},     {"namespace", json_type_string, read_namespace},
    {"srs_text", json_type_string, read_text},       {"proj4_text", json_type_string, read_text},
    {"pattern", json_type_string, read_pattern},     {"match_full_path", json_type_boolean, read_flag},
    {"compute_stats", json_type_boolean, read_flag}, {"nc_metadata", json_type_boolean, read_flag},
    {"time_axis", json_type_object, read_time_axis}, {"time_units", json_type_string, read_text},
    {"times_text", json_type_array, read_times},     {"bbox", json_type_array, read_bbox},
    {"geo_loc", json_type_object, read_geo_loc},     {"axes_text", json_type_array, read_axes},
};

static const Field *find_field(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

static bool read_set(Reader *reader, json_object *set, Rule *rule, Err *err)
{
    json_object *collection = NULL;

    if (json_object_object_get_ex(set, "collection", &collection) &&
        json_object_is_type(collection, json_type_string))
        reader->collection = text_of(reader->arena, collection);
    json_object_object_foreach(set, key, value)
    {
        const Field *field = find_field(key);

        if (!field)
            return wrong(reader, key, err, "there is no such field");
        if (!value && field->type != json_type_string)
            continue; /* null: as if it were not there, for lists and objects the original wrote so */
        if (!json_object_is_type(value, field->type))
            return wrong(reader, key, err,
                         str_printf(reader->arena, "must be of type %s", json_type_to_name(field->type)).ptr);
        if (!field->read(reader, value, key, rule, err))
            return false;
    }
    return rule->pattern || wrong(reader, "pattern", err, "is missing");
}

static bool read_sets(Reader *reader, json_object *root, Rules *out, Err *err)
{
    json_object *list = NULL;
    Rules rules = {0};

    if (!json_object_is_type(root, json_type_object) ||
        !json_object_object_get_ex(root, "rule_sets", &list) || !json_object_is_type(list, json_type_array))
        return err_set(err, ERR_CONFIG, "%s: must be an object with a list 'rule_sets'", reader->name);
    rules.len = json_object_array_length(list);
    rules.at = arena_new(reader->arena, Rule, rules.len);
    for (size_t i = 0; i < rules.len; i++) {
        json_object *set = json_object_array_get_idx(list, i);

        reader->set = i + 1;
        reader->collection = (Str){0};
        if (!json_object_is_type(set, json_type_object))
            return wrong(reader, "set", err, "must be an object");
        if (!read_set(reader, set, &rules.at[i], err))
            return false;
    }
    if (rules.len == 0)
        return err_set(err, ERR_CONFIG, "%s: 'rule_sets' is empty", reader->name);
    *out = rules;
    return true;
}

/* "line 3, column 14" of a byte of `text` */
static Str place_of(Arena *arena, Str text, size_t at)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < at && i < text.len; i++) {
        column = text.ptr[i] == '\n' ? 1 : column + 1;
        line += text.ptr[i] == '\n';
    }
    return str_printf(arena, "line %zu, column %zu", line, column);
}

static void drop_json(json_object **root)
{
    json_object_put(*root);
}

static void drop_tokener(json_tokener **parser)
{
    json_tokener_free(*parser);
}

bool rules_parse(Arena *arena, Str text, const char *name, Rules *out, Err *err)
{
    ATTR_CLEANUP(drop_tokener) json_tokener *parser = json_tokener_new();
    ATTR_CLEANUP(drop_json) json_object *root = NULL;
    Reader reader = {.arena = arena, .name = name};

    json_tokener_set_flags(parser, JSON_TOKENER_STRICT);
    /* One byte more: the NUL behind the text tells the parser that a number at its end is whole. */
    root = json_tokener_parse_ex(parser, str_to_z(arena, text), (int)text.len + 1);
    if (json_tokener_get_error(parser) != json_tokener_success)
        return err_set(err, ERR_CONFIG, "%s: %.*s: %s", name,
                       STR_ARG(place_of(arena, text, json_tokener_get_parse_end(parser))),
                       json_tokener_error_desc(json_tokener_get_error(parser)));
    return read_sets(&reader, root, out, err);
}

bool rules_load(Arena *arena, const char *path, Rules *out, Err *err)
{
    BUF_SCOPE(text);

    return os_read_file(path, 1 << 20, &text, err) && rules_parse(arena, buf_str(&text), path, out, err);
}
