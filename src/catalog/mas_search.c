/* SPDX-License-Identifier: Apache-2.0 */
/* A search is one query (sql/mas_search); below a directory with few datasets these are listed before (sql/mas_walk). */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "catalog/grid.h"
#include "catalog/mas_shard.h"
#include "catalog_sql.h"

enum {
    SIMPLE_LEAST = 101, /* points of a mask that is simplified when asked for */
    SRS_MAX = 20,       /* bytes of an authority's name */
};

/* Stamps that round to another second are still found, as in the original. */
static const Duration time_slack = SECONDS(1);

/* ---- parameters ---- */

typedef struct Srs {
    bool given;
    Str authority;
    int64_t code;
} Srs;

/* AUTH:123 */
static bool read_srs(Str text, Srs *out, Err *err)
{
    Str authority, code = str_cut(text, ':', &authority);
    bool ok = authority.len > 0 && authority.len <= SRS_MAX && code.len > 0;

    for (size_t i = 0; ok && i < authority.len; i++)
        ok = authority.ptr[i] >= 'A' && authority.ptr[i] <= 'Z';
    for (size_t i = 0; ok && i < code.len; i++)
        ok = code.ptr[i] >= '0' && code.ptr[i] <= '9';
    if (!ok || !str_to_int64(code, &out->code) || out->code > INT32_MAX)
        return err_set(err, ERR_USAGE, "pq: unknown SRS");
    out->authority = authority;
    out->given = true;
    return true;
}

static bool read_period(Mas *mas, Db *db, const MasSearch *search, MasPeriod *out, Err *err)
{
    MasPeriod period = {0};
    bool since = search->time.len > 0, until = search->until.len > 0 && (since || !mas_is_compat(mas));

    period.given = since || until;
    period.since = -SECONDS(62135510400);
    if (since && !mas_time(db, search->time, &period.since, err))
        return false;
    period.until = period.since;
    if (until && !mas_time(db, search->until, &period.until, err))
        return false;
    if (since && until && period.until + time_slack < period.since - time_slack)
        return err_set(err, ERR_USAGE,
                       "pq: range lower bound must be less than or equal to range upper bound");
    if (until) {
        period.since -= time_slack;
        period.until += time_slack;
    }
    *out = period;
    return true;
}

typedef struct Search {
    const MasSearch *ask;
    const MasOut *out;
    Arena *arena;
    Mas *mas;
    const MasShard *shard;
    Str path;
    PathHash hash;
    bool root; /* the path is the shard's */
    MasNames names;
    Srs srs;
    MasPeriod period;
    MasArea area;

    bool told;      /* the row that says how the search went has come: */
    bool elsewhere; /* the path is in another shard */
    char way[8];    /* that the search took */
    uint32_t sizes; /* of datasets that occur, as bits; those for which cells are asked */
    Str *systems;   /* texts by number, as far as they were needed */
    int systems_size;
    int64_t rows;
} Search;

/* ---- the mask ---- */

static bool check_parts(const MasSearch *ask, Err *err)
{
    if (ask->parts == 0)
        return err_set(err, ERR_USAGE, "pq: division by zero");
    if (ask->parts < 0 || ask->parts > AREA_EDGE_PARTS_MAX)
        return err_set(err, ERR_USAGE, "pq: nseg must be from 1 to %d", AREA_EDGE_PARTS_MAX);
    return true;
}

static bool read_mask(Search *s, const MasSystem *named, Err *err)
{
    const MasSearch *ask = s->ask;
    MasTools *tools = mas_tools_take(s->mas);
    MasAreaSystem system = {.srid = named->srid,
                            .system = mas_tools_system(tools, named->srid, named->wkt, named->proj4),
                            .square = named->srid == 4326 || named->srid == 3857};
    bool ok = mas_area_read(tools->geometry, &system, s->arena, ask->wkt, ask->parts, mas_is_compat(s->mas),
                            &s->area, err);

    mas_tools_give(s->mas, tools);
    return ok || (err->code == ERR_USAGE && err_set(err, ERR_USAGE, "pq: parse error - invalid geometry"));
}

