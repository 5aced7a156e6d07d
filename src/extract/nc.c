/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/nc.h"

#include <math.h>
#include <netcdf.h>
#include <string.h>
#include <strings.h>

#include "extract/cf_time.h"

typedef struct Dim {
    Str name;
    size_t len;
    int coordinate; /* id of its coordinate variable, or -1 */
    bool is_time;
} Dim;

typedef struct Var {
    int group, id, dims_len;
    int dim_ids[NC_MAX_VAR_DIMS];
    Dim *dims;
} Var;

bool nc_open_file(NcFile *file, const char *path)
{
    if (nc_open(path, NC_NOWRITE, &file->id) != NC_NOERR)
        file->id = -1;
    return file->id >= 0;
}

void nc_close_file(NcFile *file)
{
    if (file->id >= 0)
        (void)nc_close(file->id);
    file->id = -1;
}

/* --- attributes --- */

/* A text attribute without trailing NULs and blanks; empty when there is none. */
static Str text_att(Arena *arena, int group, int var, const char *name)
{
    enum { TEXT_MAX = 64 * 1024 };
    nc_type type;
    size_t len;
    Str text = {0};

    if (nc_inq_att(group, var, name, &type, &len) != NC_NOERR || len == 0 || len > TEXT_MAX)
        return text;
    if (type == NC_STRING && len == 1) {
        char *held = NULL;

        if (nc_get_att_string(group, var, name, &held) == NC_NOERR && held) {
            text = str_copy(arena, str_from_z(held));
            (void)nc_free_string(1, &held);
        }
    } else if (type == NC_CHAR) {
        char *to = arena_new(arena, char, len + 1);

        if (nc_get_att_text(group, var, name, to) == NC_NOERR)
            text = str_from_z(to);
    }
    return str_trim(text);
}

static bool att_is(Arena *arena, int group, int var, const char *name, const char *value)
{
    Str text = text_att(arena, group, var, name);
    size_t len = strlen(value);

    return text.len == len && strncasecmp(text.ptr, value, len) == 0;
}

static double number_att(int group, int var, const char *name, double missing)
{
    double value;
    size_t len;

    if (nc_inq_attlen(group, var, name, &len) != NC_NOERR || len != 1 ||
        nc_get_att_double(group, var, name, &value) != NC_NOERR)
        return missing;
    return value;
}

static Str next_name(Str *rest)
{
    Str name;

    *rest = str_cut(str_trim(*rest), ' ', &name);
    return name;
}

/* --- bounds --- */

static bool names_it(int group, int var, const char *att, Str wanted)
{
    ARENA_SCOPE(scratch);
    Str rest = text_att(&scratch, group, var, att);

    while (rest.len > 0)
        if (str_eq(next_name(&rest), wanted))
            return true;
    return false;
}

static bool is_bounds_in(int group, Str name)
{
    int vars = 0;

    if (nc_inq_nvars(group, &vars) != NC_NOERR)
        return false;
    for (int v = 0; v < vars; v++)
        if (names_it(group, v, "bounds", name) || names_it(group, v, "climatology", name))
            return true;
    return false;
}

/* The group of "/a/b/name", and the name. */
static bool find_group(NcFile *file, Str variable, int *group, Str *name)
{
    ARENA_SCOPE(scratch);
    Str base = str_base_name(variable);

    *name = base;
    *group = file->id;
    if (base.len == variable.len)
        return true;
    variable = str_dir_name(variable);
    if (variable.len <= 1)
        return true;
    return nc_inq_grp_full_ncid(file->id, str_to_z(&scratch, variable), group) == NC_NOERR;
}

bool nc_is_data(NcFile *file, Str variable)
{
    ARENA_SCOPE(scratch);
    int group, id;
    nc_type type;
    Str name;

    if (file->id < 0 || !find_group(file, variable, &group, &name))
        return true;
    if (nc_inq_varid(group, str_to_z(&scratch, name), &id) == NC_NOERR &&
        nc_inq_vartype(group, id, &type) == NC_NOERR && (type == NC_CHAR || type == NC_STRING))
        return false;
    return !is_bounds_in(group, name);
}

bool nc_is_netcdf4(const NcFile *file)
{
    ARENA_SCOPE(scratch);
    size_t len;

    return nc_inq_attlen(file->id, NC_GLOBAL, "_NCProperties", &len) == NC_NOERR ||
           str_starts(text_att(&scratch, file->id, NC_GLOBAL, "Conventions"), STR("CF-"));
}

