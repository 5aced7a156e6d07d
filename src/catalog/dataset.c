/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/dataset_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "crypto/hash.h"

/* What the fields are called in a record, and in a MAS answer. */
static const struct {
    Str key;
    const char *answer; /* NULL: not part of the answer as it stands */
    bool path_before;   /* file_path comes before it: the original's order of keys */
} fields[FIELD_COUNT] = {
#define F(key, answer, path_before)                 \
    {                                               \
        {key, sizeof(key) - 1}, answer, path_before \
    }
    [FIELD_AXES] = F("axes", "axes", false),
    [FIELD_MEANS] = F("means", "means", false),
    [FIELD_NODATA] = F("nodata", "nodata", false),
    [FIELD_DS_NAME] = F("ds_name", "ds_name", false),
    [FIELD_GEO_LOC] = F("geo_loc", "geo_loc", false),
    [FIELD_POLYGON] = F("polygon", "polygon", false),
    [FIELD_NAMESPACE] = F("namespace", "namespace", true),
    [FIELD_OVERVIEWS] = F("overviews", "overviews", false),
    [FIELD_ARRAY_TYPE] = F("array_type", "array_type", false),
    [FIELD_TIMESTAMPS] = F("timestamps", "timestamps", false),
    [FIELD_GEOTRANSFORM] = F("geotransform", "geo_transform", false),
    [FIELD_SAMPLE_COUNTS] = F("sample_counts", "sample_counts", false),
    [FIELD_PROJ_WKT] = F("proj_wkt", NULL, false),
    [FIELD_PROJ4] = F("proj4", NULL, false),
#undef F
};

struct DatasetReader {
    Register *reg;
    GeometryReader *geometry;
    Buf text;
};

static void release(void *reader_v)
{
    DatasetReader *reader = reader_v;

    buf_release(&reader->text);
}

bool dataset_reader_open(Arena *arena, const char *conninfo, Str shard, DatasetReader **out, Err *err)
{
    DatasetReader *reader = arena_new(arena, DatasetReader, 1);

    if (!register_open(arena, conninfo, shard, &reader->reg, err))
        return false;
    reader->geometry = geometry_reader_new(arena);
    arena_defer(arena, release, reader);
    *out = reader;
    return true;
}

size_t dataset_count(const DatasetList *list)
{
    return list->count;
}

Str dataset_plain_name(Arena *arena, Str name)
{
    char *plain = str_to_z(arena, name);
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';

        if ((c & 0xc0) != 0x80) /* a character of several bytes is one _ */
            plain[len++] = word ? c : '_';
    }
    return (Str){plain, len};
}

/* ---- fields ---- */

static Field field_of(Str key)
{
    int f = 0;

    while (f < FIELD_COUNT && !str_eq(key, fields[f].key))
        f++;
    return (Field)f;
}

/* Takes one element; false when it is no object (or no JSON). */
static bool take_fields(JsonIn *in, Dataset *ds)
{
    Str key;

    if (!json_enter(in, '{'))
        return false;
    while (json_key_next(in, &key)) {
        Field f = field_of(key);
        JsonValue value;

        if (!json_value(in, &value))
            return false;
        if (f < FIELD_COUNT) {
            ds->values[f] = value;
            ds->has[f] = value.kind != JSON_NULL;
        }
    }
    return !in->problem;
}

static Str text_field(Arena *arena, const Dataset *ds, Field f)
{
    return ds->has[f] && ds->values[f].kind == JSON_STRING ? str_trim(json_text(arena, &ds->values[f]))
                                                           : (Str){0};
}

static int by_time(const void *a_v, const void *b_v)
{
    const Instant *a = a_v, *b = b_v;

    return (*a > *b) - (*a < *b);
}

