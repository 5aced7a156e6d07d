/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/scene.h"

#include <gdal.h>
#include <yaml.h>

#include "base/os.h"
#include "extract/gdal_env.h"
#include "extract/raster.h"
#include "extract/srs.h"

/* --- the document --- */

typedef struct Doc {
    yaml_parser_t parser;
    yaml_document_t document;
    bool parsing, loaded;
} Doc;

static void drop_doc(Doc *doc)
{
    if (doc->loaded)
        yaml_document_delete(&doc->document);
    if (doc->parsing)
        yaml_parser_delete(&doc->parser);
}

static Str scalar(const yaml_node_t *node)
{
    if (!node || node->type != YAML_SCALAR_NODE)
        return (Str){0};
    return (Str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static yaml_node_t *get(Doc *doc, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++)
        if (str_eq_z(scalar(yaml_document_get_node(&doc->document, pair->key)), key))
            return yaml_document_get_node(&doc->document, pair->value);
    return NULL;
}

static size_t length(const yaml_node_t *list)
{
    if (!list || list->type != YAML_SEQUENCE_NODE)
        return 0;
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static yaml_node_t *entry(Doc *doc, const yaml_node_t *list, size_t i)
{
    return i < length(list) ? yaml_document_get_node(&doc->document, list->data.sequence.items.start[i])
                            : NULL;
}

static bool number(const yaml_node_t *node, double *out)
{
    return str_to_double(scalar(node), out);
}

static int64_t whole(const yaml_node_t *node)
{
    int64_t value = 0;

    return str_to_int64(scalar(node), &value) ? value : 0;
}

/* --- what all bands of a scene share --- */

typedef struct Scene {
    ExtractFile *file;
    Doc *doc;
    SrsText srs;
    Str polygon;
    bool has_time;
    Instant time;
} Scene;

/* A point, a ring of points, a list of rings, ...: WKT's brackets, one pair a level. False when malformed. */
static bool put_coordinates(Doc *doc, const yaml_node_t *list, int depth, Buf *out)
{
    if (length(list) == 0)
        return false;
    if (depth > 0)
        buf_put_byte(out, '(');
    for (size_t i = 0; i < length(list); i++) {
        double value;

        if (depth > 0) {
            buf_put_z(out, i > 0 ? "," : "");
            if (!put_coordinates(doc, entry(doc, list, i), depth - 1, out))
                return false;
        } else if (i < 2) {
            if (!number(entry(doc, list, i), &value))
                return false;
            buf_printf(out, "%s%f", i > 0 ? " " : "", value);
        }
    }
    if (depth > 0)
        buf_put_byte(out, ')');
    return true;
}

/* A GeoJSON geometry as WKT; empty when it is no polygon. */
static Str geometry_text(Arena *arena, Doc *doc, const yaml_node_t *geometry)
{
    BUF_SCOPE(out);
    bool many = str_eq(scalar(get(doc, geometry, "type")), STR("MultiPolygon"));

    buf_put_z(&out, many ? "MULTIPOLYGON " : "POLYGON ");
    if (!put_coordinates(doc, get(doc, geometry, "coordinates"), many ? 3 : 2, &out))
        return (Str){0};
    return str_copy(arena, buf_str(&out));
}

static void set_time(Scene *scene, const yaml_node_t *node)
{
    Str text = str_trim(scalar(node));

    scene->has_time = time_parse(text, &scene->time) ||
                      time_parse(str_printf(scene->file->arena, "%.*sZ", STR_ARG(text)), &scene->time);
}

/* --- bands --- */

static Str join(Arena *arena, Str beside, Str path)
{
    Str dir = str_dir_name(beside);

    while (str_starts(path, STR("./")))
        path = str_sub(path, 2, path.len);
    if (str_starts(path, STR("/")) || dir.len == beside.len || str_base_name(beside).len == beside.len)
        return str_copy(arena, path);
    return str_printf(arena, "%.*s%s%.*s", STR_ARG(dir), str_ends(dir, STR("/")) ? "" : "/", STR_ARG(path));
}

/* What the names of bands say of their type, for bands whose file is not there. */
static Str type_of_band(Str name)
{
    static const struct {
        const char *part, *type;
    } types[] = {
        {"contiguity", "Byte"},   {"fmask", "Byte"},         {"shadow", "Byte"},       {"mask", "Byte"},
        {"zenith", "Float32"},    {"azimuth", "Float32"},    {"azimuthal", "Float32"}, {"view", "Float32"},
        {"slope", "Float32"},     {"aspect", "Float32"},     {"incident", "Float32"},  {"exiting", "Float32"},
        {"timedelta", "Float32"}, {"time_delta", "Float32"},
    };

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (memmem(name.ptr, name.len, types[i].part, strlen(types[i].part)))
            return str_from_z(types[i].type);
    return STR("Int16");
}

static void read_band_file(const Scene *scene, RecordSet *set)
{
    struct stat st;
    GDALDatasetH ds;
    NcGrid no_grid = {0};
    Str polygon = set->polygon, wkt = set->proj_wkt, proj4 = set->proj4;

    if (str_starts(set->ds_name, STR("/vsi")) || stat(set->ds_name.ptr, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    ds = GDALOpenEx(set->ds_name.ptr, GDAL_OF_READONLY | GDAL_OF_RASTER, NULL, NULL, NULL);
    if (!ds)
        return;
    raster_describe(scene->file, ds, set);
    raster_place(scene->file, ds, &no_grid, set);
    (void)raster_measure(scene->file, ds, set);
    if (polygon.len > 0)
        set->polygon = polygon;
    if (wkt.len > 0) {
        set->proj_wkt = wkt;
        set->proj4 = proj4;
    }
    (void)GDALClose(ds);
}

/* A dataset for one band; `place` fills its size and position from the document. */
static void add_band(Scene *scene, Str name, const yaml_node_t *band,
                     void (*place)(Scene *, const yaml_node_t *, RecordSet *))
{
    Arena *arena = scene->file->arena;
    RecordSet *set;
    Str path = scalar(get(scene->doc, band, "path"));

    if (name.len == 0 || path.len == 0)
        return;
    set = record_add(scene->file->record, arena);
    set->ds_name = join(arena, scene->file->path, path);
    set->name_space = str_copy(arena, name);
    set->array_type = type_of_band(set->name_space);
    set->raster_count = 1;
    set->has_transform = true;
    set->polygon = scene->polygon;
    set->proj_wkt = scene->srs.wkt;
    set->proj4 = scene->srs.proj4;
    if (scene->has_time) {
        set->stamps = arena_new(arena, Instant, 1);
        set->stamps[0] = scene->time;
        set->stamps_len = 1;
    }
    place(scene, band, set);
    read_band_file(scene, set);
    if (set->polygon.len == 0)
        set->polygon = STR("POLYGON EMPTY");
}

static void add_bands(Scene *scene, const yaml_node_t *bands,
                      void (*place)(Scene *, const yaml_node_t *, RecordSet *))
{
    if (!bands || bands->type != YAML_MAPPING_NODE)
        return;
    for (yaml_node_pair_t *pair = bands->data.mapping.pairs.start; pair < bands->data.mapping.pairs.top;
         pair++)
        add_band(scene, scalar(yaml_document_get_node(&scene->doc->document, pair->key)),
                 yaml_document_get_node(&scene->doc->document, pair->value), place);
}

/* --- Sentinel-2 ARD-METADATA --- */

static void place_ard(Scene *scene, const yaml_node_t *band, RecordSet *set)
{
    yaml_node_t *info = get(scene->doc, band, "info");

    set->x_size = whole(get(scene->doc, info, "width"));
    set->y_size = whole(get(scene->doc, info, "height"));
    for (size_t i = 0; i < 6; i++)
        if (!number(entry(scene->doc, get(scene->doc, info, "geotransform"), i), &set->transform[i]))
            set->transform[i] = 0;
}

static void read_ard(Scene *scene, const yaml_node_t *root)
{
    Doc *doc = scene->doc;
    Arena *arena = scene->file->arena;
    yaml_node_t *projection = get(doc, get(doc, root, "grid_spatial"), "projection");

    scene->file->record->file_type = str_copy(arena, scalar(get(doc, get(doc, root, "format"), "name")));
    scene->srs = srs_from_user(arena, scalar(get(doc, projection, "spatial_reference")));
    scene->polygon = geometry_text(arena, doc, get(doc, projection, "valid_data"));
    set_time(scene, get(doc, get(doc, root, "extent"), "center_dt"));
    add_bands(scene, get(doc, get(doc, root, "image"), "bands"), place_ard);
}

/* --- EO3 --- */

/* `grids` has for each grid its shape, rows first, and an affine transform in row order of its matrix. */
static void place_eo3(Scene *scene, const yaml_node_t *band, RecordSet *set)
{
    static const size_t order[6] = {2, 0, 1, 5, 3, 4};
    ARENA_SCOPE(scratch);
    Doc *doc = scene->doc;
    Str name = scalar(get(doc, band, "grid"));
    yaml_node_t *grids = get(doc, yaml_document_get_root_node(&doc->document), "grids");
    yaml_node_t *grid = get(doc, grids, name.len > 0 ? str_to_z(&scratch, name) : "default");

    set->y_size = whole(entry(doc, get(doc, grid, "shape"), 0));
    set->x_size = whole(entry(doc, get(doc, grid, "shape"), 1));
    for (size_t i = 0; i < 6; i++)
        if (!number(entry(doc, get(doc, grid, "transform"), order[i]), &set->transform[i]))
            set->transform[i] = 0;
}

static void read_eo3(Scene *scene, const yaml_node_t *root)
{
    Doc *doc = scene->doc;
    Arena *arena = scene->file->arena;

    scene->file->record->file_type = STR("GTiff");
    scene->srs = srs_from_user(arena, scalar(get(doc, root, "crs")));
    scene->polygon = geometry_text(arena, doc, get(doc, root, "geometry"));
    set_time(scene, get(doc, get(doc, root, "properties"), "datetime"));
    add_bands(scene, get(doc, root, "measurements"), place_eo3);
}

bool scene_read(ExtractFile *file, Err *err)
{
    BUF_SCOPE(text);
    ATTR_CLEANUP(drop_doc) Doc doc = {0};
    Scene scene = {.file = file, .doc = &doc};
    yaml_node_t *root;

    if (!os_read_file(file->path_z, SCENE_MAX, &text, err))
        return false;
    doc.parsing = yaml_parser_initialize(&doc.parser);
    yaml_parser_set_input_string(&doc.parser, (const unsigned char *)text.ptr, text.len);
    doc.loaded = yaml_parser_load(&doc.parser, &doc.document);
    if (!doc.loaded)
        return err_set(err, ERR_CORRUPT, "'%.*s' is no YAML: line %zu: %s", STR_ARG(file->record->filename),
                       doc.parser.problem_mark.line + 1,
                       doc.parser.problem ? doc.parser.problem : "unreadable");
    root = yaml_document_get_root_node(&doc.document);
    if (get(&doc, root, "image") && get(&doc, root, "grid_spatial"))
        read_ard(&scene, root);
    else if (get(&doc, root, "measurements") && get(&doc, root, "crs"))
        read_eo3(&scene, root);
    return true;
}
