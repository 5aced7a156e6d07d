/* SPDX-License-Identifier: Apache-2.0 */
#include "place/place.h"

#include "base/buf.h"

/* What is known of a server of the dataset. */
typedef struct Link {
    Arena arena; /* of the connection */
    Db *db;      /* NULL: not connected */
    uint64_t uses;
    PlaceHealth health;
    Duration pause, next_try; /* by the monotonic clock: left alone until then, when it is down */
} Link;

typedef struct Hook {
    PlaceHook *run;
    void *ctx;
} Hook;

enum { HOOKS_MAX = 16 };
#define DEADLINE      SECONDS(30)
#define FIRST_PAUSE   MILLISECONDS(100)
#define LONGEST_PAUSE SECONDS(30)

struct Place {
    PlaceSpec spec;
    Link *links; /* one for each server */
    size_t turn; /* whom place_any() asks next */
    Hook hooks[HOOKS_MAX];
    size_t hooks_count;
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

/* ---- connections and how servers are ---- */

static bool run_hooks(Place *place, Db *db, Err *err)
{
    for (size_t i = 0; i < place->hooks_count; i++)
        if (!place->hooks[i].run(place->hooks[i].ctx, db, err))
            return false;
    return true;
}

static bool connect_link(Place *place, size_t server, Err *err)
{
    Link *link = &place->links[server];

    if (db_open(&link->arena, place->spec.servers[server].dsn, &link->db, err)) {
        db_set_deadline(link->db, place->spec.deadline ? place->spec.deadline : DEADLINE);
        if (run_hooks(place, link->db, err)) {
            link->health = PLACE_GOOD;
            link->pause = 0;
            return true;
        }
    }
    drop(link);
    link->health = PLACE_DOWN;
    link->pause = link->pause == 0                  ? FIRST_PAUSE
                  : link->pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE
                                                    : link->pause * 2;
    link->next_try = time_monotonic() + link->pause;
    return err_wrap(err, "server '%s' of the dataset '%s'", place->spec.servers[server].name,
                    place->spec.dataset);
}

static void notice_loss(Link *link)
{
    if (!link->db || db_alive(link->db))
        return;
    drop(link);
    link->health = PLACE_SUSPECT;
}

bool place_server(Place *place, size_t server, Db **out, Err *err)
{
    Link *link = &place->links[server];

    notice_loss(link);
    if (!link->db && !connect_link(place, server, err))
        return false;
    link->uses++;
    *out = link->db;
    return true;
}

static bool is_resting(const Link *link)
{
    return link->health == PLACE_DOWN && time_monotonic() < link->next_try;
}

PlaceHealth place_health(const Place *place, size_t server)
{
    const Link *link = &place->links[server];

    return link->db && !db_alive(link->db) ? PLACE_SUSPECT : link->health;
}

const char *place_health_name(PlaceHealth health)
{
    static const char *const names[] = {
        [PLACE_GOOD] = "good", [PLACE_SUSPECT] = "suspect", [PLACE_DOWN] = "down"};

    return names[health];
}

bool place_add_hook(Place *place, PlaceHook *hook, void *ctx, Err *err)
{
    if (place->hooks_count == HOOKS_MAX)
        return err_set(err, ERR_LIMIT, "a dataset's connections have %d hooks at most", HOOKS_MAX);
    for (size_t i = 0; i < place->spec.count; i++) {
        Link *link = &place->links[i];

        notice_loss(link);
        if (link->db && !hook(ctx, link->db, err))
            return err_wrap(err, "server '%s'", place->spec.servers[i].name);
    }
    place->hooks[place->hooks_count++] = (Hook){hook, ctx};
    return true;
}

void place_restart(Place *place)
{
    for (size_t i = 0; i < place->spec.count; i++)
        drop(&place->links[i]);
}

/* By turns; those that rest come last. As it is now: whom one asks may rest afterwards. */
static size_t *list_in_turn(Place *place, Arena *arena)
{
    size_t count = place->spec.count, first = place->turn++, awake = 0, resting = 0;
    size_t *order = arena_new(arena, size_t, count), *last = arena_new(arena, size_t, count);

    for (size_t i = 0; i < count; i++) {
        size_t at = (first + i) % count;

        if (is_resting(&place->links[at]))
            last[resting++] = at;
        else
            order[awake++] = at;
    }
    for (size_t i = 0; i < resting; i++)
        order[awake + i] = last[i];
    return order;
}

/* By turns, so that it is not the same one that every job asks first. */
bool place_any(Place *place, Db **out, Err *err)
{
    ARENA_SCOPE(scratch);
    const size_t *order = list_in_turn(place, &scratch);
    Err why = {0};

    for (size_t i = 0; i < place->spec.count; i++)
        if (place_server(place, order[i], out, &why))
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
    ARENA_SCOPE(scratch);
    const size_t *order = list_in_turn(place, &scratch);
    Err why = {0}, unreached = {0};
    Arena arena = {0};
    Mapping read;
    Db *db;

    for (size_t i = 0; i < place->spec.count; i++) {
        why = (Err){0};
        if (place_server(place, order[i], &db, &why) && mapping_read(db, &arena, &read, &why)) {
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

Place *place_new(Arena *arena, const PlaceSpec *spec)
{
    Place *place = arena_new(arena, Place, 1);

    *place = (Place){.spec = *spec, .links = arena_new(arena, Link, spec->count)};
    arena_defer(arena, close_all, place);
    return place;
}

bool place_open(Arena *arena, const PlaceSpec *spec, Place **out, Err *err)
{
    Place *place = place_new(arena, spec);

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

static bool is_busy(const Link *link)
{
    return link->db && PQtransactionStatus(db_handle(link->db)) != PQTRANS_IDLE;
}

/* Less is better. */
typedef struct Rank {
    bool resting, backup, far, busy;
    double uses;
} Rank;

static Rank rank_of(const Place *place, size_t server)
{
    const PlaceServer *what = &place->spec.servers[server];
    const Link *link = &place->links[server];
    PlaceRoute route = place->spec.route;
    int64_t weight = route == PLACE_BY_WEIGHT && what->weight > 0 ? what->weight : 1;

    return (Rank){.resting = is_resting(link),
                  .backup = what->backup,
                  .far = route == PLACE_BY_LOCAL && !what->local,
                  .busy = route != PLACE_BY_WEIGHT && is_busy(link),
                  .uses = (double)link->uses / (double)weight};
}

static bool is_better(Rank a, Rank b)
{
    if (a.resting != b.resting)
        return b.resting;
    if (a.backup != b.backup)
        return b.backup;
    if (a.far != b.far)
        return b.far;
    return a.busy != b.busy ? b.busy : a.uses < b.uses;
}

/* The best of those that were not tried; false when there is none. */
static bool next_copy(const Place *place, const MappingTable *table, const bool *tried, size_t *copy,
                      size_t *server)
{
    bool found = false;
    size_t at;

    for (size_t i = 0; i < table->count; i++)
        if (table->copies[i].active && !tried[i] && place_find(&place->spec, table->copies[i].server, &at) &&
            (!found || is_better(rank_of(place, at), rank_of(place, *server)))) {
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

/* Until one copy is reached and `use`, if any, does not lose it. */
static bool try_copies(Place *place, Str table, PlaceUse *use, void *ctx, size_t *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const MappingTable *found = mapping_find(&place->mapping, table);
    Err why = {0};
    size_t copy = 0, server = 0;
    Db *db;

    if (!found)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no table '%.*s'", place->spec.dataset,
                       STR_ARG(table));
    bool *tried = arena_new(&scratch, bool, found->count);
    while (next_copy(place, found, tried, &copy, &server)) {
        why = (Err){0};
        tried[copy] = true;
        if (!place_server(place, server, &db, &why))
            continue;
        if (out)
            *out = server;
        if (!use || use(ctx, found->name, db, &why))
            return true;
        if (db_alive(db)) { /* it is what was asked, and not the server */
            *err = why;
            return false;
        }
        (void)err_wrap(&why, "server '%s'", place->spec.servers[server].name);
    }
    return no_copy(place, found, &why, err);
}

bool place_db(Place *place, Str table, Db **out, Err *err)
{
    size_t server;

    if (!try_copies(place, table, NULL, NULL, &server, err))
        return false;
    *out = place->links[server].db;
    return true;
}

bool place_route(Place *place, Str table, size_t *out, Err *err)
{
    return try_copies(place, table, NULL, NULL, out, err);
}

bool place_with(Place *place, Str table, PlaceUse *use, void *ctx, Err *err)
{
    return try_copies(place, table, use, ctx, NULL, err);
}

bool place_each(Place *place, PlaceUse *use, void *ctx, Err *err)
{
    for (size_t i = 0; i < place->mapping.count; i++)
        if (!place_with(place, place->mapping.tables[i].name, use, ctx, err))
            return false;
    return true;
}

/* ---- all servers ---- */

bool place_all(Place *place, bool (*use)(void *ctx, const char *server, Db *db, Err *err), void *ctx,
               Err *whys)
{
    bool all = true;
    Db *db;

    for (size_t i = 0; i < place->spec.count; i++) {
        whys[i] = (Err){0};
        if (!place_server(place, i, &db, &whys[i]) || !use(ctx, place->spec.servers[i].name, db, &whys[i]))
            all = false;
    }
    return all;
}

static const PlaceReport *newest_of(const PlaceReport *reports, size_t count)
{
    const PlaceReport *newest = &reports[0];

    for (size_t i = 1; i < count; i++)
        if (reports[i].there && (!newest->there || reports[i].version.epoch > newest->version.epoch))
            newest = &reports[i];
    return newest;
}

static PlaceAgreement agreement_of(const PlaceReport *report, const PlaceReport *newest)
{
    if (!report->reached)
        return PLACE_UNKNOWN;
    if (!report->there)
        return PLACE_MISSING;
    if (!str_eq(report->version.checksum, report->version.real))
        return PLACE_DAMAGED;
    return mapping_same(&report->version, &newest->version) ? PLACE_AGREES
           : report->version.epoch < newest->version.epoch  ? PLACE_BEHIND
                                                            : PLACE_DIFFERS;
}

const char *place_agreement_name(PlaceAgreement agreement)
{
    static const char *const names[] = {
        [PLACE_AGREES] = "ok",       [PLACE_BEHIND] = "behind",   [PLACE_DIFFERS] = "differs",
        [PLACE_DAMAGED] = "damaged", [PLACE_MISSING] = "missing", [PLACE_UNKNOWN] = "down"};

    return names[agreement];
}

PlaceReport *place_reports(Place *place, Arena *arena)
{
    PlaceReport *reports = arena_new(arena, PlaceReport, place->spec.count);

    for (size_t i = 0; i < place->spec.count; i++) {
        PlaceReport *report = &reports[i];
        Db *db;

        report->server = place->spec.servers[i].name;
        report->reached = place_server(place, i, &db, &report->why);
        report->there = report->reached && mapping_read_version(db, arena, &report->version, &report->why);
        report->health = place_health(place, i);
    }
    const PlaceReport *newest = newest_of(reports, place->spec.count);
    for (size_t i = 0; i < place->spec.count; i++)
        reports[i].agreement = agreement_of(&reports[i], newest);
    return reports;
}