static bool read_stamps(Arena *arena, Dataset *ds, Err *err)
{
    JsonIn in = json_in(ds->values[FIELD_TIMESTAMPS].raw);
    JsonValue value;
    size_t most = 1;

    if (!ds->has[FIELD_TIMESTAMPS] || ds->values[FIELD_TIMESTAMPS].kind != JSON_ARRAY)
        return true;
    for (size_t i = 0; i < ds->values[FIELD_TIMESTAMPS].raw.len; i++)
        most += ds->values[FIELD_TIMESTAMPS].raw.ptr[i] == ',';
    if (most > DATASET_STAMPS_MAX)
        return err_set(err, ERR_LIMIT, "%zu times, allowed are %d", most, DATASET_STAMPS_MAX);
    ds->stamps = arena_new(arena, Instant, most);
    (void)json_enter(&in, '[');
    while (json_element_next(&in) && json_value(&in, &value)) {
        Instant *at = &ds->stamps[ds->stamp_count];

        if (value.kind != JSON_STRING || !time_parse(json_text(arena, &value), at))
            return err_set(err, ERR_USAGE, "'%.*s' is not a time", STR_ARG(str_sub(value.raw, 0, 60)));
        if (ds->stamp_count == 0 || *at < ds->first)
            ds->first = *at;
        if (ds->stamp_count == 0 || *at > ds->last)
            ds->last = *at;
        ds->stamp_count++;
    }
    /* Searches look for a time by halving. */
    for (int i = 1; i < ds->stamp_count; i++)
        if (ds->stamps[i] < ds->stamps[i - 1]) {
            qsort(ds->stamps, (size_t)ds->stamp_count, sizeof *ds->stamps, by_time);
            break;
        }
    for (int i = 1; i < ds->stamp_count; i++)
        if (ds->stamps[i] - ds->stamps[i - 1] > ds->gap)
            ds->gap = ds->stamps[i] - ds->stamps[i - 1];
    return true;
}

static bool read_pixel(Dataset *ds, Err *err)
{
    JsonIn in = json_in(ds->values[FIELD_GEOTRANSFORM].raw);
    JsonValue value;

    ds->pixel_x = ds->pixel_y = NAN;
    if (!ds->has[FIELD_GEOTRANSFORM] || !json_enter(&in, '['))
        return true;
    for (int i = 0; json_element_next(&in) && json_value(&in, &value); i++) {
        double number;

        if (!json_to_double(&value, &number))
            return err_set(err, ERR_USAGE, "'%.*s' in geotransform is not a number",
                           STR_ARG(str_sub(value.raw, 0, 60)));
        if (i == 1)
            ds->pixel_x = number;
        if (i == 5)
            ds->pixel_y = number;
    }
    return true;
}

/* A cryptographic hash, so that no file can have a shape that passes for another's. */
static int64_t shape_key(DatasetReader *reader, const Dataset *ds)
{
    unsigned char sum[HASH_MD5_BYTES];
    int64_t key;

    buf_reset(&reader->text);
    geometry_put_ewkb(&reader->text, &ds->shape, ds->system->srid);
    hash_md5(buf_str(&reader->text), sum);
    memcpy(&key, sum, sizeof key);
    return key;
}

static bool read_shape(DatasetReader *reader, Arena *arena, Dataset *ds, Err *err)
{
    Str wkt = text_field(arena, ds, FIELD_POLYGON);

    if (!register_system(reader->reg, text_field(arena, ds, FIELD_PROJ_WKT),
                         text_field(arena, ds, FIELD_PROJ4), &ds->system, err))
        return false;
    if (wkt.len == 0)
        return true;
    if (!geometry_parse(reader->geometry, arena, wkt, &ds->shape, err))
        return err_wrap(err, "polygon");
    ds->has_shape = true;
    ds->shape_key = shape_key(reader, ds);
    ds->footprint = footprint_of(ds->system->system, &ds->shape);
    return true;
}

static bool read_name_and_axes(DatasetReader *reader, Arena *arena, Dataset *ds, Err *err)
{
    ds->name = str_copy(arena, text_field(arena, ds, FIELD_NAMESPACE));
    ds->plain_name = dataset_plain_name(arena, ds->name);
    if (ds->name.len && !register_name(reader->reg, ds->plain_name, &ds->name_id, err))
        return false;
    if (ds->has[FIELD_AXES] && !register_axes(reader->reg, ds->values[FIELD_AXES].raw, &ds->axes_id, err))
        return false;
    return true;
}