/* --- variables and their dimensions --- */

/* A 1-D variable named like the dimension, in the variable's group or one above it. */
static int find_coordinate(int group, const char *name, int dim, int *in_group)
{
    int var, dims_len, dims[NC_MAX_VAR_DIMS];

    for (;;) {
        if (nc_inq_varid(group, name, &var) == NC_NOERR &&
            nc_inq_varndims(group, var, &dims_len) == NC_NOERR && dims_len == 1 &&
            nc_inq_vardimid(group, var, dims) == NC_NOERR && dims[0] == dim) {
            *in_group = group;
            return var;
        }
        if (nc_inq_grp_parent(group, &group) != NC_NOERR)
            return -1;
    }
}

static bool find_var(NcFile *file, Arena *arena, Str variable, Var *out)
{
    Str name;
    nc_type type;

    if (file->id < 0 || !find_group(file, variable, &out->group, &name) ||
        nc_inq_varid(out->group, str_to_z(arena, name), &out->id) != NC_NOERR ||
        nc_inq_var(out->group, out->id, NULL, &type, &out->dims_len, out->dim_ids, NULL) != NC_NOERR)
        return false;
    out->dims = arena_new(arena, Dim, (size_t)out->dims_len + 1);
    for (int d = 0; d < out->dims_len; d++) {
        char text[NC_MAX_NAME + 1] = "";
        int unused;

        if (nc_inq_dim(out->group, out->dim_ids[d], text, &out->dims[d].len) != NC_NOERR)
            return false;
        out->dims[d].name = str_copy(arena, str_from_z(text));
        out->dims[d].coordinate = find_coordinate(out->group, text, out->dim_ids[d], &unused);
    }
    return true;
}

/* The group a coordinate was found in (it may be one above the variable's). */
static int coordinate_group(Arena *arena, const Var *var, int d)
{
    int group = var->group;

    (void)find_coordinate(var->group, str_to_z(arena, var->dims[d].name), var->dim_ids[d], &group);
    return group;
}

/* All values of a 1-D or scalar variable, unpacked; NULL when there are too many or they are no numbers. */
static double *read_values(Arena *arena, int group, int var, size_t len)
{
    double *values, scale, offset;
    nc_type type;

    if (len == 0 || len > NC_AXIS_MAX || nc_inq_vartype(group, var, &type) != NC_NOERR || type == NC_CHAR ||
        type > NC_UINT64)
        return NULL;
    values = arena_new(arena, double, len);
    if (nc_get_var_double(group, var, values) != NC_NOERR)
        return NULL;
    scale = number_att(group, var, "scale_factor", 1);
    offset = number_att(group, var, "add_offset", 0);
    if (scale != 1 || offset != 0)
        for (size_t i = 0; i < len; i++)
            values[i] = values[i] * scale + offset;
    return values;
}

/* --- time --- */

static bool has_time_units(Arena *arena, int group, int var)
{
    return cf_time_is_time(text_att(arena, group, var, "units"));
}

/* How sure it is that a dimension is the time axis; 0: it is not. */
static int time_rank(Arena *arena, const Var *var, int d, const Rule *rule)
{
    const Dim *dim = &var->dims[d];
    int group;

    if (rule->time_axis && str_eq(dim->name, rule->time_axis->name))
        return 5;
    if (dim->name.len == 4 && strncasecmp(dim->name.ptr, "time", 4) == 0)
        return 4;
    if (dim->coordinate < 0)
        return 0;
    group = coordinate_group(arena, var, d);
    if (att_is(arena, group, dim->coordinate, "standard_name", "time"))
        return 3;
    if (att_is(arena, group, dim->coordinate, "axis", "T"))
        return 2;
    return has_time_units(arena, group, dim->coordinate);
}

static int find_time_dim(Arena *arena, Var *var, const Rule *rule)
{
    int best = -1, best_rank = 0;

    for (int d = 0; d < var->dims_len; d++) {
        int rank = time_rank(arena, var, d, rule);

        if (rank > best_rank) {
            best = d;
            best_rank = rank;
        }
    }
    if (best >= 0)
        var->dims[best].is_time = true;
    return best;
}