static bool read_area(Search *s, Db *db, Err *err)
{
    bool compat = mas_is_compat(s->mas);
    MasSystem named;

    if (!s->srs.given)
        return true;
    if (!mas_system_find(s->mas, s->arena, db, s->srs.authority, (int)s->srs.code, &named, err))
        return false;
    if (named.srid == 0)
        return err_set(err, ERR_USAGE, "pq: unknown SRS");
    if (s->ask->wkt.len == 0)
        return true;
    if (!check_parts(s->ask, err) || !read_mask(s, &named, err))
        return false;
    if (compat && s->area.flat)
        return err_set(err, ERR_USAGE, "pq: ST_Segmentize: invalid max_distance 0 (must be >= 0)");
    if (compat && s->area.empty)
        s->area = (MasArea){0};
    return true;
}

/* ---- rows ---- */

/* "xx1 64 cells" */
static void take_state(Search *s, Str text)
{
    Str code, sizes;
    int64_t bits = 0;

    text = str_cut(str_cut(text, ' ', &code), ' ', &sizes);
    s->elsewhere = !str_eq_z(code, s->shard->code);
    (void)snprintf(s->way, sizeof s->way, "%.*s", STR_ARG(text));
    (void)str_to_int64(sizes, &bits);
    s->sizes |= (uint32_t)bits;
    s->told = true;
}

/* Kept by the request, so that a row needs no lock. */
static bool system_text(Search *s, int id, Str *out, Err *err)
{
    if (id >= s->systems_size) {
        int size = id + 16;
        Str *more = arena_new(s->arena, Str, (size_t)size);

        if (s->systems_size)
            memcpy(more, s->systems, (size_t)s->systems_size * sizeof *more);
        s->systems = more;
        s->systems_size = size;
    }
    if (s->systems[id].len == 0 && !mas_system_text(s->mas, id, &s->systems[id], err))
        return false;
    *out = s->systems[id];
    return true;
}

static bool put_row(void *search_v, const PGresult *row, Err *err)
{
    Search *s = search_v;
    const MasOut *out = s->out;
    Str json = db_text(row, 0, 1), system;
    uint32_t id = 0;

    if (!s->told) {
        take_state(s, json);
        return true;
    }
    if (s->elsewhere)
        return true;
    if (!PQgetisnull(row, 0, 0)) {
        memcpy(&id, PQgetvalue(row, 0, 0), sizeof id);
        id = ntohl(id);
    }
    if (!system_text(s, (int)id, &system, err))
        return false;
    buf_put(out->body, s->rows++ ? STR(", {\"srs\": ") : STR("{\"srs\": "));
    buf_put(out->body, system);
    buf_put(out->body, STR(", "));
    buf_put(out->body, json);
    return !out->flush || out->flush(out->ctx, err);
}

/* ---- looking ---- */

/* No area and no time: everything there is. */
static bool look_at_all(Search *s, Db *db, Err *err)
{
    const DbArg args[] = {DB_TEXT(s->path), mas_hash_arg(&s->hash), DB_BOOL(s->root),
                          DB_TEXT_IF(s->names.given, s->names.list),
                          s->ask->limit > 0 ? DB_INT(s->ask->limit) : DB_NULL};

    s->told = false;
    return db_stream(db, &sql_mas_whole, args, true, put_row, s, err);
}

