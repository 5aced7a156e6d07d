/* SPDX-License-Identifier: Apache-2.0 */
/* A search is two queries: one tells what is there and where, the other one looks (sql/mas_head, sql/mas_search). */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "catalog/grid.h"
#include "catalog/mas_shard.h"
#include "catalog_sql.h"

enum {
    WALK_MAX = 512, /* datasets below a directory that are looked at one by one rather than searched for */
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

/* ---- what the head says ---- */

typedef struct Head {
    bool exists; /* the directory */
    int64_t below;
    Str names; /* numbers: "{1,2}" */
    MasLevel *levels;
    size_t level_count;
    int srid;
    Str wkt, proj4;
} Head;

static int take_int(Str *text, char until)
{
    int64_t value = 0;
    Str head;

    *text = str_cut(*text, until, &head);
    (void)str_to_int64(head, &value);
    return (int)value;
}

static void read_levels(Arena *arena, Str text, Head *head)
{
    size_t most = 1;

    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ' ';
    head->levels = arena_new(arena, MasLevel, most);
    while (text.len) {
        MasLevel *level = &head->levels[head->level_count++];

        level->name = take_int(&text, ',');
        level->span = take_int(&text, ',');
        level->level = take_int(&text, ' ');
    }
}

static void read_names(Arena *arena, Str ids, Head *head)
{
    char *list = str_to_z(arena, str_printf(arena, "{%.*s}", STR_ARG(ids)));

    for (char *c = list; *c; c++)
        if (*c == ' ')
            *c = ',';
    head->names = str_from_z(list);
}

typedef struct Search {
    const MasSearch *ask;
    const MasOut *out;
    Arena *arena;
    Str path;
    PathHash hash;
    MasNames names;
    Srs srs;
    MasPeriod period;
    MasArea area;
    Head head;
    Mas *mas;
    int64_t rows;
} Search;

static bool ask_head(Search *s, Db *db, const MasShard *shard, bool *moved, Err *err)
{
    RESULT_SCOPE(rows);
    DbArg args[] = {DB_TEXT(s->path), mas_hash_arg(&s->hash), DB_TEXT_IF(s->names.given, s->names.list),
                    DB_TEXT_IF(s->srs.given, s->srs.authority), s->srs.given ? DB_INT(s->srs.code) : DB_NULL};

    if (!db_query(db, &sql_mas_head, args, &rows, err))
        return false;
    *moved = !str_eq_z(db_text(rows, 0, 0), shard->code);
    if (*moved)
        return true;
    Head head = {.exists = !db_is_null(rows, 0, 2), .below = db_int(rows, 0, 2)};
    head.srid = (int)db_int(rows, 0, 6);
    head.wkt = str_copy(s->arena, db_text(rows, 0, 7));
    head.proj4 = str_copy(s->arena, db_text(rows, 0, 8));
    if (s->names.given)
        read_names(s->arena, db_text(rows, 0, 4), &head);
    read_levels(s->arena, db_text(rows, 0, 5), &head);
    s->head = head;
    return mas_systems_load(s->mas, db, (int)db_int(rows, 0, 3), err);
}

/* ---- the mask ---- */

static bool check_parts(const MasSearch *ask, Err *err)
{
    if (ask->parts == 0)
        return err_set(err, ERR_USAGE, "pq: division by zero");
    if (ask->parts < 0 || ask->parts > AREA_EDGE_PARTS_MAX)
        return err_set(err, ERR_USAGE, "pq: nseg must be from 1 to %d", AREA_EDGE_PARTS_MAX);
    return true;
}

static bool read_area(Search *s, Err *err)
{
    const MasSearch *ask = s->ask;

    if (!s->srs.given)
        return true;
    if (s->head.srid == 0)
        return err_set(err, ERR_USAGE, "pq: unknown SRS");
    if (ask->wkt.len == 0)
        return true;
    if (!check_parts(ask, err))
        return false;
    MasTools *tools = mas_tools_take(s->mas);
    MasAreaSystem system = {.srid = s->head.srid,
                            .system = mas_tools_system(tools, s->head.srid, s->head.wkt, s->head.proj4),
                            .square = s->head.srid == 4326 || s->head.srid == 3857};
    bool compat = mas_is_compat(s->mas);
    bool ok = mas_area_read(tools->geometry, &system, s->arena, ask->wkt, ask->parts, compat, &s->area, err);
    mas_tools_give(s->mas, tools);
    if (!ok && err->code == ERR_USAGE)
        return err_set(err, ERR_USAGE, "pq: parse error - invalid geometry");
    if (!ok)
        return false;
    if (compat && s->area.flat)
        return err_set(err, ERR_USAGE, "pq: ST_Segmentize: invalid max_distance 0 (must be >= 0)");
    if (compat && s->area.empty)
        s->area = (MasArea){0};
    return true;
}

/* ---- looking ---- */

static bool put_row(void *search_v, const PGresult *row, Err *err)
{
    Search *s = search_v;
    const MasOut *out = s->out;
    uint32_t system = 0;

    if (!PQgetisnull(row, 0, 0)) {
        memcpy(&system, PQgetvalue(row, 0, 0), sizeof system);
        system = ntohl(system);
    }
    buf_put(out->body, s->rows++ ? STR(", {\"srs\": ") : STR("{\"srs\": "));
    mas_systems_put(s->mas, (int)system, out->body);
    buf_put(out->body, STR(", "));
    buf_put(out->body, (Str){PQgetvalue(row, 0, 1), (size_t)PQgetlength(row, 0, 1)});
    return !out->flush || out->flush(out->ctx, err);
}

static Str box_text(Arena *arena, const FootprintBox *box)
{
    return str_printf(arena, "{%.17g,%.17g,%.17g,%.17g}", box->west, box->south, box->east, box->north);
}

/* No area and no time: everything there is. */
static bool look_at_all(Search *s, Db *db, const MasShard *shard, Err *err)
{
    bool root = str_eq(s->path, shard->root);
    const DbArg args[] = {DB_TEXT_IF(s->names.given, s->head.names), root ? DB_NULL : mas_hash_arg(&s->hash),
                          s->ask->limit > 0 ? DB_INT(s->ask->limit) : DB_NULL};

    return db_stream(db, &sql_mas_whole, args, true, put_row, s, err);
}

static Str parts_text(Arena *arena, const MasArea *area)
{
    GridBox box = grid_box(&(Footprint){.box = area->around, .known = area->given});

    return str_printf(arena, "{%d,%d,%d,%d}", box.west, box.south, box.east, box.north);
}

/* Few files are looked at one by one; others are searched for. */
static bool look(Search *s, Db *db, const MasShard *shard, Err *err)
{
    ATTR_CLEANUP(mas_probes_release) MasProbes probes = {0};
    const MasSearch *ask = s->ask;
    const MasArea *area = &s->area;
    bool compat = mas_is_compat(s->mas), root = str_eq(s->path, shard->root);
    bool walk = !root && s->head.below <= WALK_MAX;
    char since[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    bool simplify = area->points >= SIMPLE_LEAST;

    mas_probes_make(&probes, area, &s->period, s->head.levels, walk ? 0 : s->head.level_count);
    DbArg args[] = {DB_TEXT(buf_str(&probes.keys)),
                    DB_TEXT(buf_str(&probes.key_since)),
                    DB_TEXT(buf_str(&probes.key_until)),
                    DB_TEXT(buf_str(&probes.firsts)),
                    DB_TEXT(buf_str(&probes.lasts)),
                    DB_TEXT(buf_str(&probes.range_since)),
                    DB_TEXT(buf_str(&probes.range_until)),
                    DB_TEXT(buf_str(&probes.names)),
                    DB_TEXT(buf_str(&probes.classes)),
                    DB_TEXT(buf_str(&probes.time_since)),
                    DB_TEXT(buf_str(&probes.time_until)),
                    walk ? mas_hash_arg(&s->hash) : DB_NULL,
                    DB_INT(s->period.given ? s->period.until : INT64_MAX),
                    DB_TEXT_IF(s->names.given, s->head.names),
                    DB_TEXT_IF(s->period.given, time_format(s->period.since, since)),
                    DB_TEXT_IF(s->period.given, time_format(s->period.until, until)),
                    DB_BOOL(compat && ask->until.len > 0),
                    DB_TEXT_IF(area->given, box_text(s->arena, &area->around)),
                    DB_TEXT_IF(area->has_inner, box_text(s->arena, &area->inner)),
                    area->given ? DB_BINARY(area->ewkb) : DB_NULL,
                    DB_TEXT(str_printf(s->arena, "{%.17g,%.17g,%.17g}", simplify ? ask->same : -1,
                                       simplify ? ask->tolerance : -1, area->edge)),
                    DB_BOOL(area->degrees && !compat),
                    DB_BOOL(compat),
                    root || walk ? DB_NULL : mas_hash_arg(&s->hash),
                    ask->limit > 0 ? DB_INT(ask->limit) : DB_NULL,
                    DB_TEXT(parts_text(s->arena, area))};

    return db_stream(db, &sql_mas_search, args, true, put_row, s, err);
}

static bool nothing_can_be(const Search *s)
{
    return s->area.nothing || s->head.below == 0 || (s->names.given && s->head.names.len <= 2);
}

static bool ask_search(Mas *mas, Db *db, const MasShard *shard, void *search_v, bool *moved, Err *err)
{
    Search *s = search_v;

    s->mas = mas;
    buf_reset(s->out->body);
    if (!ask_head(s, db, shard, moved, err))
        return false;
    if (*moved)
        return true;
    if (!read_area(s, err) || !read_period(mas, db, s->ask, &s->period, err))
        return false;
    buf_put(s->out->body, STR("{\"gdal\": ["));
    bool all = !s->area.given && !s->period.given;
    if (!nothing_can_be(s) && !(all ? look_at_all : look)(s, db, shard, err))
        return false;
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