/* A variable of the `coordinates` attribute that is a time: over dimension `dim`, or of one value when -1. */
static bool auxiliary_time(Arena *arena, const Var *var, int dim, int *group, int *id)
{
    Str rest = text_att(arena, var->group, var->id, "coordinates");

    while (rest.len > 0) {
        Str name = next_name(&rest);
        int candidate, dims_len, dims[NC_MAX_VAR_DIMS];
        size_t len = 1;

        if (name.len == 0 || nc_inq_varid(var->group, str_to_z(arena, name), &candidate) != NC_NOERR ||
            nc_inq_varndims(var->group, candidate, &dims_len) != NC_NOERR || dims_len > 1 ||
            nc_inq_vardimid(var->group, candidate, dims) != NC_NOERR ||
            !has_time_units(arena, var->group, candidate))
            continue;
        if (dims_len == 1 && nc_inq_dimlen(var->group, dims[0], &len) != NC_NOERR)
            continue;
        if (dim < 0 ? len != 1 : (dims_len != 1 || dims[0] != dim))
            continue;
        *group = var->group;
        *id = candidate;
        return true;
    }
    return false;
}

static void read_stamps(Arena *arena, int group, int id, size_t len, const Rule *rule, RecordSet *set)
{
    Err err = {0};
    CfTime time;
    Str units = rule->time_units.len > 0 ? rule->time_units : text_att(arena, group, id, "units");
    double *values = read_values(arena, group, id, len);
    Instant *stamps;

    if (!values || !cf_time_init(&time, units, text_att(arena, group, id, "calendar"), &err))
        return;
    stamps = arena_new(arena, Instant, len);
    /* Steps are counted by their stamps, so one that cannot be read leaves none that can be trusted. */
    for (size_t i = 0; i < len; i++)
        if (!cf_time_instant(&time, values[i], &stamps[i]))
            return;
    set->stamps = stamps;
    set->stamps_len = len;
}

static void describe_time(Arena *arena, Var *var, const Rule *rule, RecordSet *set)
{
    int d = find_time_dim(arena, var, rule), group, id;

    if (d >= 0 && var->dims[d].coordinate >= 0)
        read_stamps(arena, coordinate_group(arena, var, d), var->dims[d].coordinate, var->dims[d].len, rule,
                    set);
    if (set->stamps_len == 0 && d >= 0 && auxiliary_time(arena, var, var->dim_ids[d], &group, &id))
        read_stamps(arena, group, id, var->dims[d].len, rule, set);
    if (set->stamps_len == 0 && d < 0 && auxiliary_time(arena, var, -1, &group, &id))
        read_stamps(arena, group, id, 1, rule, set);
}

/* --- axes --- */

/* Which dimensions GDAL takes as x and y: the last two, unless their sizes say otherwise. */
static void find_sides(const Var *var, const RecordSet *set, int side[2])
{
    int n = var->dims_len;

    side[0] = n - 1;
    side[1] = n > 1 ? n - 2 : -1;
    if (n < 3 ||
        ((int64_t)var->dims[n - 1].len == set->x_size && (int64_t)var->dims[n - 2].len == set->y_size))
        return;
    for (int d = n - 1; d >= 0; d--)
        for (int e = n - 1; e >= 0; e--)
            if (d != e && (int64_t)var->dims[d].len == set->x_size &&
                (int64_t)var->dims[e].len == set->y_size) {
                side[0] = d;
                side[1] = e;
                return;
            }
}

static void describe_axes(Arena *arena, const Var *var, const int side[2], RecordSet *set)
{
    int64_t stride = 1;

    set->axes = arena_new(arena, RecordAxis, (size_t)var->dims_len + 1);
    for (int d = 0; d < var->dims_len; d++) {
        const Dim *dim = &var->dims[d];
        RecordAxis *axis = &set->axes[set->axes_len];

        if (d == side[0] || d == side[1])
            continue;
        set->axes_len++;
        axis->name = dim->is_time ? STR("time") : dim->name;
        axis->grid = dim->is_time ? STR("default") : STR("enum");
        axis->shape = record_int(arena, (int64_t)dim->len);
        if (!dim->is_time && dim->coordinate >= 0)
            axis->params.at = read_values(arena, coordinate_group(arena, var, d), dim->coordinate, dim->len);
        axis->params.len = axis->params.at ? dim->len : 0;
    }
    for (size_t i = set->axes_len; i > 0; i--) {
        set->axes[i - 1].strides = record_int(arena, stride);
        stride *= set->axes[i - 1].shape.at[0];
    }
    if (set->axes_len > 0)
        set->raster_count = stride;
}