/* Looks among the datasets of `given`, a row of mas_walk, or for them where that is NULL. */
static bool look(Search *s, Db *db, const PGresult *given, Err *err)
{
    ATTR_CLEANUP(mas_probes_release) MasProbes probes = {0};
    const MasSearch *ask = s->ask;
    const MasArea *area = &s->area;
    const MasPeriod *period = &s->period;
    const FootprintBox *around = &area->around, *inner = &area->inner;
    GridBox parts = grid_box(&(Footprint){.box = *around, .known = area->given});
    bool compat = mas_is_compat(s->mas), timed = period->given, simplify = area->points >= SIMPLE_LEAST;
    char since[TIME_TEXT_MAX], until[TIME_TEXT_MAX];

    mas_probes_make(&probes, area, period, given ? 0 : s->sizes);
    const DbArg args[] = {
        DB_TEXT(s->path),
        mas_hash_arg(&s->hash),
        DB_BOOL(s->root),
        DB_TEXT_IF(s->names.given, s->names.list),
        given ? DB_TEXT(db_text(given, 0, 0)) : DB_NULL,
        given ? DB_TEXT(db_text(given, 0, 1)) : DB_NULL,
        DB_INT(s->sizes),
        DB_TEXT_IF(area->given, buf_str(&probes.counts)),
        DB_TEXT(buf_str(&probes.firsts)),
        DB_TEXT(buf_str(&probes.lasts)),
        DB_TEXT(buf_str(&probes.runs_at)),
        DB_INT(timed ? period->since : INT64_MIN),
        DB_INT(timed ? period->until : INT64_MAX),
        DB_TEXT(buf_str(&probes.ends_us)),
        DB_TEXT_IF(timed, time_format(period->since, since)),
        DB_TEXT_IF(timed, time_format(period->until, until)),
        DB_TEXT(buf_str(&probes.ends)),
        DB_BOOL(compat && ask->until.len > 0),
        area->given ? DB_DOUBLE(around->west) : DB_NULL,
        area->given ? DB_DOUBLE(around->south) : DB_NULL,
        area->given ? DB_DOUBLE(around->east) : DB_NULL,
        area->given ? DB_DOUBLE(around->north) : DB_NULL,
        DB_TEXT_IF(area->has_inner, str_printf(s->arena, "{%.17g,%.17g,%.17g,%.17g}", inner->west,
                                               inner->south, inner->east, inner->north)),
        DB_INT(parts.west),
        DB_INT(parts.south),
        DB_INT(parts.east),
        DB_INT(parts.north),
        area->given ? DB_BINARY(area->ewkb) : DB_NULL,
        DB_TEXT(str_printf(s->arena, "{%.17g,%.17g,%.17g}", simplify ? ask->same : -1,
                           simplify ? ask->tolerance : -1, area->edge)),
        DB_BOOL(area->degrees && !compat),
        DB_BOOL(compat),
        ask->limit > 0 ? DB_INT(ask->limit) : DB_NULL};

    s->told = false;
    return db_stream(db, &sql_mas_search, args, true, put_row, s, err);
}

static bool walk(Search *s, Db *db, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_mas_walk,
                  DB_ARGS(mas_hash_arg(&s->hash), DB_TEXT_IF(s->names.given, s->names.list)), &rows, err))
        return false;
    return db_is_null(rows, 0, 0) || look(s, db, rows, err);
}

static bool took(const Search *s, const char *way)
{
    return !s->elsewhere && str_eq_z(str_from_z(s->way), way);
}

static bool search(Search *s, Db *db, Err *err)
{
    if (!s->area.given && !s->period.given)
        return look_at_all(s, db, err);
    do
        if (!look(s, db, NULL, err))
            return false;
    while (took(s, "again"));
    mas_shard_note_sizes(s->mas, s->shard, s->sizes);
    return !took(s, "walk") || walk(s, db, err);
}

static bool ask_search(Mas *mas, Db *db, const MasShard *shard, void *search_v, bool *moved, Err *err)
{
    Search *s = search_v;

    s->mas = mas;
    s->shard = shard;
    s->sizes = shard->sizes;
    s->root = str_eq(s->path, shard->root);
    s->elsewhere = false;
    if (!read_area(s, db, err) || !read_period(mas, db, s->ask, &s->period, err))
        return false;
    buf_reset(s->out->body);
    buf_put(s->out->body, STR("{\"gdal\": ["));
    if (!s->area.nothing && !search(s, db, err))
        return false;
    *moved = s->elsewhere;
    buf_put(s->out->body, STR("]}"));
    return true;
}

bool mas_intersects(Mas *mas, Arena *arena, const MasSearch *ask, const MasOut *out, Err *err)
{
    Search s = {.ask = ask, .out = out, .arena = arena, .path = mas_path(arena, ask->path)};
    bool found;

    s.hash = pathname_hash(s.path);
    s.names = mas_names(arena, ask->has_names, ask->names);
    if (ask->srs.len && !read_srs(ask->srs, &s.srs, err))
        return false;
    if (!mas_ask(mas, arena, s.path, ask_search, &s, &found, err))
        return false;
    if (!found)
        buf_put(out->body, STR("{\"gdal\": []}"));
    return true;
}
