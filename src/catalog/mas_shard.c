/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/mas_shard.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/lock.h"
#include "catalog/dataset.h"
#include "catalog_sql.h"

enum {
    TOOLS_SYSTEMS_MAX = 64, /* transforms that one thread's tools keep */
    SYSTEMS_MAX = 1024,     /* whose texts are kept; authorities have some thousands in all */
};

/* A plan that fits every request beats one made for each; what is asked for is little and found by index. */
static const char settings[] = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_hashjoin=off "
                               "-c enable_mergejoin=off -c enable_seqscan=off -c timezone=UTC "
                               "-c max_parallel_workers_per_gather=0 -c work_mem=32MB";

typedef struct Root {
    struct Root *next;
    Str code, path;
    uint32_t sizes;
} Root;

struct Mas {
    Pool *readers, *writers;
    bool compat;

    pthread_mutex_t mutex; /* guards all below */
    Arena roots_arena;
    Root *roots;
    Arena systems_arena;
    Str *systems; /* JSON strings, by sr_id */
    int systems_newest, systems_size;
    MasSystem *named;
    int named_count;
    MasTools *idle;
};

/* ---- life cycle ---- */

static Pool *open_pool(const MasOptions *options, const char *dsn, int connections, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *full = db_dsn_with(&scratch, dsn, "options", settings, err);

    return full ? pool_open(&(PoolOptions){
                      .dsn = full, .size = connections, .statement_timeout = options->statement_timeout})
                : NULL;
}

bool mas_open(const MasOptions *options, Mas **out, Err *err)
{
    Pool *readers = open_pool(options, options->reader, options->connections ? options->connections : 8, err);
    Pool *writers = readers ? open_pool(options, options->writer, 2, err) : NULL;

    if (!writers) {
        if (readers)
            pool_close(readers);
        return false;
    }
    Mas *mas = calloc(1, sizeof *mas);
    if (!mas)
        abort();
    *mas = (Mas){.readers = readers, .writers = writers, .compat = options->compat};
    (void)pthread_mutex_init(&mas->mutex, NULL);
    *out = mas;
    return true;
}

static void free_tools(MasTools *tools)
{
    Arena arena = tools->arena;

    arena_free(&arena);
}

void mas_close(Mas *mas)
{
    for (MasTools *tools = mas->idle, *next; tools; tools = next) {
        next = tools->next;
        free_tools(tools);
    }
    pool_close(mas->readers);
    pool_close(mas->writers);
    arena_free(&mas->roots_arena);
    arena_free(&mas->systems_arena);
    (void)pthread_mutex_destroy(&mas->mutex);
    free(mas);
}

void mas_tick(Mas *mas)
{
    pool_tick(mas->readers);
    pool_tick(mas->writers);
}

bool mas_is_compat(const Mas *mas)
{
    return mas->compat;
}

/* ---- texts ---- */

Str mas_path(Arena *arena, Str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return pathname_escape(arena, path);
}

MasNames mas_names(Arena *arena, bool given, Str list)
{
    BUF_SCOPE(out);
    Str name;

    if (!given)
        return (MasNames){0};
    while (list.len) {
        list = str_cut(list, ',', &name);
        name = dataset_plain_name(arena, str_trim(name));
        if (name.len == 0)
            continue;
        buf_put_byte(&out, out.len ? ',' : '{');
        buf_put_byte(&out, '"');
        buf_put(&out, name);
        buf_put_byte(&out, '"');
    }
    buf_put_z(&out, out.len ? "}" : "{}");
    return (MasNames){true, str_copy(arena, buf_str(&out))};
}

bool mas_time(Db *db, Str text, Instant *out, Err *err)
{
    if (time_parse(text, out) && *out > -SECONDS(62135510400) && *out < SECONDS(253402300800))
        return true;
    return db_query_int(db, &sql_mas_time, DB_ARGS(DB_TEXT(text)), out, err);
}

/* ---- which shard ---- */

static bool remembered(Mas *mas, Arena *arena, Str path, MasShard *out)
{
    LOCK_SCOPE(held, &mas->mutex);
    const Root *best = NULL;

    for (const Root *root = mas->roots; root; root = root->next)
        if (pathname_is_within(path, root->path) && (!best || root->path.len > best->path.len))
            best = root;
    if (!best)
        return false;
    (void)snprintf(out->code, sizeof out->code, "%.*s", STR_ARG(best->code));
    out->root = str_copy(arena, best->path);
    out->sizes = best->sizes;
    return true;
}

