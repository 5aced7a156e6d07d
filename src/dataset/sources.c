/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/sources.h"

#include <limits.h>
#include <stdlib.h>

#include "dataset/csv.h"

static bool open_one(Arena *arena, Str path, const SourceOptions *options, Source **out, Err *err)
{
    char real[PATH_MAX];

    if (!realpath(str_to_z(arena, path), real))
        return err_sys(err, ERR_NOT_FOUND, "cannot find '%.*s'", STR_ARG(path));
    return source_open(arena, real, options, out, err);
}

/* The columns of another file, by name, must be those of the first. */
static bool check_same(const Source *first, const Source *other, Err *err)
{
    if (other->kind->binary != first->kind->binary)
        return err_set(err, ERR_USAGE, "'%s' is %s and '%s' is %s: they cannot be imported at once",
                       first->path, first->kind->what, other->path, other->kind->what);
    for (size_t i = 0; i < other->columns.count; i++)
        if (columns_find(&first->columns, other->columns.items[i].name) < 0)
            return err_set(err, ERR_USAGE, "'%s' has a column '%.*s', and '%s' has none", other->path,
                           STR_ARG(other->columns.items[i].name), first->path);
    for (size_t i = 0; i < first->columns.count; i++)
        if (columns_find(&other->columns, first->columns.items[i].name) < 0)
            return err_set(err, ERR_USAGE, "'%s' has a column '%.*s', and '%s' has none", first->path,
                           STR_ARG(first->columns.items[i].name), other->path);
    return true;
}

static bool has_the_order_of(const Source *first, const Source *other)
{
    for (size_t i = 0; i < first->columns.count; i++)
        if (!str_eq(first->columns.items[i].name, other->columns.items[i].name))
            return false;
    return true;
}

/* The schema that gives a file the order of the first: its own fields by the first's names. */
static Columns order_of(Arena *arena, const Source *first, const Source *other)
{
    Columns out = {arena_new(arena, Column, first->columns.count), first->columns.count};

    for (size_t i = 0; i < out.count; i++)
        out.items[i] = other->columns.items[columns_find(&other->columns, first->columns.items[i].name)];
    return out;
}

static bool open_like(Arena *arena, const Source *first, Str path, const SourceOptions *options, Source **out,
                      Err *err)
{
    SourceOptions ordered = *options;
    Columns order;

    if (!open_one(arena, path, options, out, err) || !check_same(first, *out, err))
        return false;
    if (has_the_order_of(first, *out))
        return true;
    order = order_of(arena, first, *out);
    ordered.schema = &order;
    return open_one(arena, path, &ordered, out, err);
}

/* A file without rows has no types to say. */
static void widen(Source **sources, size_t count)
{
    for (size_t c = 0; c < sources[0]->columns.count; c++) {
        const char *widest = NULL;

        for (size_t i = 0; i < count; i++)
            if (sources[i]->rows > 0)
                widest = widest ? csv_wider(widest, sources[i]->columns.items[c].type)
                                : sources[i]->columns.items[c].type;
        for (size_t i = 0; widest && i < count; i++)
            sources[i]->columns.items[c].type = widest;
    }
}

/* ---- roles ---- */

static bool find_role(const Source *source, Str name, Str usual, Str usual_too, int *out, Err *err)
{
    if (name.len > 0) {
        *out = columns_find(&source->columns, name);
        return *out >= 0 || err_set(err, ERR_USAGE, "'%s' has no column '%.*s'", source->path, STR_ARG(name));
    }
    *out = columns_find(&source->columns, usual);
    if (*out < 0 && usual_too.len > 0)
        *out = columns_find(&source->columns, usual_too);
    return true;
}

static bool find_roles(const Source *source, const SourcesRoles *roles, SiteColumns *out, Err *err)
{
    return find_role(source, roles->key, STR("globaltreeid"), (Str){0}, &out->key, err) &&
           find_role(source, roles->position[0], STR("posx"), STR("x"), &out->at[0], err) &&
           find_role(source, roles->position[1], STR("posy"), STR("y"), &out->at[1], err) &&
           find_role(source, roles->position[2], STR("posz"), STR("z"), &out->at[2], err) &&
           find_role(source, roles->snapshot, STR("snapnum"), (Str){0}, &out->snap, err);
}

bool sources_open(Arena *arena, const Str *paths, size_t count, const SourceOptions *options,
                  const SourcesRoles *roles, Source ***out, Err *err)
{
    Source **sources = arena_new(arena, Source *, count);
    int64_t rows = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 ? !open_one(arena, paths[i], options, &sources[i], err)
                   : !open_like(arena, sources[0], paths[i], options, &sources[i], err))
            return false;
        sources[i]->first = rows;
        rows += sources[i]->rows;
        if (sources[i]->number < 0)
            sources[i]->number = (int)i;
        if (!find_roles(sources[i], roles, &sources[i]->sites, err))
            return false;
    }
    if (!sources[0]->kind->binary && !options->schema)
        widen(sources, count);
    *out = sources;
    return true;
}