/* ---- the answer ---- */

static void put_value(Buf *out, const Dataset *ds, Field f)
{
    const JsonValue *value = &ds->values[f];

    if (!ds->has[f])
        buf_put_z(out, "null");
    else if (value->kind == JSON_STRING) {
        buf_put_byte(out, '"');
        buf_put(out, value->raw);
        buf_put_byte(out, '"');
    } else
        buf_put(out, value->raw);
}

/* All but the brace and `srs`, which stand in front; keys in the original's order. */
static void make_answer(DatasetReader *reader, Arena *arena, const Str path, Dataset *ds)
{
    Buf *out = &reader->text;

    buf_reset(out);
    for (int f = 0; f < FIELD_COUNT; f++) {
        if (!fields[f].answer)
            continue;
        if (fields[f].path_before) {
            buf_put_z(out, ", \"file_path\": ");
            json_put_quoted(out, path);
        }
        buf_put_z(out, f ? ", \"" : "\"");
        buf_put_z(out, fields[f].answer);
        buf_put_z(out, "\": ");
        put_value(out, ds, f);
    }
    buf_put_byte(out, '}');
    ds->answer = str_copy(arena, buf_str(out));
}

/* ---- records ---- */

static bool read_dataset(DatasetReader *reader, Arena *arena, Str path, JsonIn *in, Dataset *ds, Err *err)
{
    if (!take_fields(in, ds))
        return err_set(err, ERR_USAGE, "%s", in->problem ? in->problem : "not an object");
    ds->id = register_next_id(reader->reg);
    if (!read_stamps(arena, ds, err) || !read_pixel(ds, err) || !read_shape(reader, arena, ds, err) ||
        !read_name_and_axes(reader, arena, ds, err))
        return false;
    make_answer(reader, arena, path, ds);
    return true;
}

static bool read_datasets(DatasetReader *reader, Arena *arena, Str path, JsonIn *in, DatasetList *list,
                          Err *err)
{
    Dataset **end = &list->first;

    while (*end)
        end = &(*end)->next;
    while (json_element_next(in)) {
        if (list->count >= DATASET_COUNT_MAX)
            return err_set(err, ERR_LIMIT, "more than %d datasets", DATASET_COUNT_MAX);
        Dataset *ds = arena_new(arena, Dataset, 1);
        ds->number = (int)list->count;
        if (!read_dataset(reader, arena, path, in, ds, err))
            return err_wrap(err, "dataset %zu", list->count);
        *end = ds;
        end = &ds->next;
        list->count++;
    }
    return true;
}

static bool has_same(const Dataset *a, const Dataset *b)
{
    return a->has_shape == b->has_shape && a->shape_key == b->shape_key && a->stamp_count == b->stamp_count &&
           (a->stamp_count == 0 ||
            memcmp(a->stamps, b->stamps, (size_t)a->stamp_count * sizeof *a->stamps) == 0);
}

static bool are_alike(const DatasetList *list)
{
    for (const Dataset *ds = list->first; ds; ds = ds->next)
        if (!has_same(ds, list->first))
            return false;
    return true;
}

bool dataset_parse(DatasetReader *reader, Arena *arena, Str path, Str json, const DatasetList **out, Err *err)
{
    DatasetList *list = arena_new(arena, DatasetList, 1);
    JsonIn in = json_in(json);
    Str key, file = path;
    JsonValue value;

    for (bool more = json_enter(&in, '{'); more && json_key_next(&in, &key);) {
        if (str_eq(key, STR("geo_metadata")) && json_enter(&in, '[')) {
            if (!read_datasets(reader, arena, file, &in, list, err))
                return false;
        } else if (json_value(&in, &value) && str_eq(key, STR("filename")) && value.kind == JSON_STRING)
            file = json_text(arena, &value);
    }
    if (!json_done(&in))
        return err_set(err, ERR_USAGE, "byte %zu of the JSON: %s", json_at(&in),
                       in.problem ? in.problem : "not an object");
    list->alike = are_alike(list);
    *out = list;
    return true;
}