static void remember(Mas *mas, Str code, Str path)
{
    LOCK_SCOPE(held, &mas->mutex);
    Root *root = mas->roots;

    while (root && !str_eq(root->path, path))
        root = root->next;
    if (root && str_eq(root->code, code))
        return;
    root = arena_new(&mas->roots_arena, Root, 1);
    *root = (Root){.next = mas->roots,
                   .code = str_copy(&mas->roots_arena, code),
                   .path = str_copy(&mas->roots_arena, path)};
    mas->roots = root;
}

void mas_shard_forget(Mas *mas)
{
    LOCK_SCOPE(held, &mas->mutex);

    mas->roots = NULL;
    arena_reset(&mas->roots_arena);
}

void mas_shard_note_sizes(Mas *mas, const MasShard *shard, uint32_t sizes)
{
    if (sizes == shard->sizes)
        return;
    LOCK_SCOPE(held, &mas->mutex);
    for (Root *root = mas->roots; root; root = root->next)
        if (str_eq(root->path, shard->root))
            root->sizes |= sizes;
}

bool mas_shard_find(Mas *mas, Arena *arena, Str path, MasShard *out, Err *err)
{
    POOL_SCOPE(lease);
    RESULT_SCOPE(rows);

    *out = (MasShard){0};
    if (remembered(mas, arena, path, out))
        return true;
    if (!pool_take(mas->writers, &(PoolWish){0}, &lease, err) ||
        !db_query(lease.db, &sql_mas_shard, DB_ARGS(DB_TEXT(path)), &rows, err))
        return false;
    if (db_count(rows) == 0)
        return true;
    Str code = db_text(rows, 0, 0);
    (void)snprintf(out->code, sizeof out->code, "%.*s", STR_ARG(code));
    out->root = str_copy(arena, db_text(rows, 0, 1));
    remember(mas, code, out->root);
    return true;
}

bool mas_take(Mas *mas, const MasShard *shard, PoolLease *out, Err *err)
{
    return pool_take(mas->readers, &(PoolWish){.shard = str_from_z(shard->code)}, out, err);
}

bool mas_take_writer(Mas *mas, const MasShard *shard, PoolLease *out, Err *err)
{
    return pool_take(mas->writers, &(PoolWish){.shard = str_from_z(shard->code)}, out, err);
}

bool mas_ask(Mas *mas, Arena *arena, Str path, MasAsk *ask, void *ctx, bool *found, Err *err)
{
    enum { TRIES = 3 };

    for (int try = 0;; try++) {
        POOL_SCOPE(lease);
        MasShard shard;
        bool moved = false;

        if (!mas_shard_find(mas, arena, path, &shard, err))
            return false;
        *found = shard.code[0] != '\0';
        if (!*found)
            return true;
        if (!mas_take(mas, &shard, &lease, err))
            return false;
        bool ok = ask(mas, lease.db, &shard, ctx, &moved, err);
        /* A relation that is not there: the shard was dropped or renamed. */
        moved |= !ok && err->code == ERR_NOT_FOUND && err->sqlstate[0] == '4';
        if (!moved)
            return ok;
        if (try + 1 == TRIES)
            return err_set(err, ERR_CONFLICT, "the shards change all the time");
        mas_shard_forget(mas);
    }
}

/* ---- coordinate systems ---- */

static void enter_system(Mas *mas, int id, Str wkt)
{
    BUF_SCOPE(json);

    if (id >= mas->systems_size) {
        int size = (id + 1) * 2;
        Str *more = arena_new(&mas->systems_arena, Str, (size_t)size);

        if (mas->systems_size)
            memcpy(more, mas->systems, (size_t)mas->systems_size * sizeof *more);
        mas->systems = more;
        mas->systems_size = size;
    }
    if (mas->systems[id].len)
        return;
    json_put_quoted(&json, wkt);
    mas->systems[id] = str_copy(&mas->systems_arena, buf_str(&json));
    if (id > mas->systems_newest)
        mas->systems_newest = id;
}

static bool known_system(Mas *mas, int id, Str *out, int *newest)
{
    LOCK_SCOPE(held, &mas->mutex);

    *newest = mas->systems_newest;
    if (id >= mas->systems_size || mas->systems[id].len == 0)
        return false;
    *out = mas->systems[id];
    return true;
}

