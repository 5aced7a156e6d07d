/* SPDX-License-Identifier: Apache-2.0 */
#include "place/place.h"

#include "base/buf.h"

/* What is known of a server of the dataset. */
typedef struct Link {
    Arena arena; /* of the connection */
    Db *db;      /* NULL: not connected */
    uint64_t uses;
} Link;

struct Place {
    PlaceSpec spec;
    Link *links; /* one for each server */
    size_t turn; /* whom place_any() asks next */
    Arena mapping_arena;
    Mapping mapping;
};

static void drop(Link *link)
{
    link->db = NULL;
    arena_free(&link->arena);
}

static void close_all(void *place_v)
{
    Place *place = place_v;

    for (size_t i = 0; i < place->spec.count; i++)
        drop(&place->links[i]);
    arena_free(&place->mapping_arena);
}

const PlaceSpec *place_spec(const Place *place)
{
    return &place->spec;
}

const Mapping *place_mapping(const Place *place)
{
    return &place->mapping;
}

bool place_server(Place *place, size_t server, Db **out, Err *err)
{
    Link *link = &place->links[server];

    if (link->db && !db_alive(link->db))
        drop(link);
    if (!link->db && !db_open(&link->arena, place->spec.servers[server].dsn, &link->db, err)) {
        drop(link);
        return err_wrap(err, "server '%s' of the dataset '%s'", place->spec.servers[server].name,
                        place->spec.dataset);
    }
    link->uses++;
    *out = link->db;
    return true;
}

/* By turns, so that it is not the same one that every job asks first. */
bool place_any(Place *place, Db **out, Err *err)
{
    Err why = {0};

    for (size_t i = 0; i < place->spec.count; i++)
        if (place_server(place, place->turn++ % place->spec.count, out, &why))
            return true;
    *err = why;
    return false;
}

static bool no_dataset(const Place *place, Err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "no server that can be reached has the dataset '%s'",
                  place->spec.dataset);
    return false;
}

/* A server that was made anew and has no tables must not be the one that is believed. */
bool place_refresh(Place *place, Err *err)
{
    Err why = {0}, unreached = {0};
    Arena arena = {0};
    Mapping read;
    Db *db;

    for (size_t i = 0; i < place->spec.count; i++) {
        why = (Err){0};
        if (place_server(place, place->turn++ % place->spec.count, &db, &why) &&
            mapping_read(db, &arena, &read, &why)) {
            arena_free(&place->mapping_arena);
            place->mapping_arena = arena;
            place->mapping = read;
            return true;
        }
        if (why.code != ERR_NOT_FOUND)
            unreached = why;
    }
    arena_free(&arena);
    if (!unreached.code)
        return no_dataset(place, err);
    *err = unreached;
    return false;
}

bool place_open(Arena *arena, const PlaceSpec *spec, Place **out, Err *err)
{
    Place *place = arena_new(arena, Place, 1);

    *place = (Place){.spec = *spec, .links = arena_new(arena, Link, spec->count)};
    arena_defer(arena, close_all, place);
    if (!place_refresh(place, err))
        return false;
    *out = place;
    return true;
}

/* ---- routing ---- */

bool place_find(const PlaceSpec *spec, Str name, size_t *out)
{
    for (size_t i = 0; i < spec->count; i++)
        if (str_eq_z(name, spec->servers[i].name)) {
            *out = i;
            return true;
        }
    return false;
}

bool place_lists(const PlaceSpec *spec, Str server)
{
    size_t at;

    return place_find(spec, server, &at);
}

Str place_list(const PlaceSpec *spec, Arena *arena)
{
    BUF_SCOPE(list);

    for (size_t i = 0; i < spec->count; i++)
        buf_printf(&list, "%s%s", i ? "," : "", spec->servers[i].name);
    return str_copy(arena, buf_str(&list));
}

/* The least used of those that were not tried; false when there is none. */
static bool next_copy(const Place *place, const MappingTable *table, const bool *tried, size_t *copy,
                      size_t *server)
{
    bool found = false;
    size_t at;

    for (size_t i = 0; i < table->count; i++)
        if (table->copies[i].active && !tried[i] && place_find(&place->spec, table->copies[i].server, &at) &&
            (!found || place->links[at].uses < place->links[*server].uses)) {
            *copy = i;
            *server = at;
            found = true;
        }
    return found;
}

static bool no_copy(const Place *place, const MappingTable *table, const Err *why, Err *err)
{
    if (why->code) {
        *err = *why;
        return err_wrap(err, "no active copy of the table '%.*s' can be reached", STR_ARG(table->name));
    }
    (void)err_set(err, ERR_DB, "no server of the dataset '%s' has an active copy of the table '%.*s'",
                  place->spec.dataset, STR_ARG(table->name));
    return err_hint(err, "the mapping names servers that [dataset %s] does not list", place->spec.dataset);
}

bool place_db(Place *place, Str table, Db **out, Err *err)
{
    ARENA_SCOPE(scratch);
    const MappingTable *found = mapping_find(&place->mapping, table);
    Err why = {0};
    size_t copy = 0, server = 0;

    if (!found)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no table '%.*s'", place->spec.dataset,
                       STR_ARG(table));
    bool *tried = arena_new(&scratch, bool, found->count);
    while (next_copy(place, found, tried, &copy, &server)) {
        if (place_server(place, server, out, &why))
            return true;
        tried[copy] = true;
    }
    return no_copy(place, found, &why, err);
}

/* ---- all servers ---- */

PlaceReport *place_reports(Place *place, Arena *arena)
{
    PlaceReport *reports = arena_new(arena, PlaceReport, place->spec.count);

    for (size_t i = 0; i < place->spec.count; i++) {
        PlaceReport *report = &reports[i];
        Db *db;

        report->server = place->spec.servers[i].name;
        report->reached = place_server(place, i, &db, &report->why);
        report->there = report->reached && mapping_read_version(db, arena, &report->version, &report->why);
    }
    return reports;
}