/* --- horizontal coordinates --- */

static bool named_one_of(int group, int id, const char *const *names)
{
    char name[NC_MAX_NAME + 1] = "";

    if (nc_inq_varname(group, id, name) != NC_NOERR)
        return false;
    while (*names && strcasecmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

/* By units, standard name or axis, as CF has it; else by a name that says it. */
static bool is_horizontal(Arena *arena, int group, int id, bool *is_x, bool *is_degrees)
{
    static const char *const degrees[2][3] = {{"lon", "longitude", NULL}, {"lat", "latitude", NULL}};
    static const char *const plain[2][3] = {{"x", "easting", NULL}, {"y", "northing", NULL}};
    static const struct {
        const char *units[2], *names[2], *axis;
    } says[2] = {{{"degrees_e", "degree_e"}, {"longitude", "projection_x_coordinate"}, "X"},
                 {{"degrees_n", "degree_n"}, {"latitude", "projection_y_coordinate"}, "Y"}};
    Str units = text_att(arena, group, id, "units"), name = text_att(arena, group, id, "standard_name");
    bool rotated = str_starts(name, STR("grid_l"));

    for (int i = 0; i < 2; i++) {
        bool named = named_one_of(group, id, degrees[i]);

        if (!str_starts(units, str_from_z(says[i].units[0])) &&
            !str_starts(units, str_from_z(says[i].units[1])) && !str_eq_z(name, says[i].names[0]) &&
            !str_eq_z(name, says[i].names[1]) && !att_is(arena, group, id, "axis", says[i].axis) && !named &&
            !named_one_of(group, id, plain[i]))
            continue;
        *is_x = i == 0;
        *is_degrees = !rotated && (str_starts(units, STR("degree")) || (named && units.len == 0));
        return true;
    }
    return false;
}

static void describe_side(Arena *arena, const Var *var, int d, NcSide *side)
{
    int group;

    if (d < 0)
        return;
    side->dim = var->dims[d].name;
    if (var->dims[d].coordinate < 0)
        return;
    group = coordinate_group(arena, var, d);
    if (!is_horizontal(arena, group, var->dims[d].coordinate, &side->is_x, &side->is_degrees))
        return;
    side->at = read_values(arena, group, var->dims[d].coordinate, var->dims[d].len);
    side->len = side->at ? var->dims[d].len : 0;
}

/* Longitudes and latitudes of stations: two auxiliary coordinates along the same one dimension. */
static void describe_stations(Arena *arena, const Var *var, NcGrid *grid)
{
    Str rest = text_att(arena, var->group, var->id, "coordinates");
    int dim = -1;

    while (rest.len > 0) {
        Str name = next_name(&rest);
        int id, dims_len, dims[NC_MAX_VAR_DIMS];
        bool is_x, is_degrees;
        size_t len;
        double *values;

        if (name.len == 0 || nc_inq_varid(var->group, str_to_z(arena, name), &id) != NC_NOERR ||
            nc_inq_varndims(var->group, id, &dims_len) != NC_NOERR || dims_len != 1 ||
            nc_inq_vardimid(var->group, id, dims) != NC_NOERR || (dim >= 0 && dims[0] != dim) ||
            nc_inq_dimlen(var->group, dims[0], &len) != NC_NOERR ||
            !is_horizontal(arena, var->group, id, &is_x, &is_degrees) || !is_degrees)
            continue;
        values = read_values(arena, var->group, id, len);
        dim = dims[0];
        grid->points = len;
        *(is_x ? &grid->lon : &grid->lat) = values;
    }
    if (!grid->lon || !grid->lat)
        grid->points = 0;
}

bool nc_describe(NcFile *file, Arena *arena, Str variable, const Rule *rule, RecordSet *set, NcGrid *grid)
{
    Var var = {0};
    int side[2];

    *grid = (NcGrid){0};
    if (!find_var(file, arena, variable, &var) || var.dims_len == 0)
        return false;
    find_sides(&var, set, side);
    describe_time(arena, &var, rule, set);
    describe_axes(arena, &var, side, set);
    describe_side(arena, &var, side[0], &grid->side[0]);
    describe_side(arena, &var, side[1], &grid->side[1]);
    if (!grid->side[0].at || !grid->side[1].at)
        describe_stations(arena, &var, grid);
    return true;
}