/* Numbers may become visible out of order: one that is missing below the newest came late. */
bool mas_system_text(Mas *mas, int id, Str *out, Err *err)
{
    POOL_SCOPE(lease);
    RESULT_SCOPE(rows);
    int newest;

    if (id <= 0 || known_system(mas, id, out, &newest)) {
        if (id <= 0)
            *out = STR("null");
        return true;
    }
    if (!pool_take(mas->writers, &(PoolWish){0}, &lease, err) ||
        !db_query(lease.db, &sql_mas_systems, DB_ARGS(DB_INT(id > newest ? newest : 0)), &rows, err))
        return false;
    {
        LOCK_SCOPE(held, &mas->mutex);
        for (int i = 0; i < db_count(rows); i++)
            enter_system(mas, (int)db_int(rows, i, 0), db_text(rows, i, 1));
    }
    if (!known_system(mas, id, out, &newest))
        *out = STR("null");
    return true;
}

static bool known_name(Mas *mas, Str authority, int code, MasSystem *out)
{
    LOCK_SCOPE(held, &mas->mutex);

    for (int i = 0; i < mas->named_count; i++)
        if (mas->named[i].code == code && str_eq(mas->named[i].authority, authority)) {
            *out = mas->named[i];
            return true;
        }
    return false;
}

/* One that is not there is not remembered: it may come. */
static void remember_name(Mas *mas, const MasSystem *system)
{
    LOCK_SCOPE(held, &mas->mutex);
    Arena *arena = &mas->systems_arena;

    if (system->srid == 0 || mas->named_count == SYSTEMS_MAX)
        return;
    if (!mas->named)
        mas->named = arena_new(arena, MasSystem, SYSTEMS_MAX);
    mas->named[mas->named_count++] = (MasSystem){.authority = str_copy(arena, system->authority),
                                                 .code = system->code,
                                                 .srid = system->srid,
                                                 .wkt = str_copy(arena, system->wkt),
                                                 .proj4 = str_copy(arena, system->proj4)};
}

bool mas_system_find(Mas *mas, Arena *arena, Db *db, Str authority, int code, MasSystem *out, Err *err)
{
    RESULT_SCOPE(rows);

    if (known_name(mas, authority, code, out))
        return true;
    *out = (MasSystem){.authority = authority, .code = code};
    if (!db_query(db, &sql_mas_system, DB_ARGS(DB_TEXT(authority), DB_INT(code)), &rows, err))
        return false;
    if (db_count(rows) == 0)
        return true;
    out->srid = (int)db_int(rows, 0, 0);
    out->wkt = str_copy(arena, db_text(rows, 0, 1));
    out->proj4 = str_copy(arena, db_text(rows, 0, 2));
    remember_name(mas, out);
    return true;
}

typedef struct MasToolsSystem {
    int srid;
    FootprintSystem *system;
} MasToolsSystem;

static MasTools *new_tools(void)
{
    Arena arena = {0};
    MasTools *tools = arena_new(&arena, MasTools, 1);

    tools->geometry = geometry_reader_new(&arena);
    tools->systems = arena_new(&arena, MasToolsSystem, TOOLS_SYSTEMS_MAX);
    tools->arena = arena;
    return tools;
}

MasTools *mas_tools_take(Mas *mas)
{
    LOCK_SCOPE(held, &mas->mutex);
    MasTools *tools = mas->idle;

    if (!tools)
        return new_tools();
    mas->idle = tools->next;
    return tools;
}

void mas_tools_give(Mas *mas, MasTools *tools)
{
    if (tools->count == TOOLS_SYSTEMS_MAX) {
        free_tools(tools);
        return;
    }
    LOCK_SCOPE(held, &mas->mutex);
    tools->next = mas->idle;
    mas->idle = tools;
}

FootprintSystem *mas_tools_system(MasTools *tools, int srid, Str wkt, Str proj4)
{
    for (int i = 0; i < tools->count; i++)
        if (tools->systems[i].srid == srid)
            return tools->systems[i].system;
    assert(tools->count < TOOLS_SYSTEMS_MAX);
    FootprintSystem *system = srid == 4326 || srid == 3857
                                  ? footprint_system_plain(&tools->arena, srid == 3857)
                                  : footprint_system_new(&tools->arena, wkt, proj4);
    tools->systems[tools->count++] = (MasToolsSystem){srid, system};
    return system;
}
