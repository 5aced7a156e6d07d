/* SPDX-License-Identifier: Apache-2.0 */
#include "place/repair.h"

#include "base/buf.h"
#include "base/fault.h"
#include "place/copying.h"
#include "place/metadata.h"
#include "place_sql.h"

static bool is_whole(const PlaceReport *report)
{
    return report->there && str_eq(report->version.checksum, report->version.real);
}

/* ---- what system tables say, from one server to another ---- */

static bool bring_rows(Copying *pipe, Err *err)
{
    ARENA_SCOPE(scratch);
    RESULT_SCOPE(tables);

    if (!db_query(pipe->from, &sql_system_tables, DB_NO_ARGS, &tables, err))
        return false;
    for (int i = 0; i < db_count(tables); i++)
        if (!db_is_null(tables, i, 1) &&
            (!db_script(pipe->to, str_to_z(&scratch, db_text(tables, i, 1)), err) ||
             !copying_pipe(pipe, str_to_z(&scratch, db_text(tables, i, 2)),
                           str_to_z(&scratch, db_text(tables, i, 3)), err)))
            return false;
    return true;
}

/* `note`, when there is one, is what the dataset's servers are there. */
static bool bring(Db *from, const PlaceServer *source, Db *to, const PlaceServer *target, int64_t epoch,
                  const Str *note, Err *err)
{
    Copying pipe = {
        .from = from, .to = to, .source = source, .target = target, .table = STR("(system tables)")};
    TX_SCOPE(to);

    return (db_begin_write(to, err) && bring_rows(&pipe, err) &&
            (!note ||
             db_run(to, &sql_metadata_put, DB_ARGS(DB_TEXT(STR("servers")), DB_TEXT(*note)), NULL, err)) &&
            db_run(to, &sql_mapping_set, DB_ARGS(DB_INT(epoch)), NULL, err) && db_commit(to, err)) ||
           err_wrap(err, "cannot bring the mapping to the server '%s'", target->name);
}

/* ---- servers that disagree ---- */

static bool ask_which(const PlaceSpec *spec, const char *a, const char *b, Err *err)
{
    (void)err_set(err, ERR_CONFLICT,
                  "the mappings of '%s' and '%s' were changed as often, and are not the same", a, b);
    return err_hint(
        err, "strata dataset repair %s --from SERVER says which is right; strata dataset status shows them",
        spec->dataset);
}

/* The newest of those that are as their servers noted them. */
static bool choose(const PlaceSpec *spec, const PlaceReport *reports, size_t *out, Err *err)
{
    const PlaceReport *best = NULL;

    for (size_t i = 0; i < spec->count; i++)
        if (is_whole(&reports[i]) && (!best || reports[i].version.epoch > best->version.epoch)) {
            best = &reports[i];
            *out = i;
        }
    if (!best) {
        (void)err_set(err, ERR_CONFLICT, "no server's mapping is as that server noted it");
        return err_hint(err, "strata dataset repair %s --from SERVER says which is right", spec->dataset);
    }
    for (size_t i = 0; i < spec->count; i++)
        if (is_whole(&reports[i]) && reports[i].version.epoch == best->version.epoch &&
            !mapping_same(&reports[i].version, &best->version))
            return ask_which(spec, best->server, reports[i].server, err);
    return true;
}

static int64_t highest_epoch(const PlaceReport *reports, size_t count)
{
    int64_t highest = 0;

    for (size_t i = 0; i < count; i++)
        highest = reports[i].version.epoch > highest ? reports[i].version.epoch : highest;
    return highest;
}

/* Where somebody had to say it, all get an epoch that none had: whoever is killed in between leaves a newest one. */
static bool bring_to_others(Change *held, const PlaceReport *reports, size_t source, int64_t epoch, bool all,
                            Repaired *out, Err *err)
{
    const PlaceSpec *spec = place_spec(held->place);

    for (size_t i = 0; i < spec->count; i++) {
        if (i == source || (!all && mapping_same(&reports[i].version, &reports[source].version)))
            continue;
        if (!bring(held->servers[source], &spec->servers[source], held->servers[i], &spec->servers[i], epoch,
                   NULL, err) ||
            !fault_pass(FAULT_mapping_brought, err))
            return false;
        out->servers[out->count++] = spec->servers[i].name;
    }
    return true;
}

bool repair_mapping(Place *place, Str from, Arena *arena, Repaired *out, Err *err)
{
    const PlaceSpec *spec = place_spec(place);
    CHANGE_SCOPE(held);
    size_t source = 0;

    if (from.len && !place_find(spec, from, &source))
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'", spec->dataset,
                       STR_ARG(from));
    if (!change_hold(&held, place, err))
        return false;
    const PlaceReport *reports = place_reports(place, arena);
    if (!from.len && !choose(spec, reports, &source, err))
        return false;
    *out = (Repaired){.from = spec->servers[source].name,
                      .servers = arena_new(arena, const char *, spec->count)};
    int64_t epoch = from.len ? highest_epoch(reports, spec->count) + 1 : reports[source].version.epoch;
    return bring_to_others(&held, reports, source, epoch, from.len > 0, out, err) &&
           (!from.len || db_run(held.servers[source], &sql_mapping_set, DB_ARGS(DB_INT(epoch)), NULL, err));
}

/* ---- servers that come and go ---- */

/* Copies of a server that was one of the dataset's before are no more than leftovers now. */
static bool check_empty(Db *db, const char *server, Err *err)
{
    RESULT_SCOPE(rows);

    if (!db_query(db, &sql_leftovers, DB_ARGS(DB_TEXT(STR(""))), &rows, err))
        return false;
    for (int i = 0; i < db_count(rows); i++)
        if (!db_bool(rows, i, 2)) {
            (void)err_set(err, ERR_CONFLICT,
                          "the database on the server '%s' has a table that nobody knows: '%.*s'", server,
                          STR_ARG(db_text(rows, i, 1)));
            return err_hint(err, "drop what is not needed there any more");
        }
    return true;
}

static Str with_server(const PlaceSpec *spec, const char *name, Arena *arena)
{
    Str list = place_list(spec, arena);

    return place_lists(spec, str_from_z(name)) ? list : str_printf(arena, "%.*s,%s", STR_ARG(list), name);
}

static Str without_server(const PlaceSpec *spec, Str name, Arena *arena)
{
    BUF_SCOPE(list);

    for (size_t i = 0; i < spec->count; i++)
        if (!str_eq_z(name, spec->servers[i].name))
            buf_printf(&list, "%s%s", list.len ? "," : "", spec->servers[i].name);
    return str_copy(arena, buf_str(&list));
}

bool repair_add_server(Place *place, const PlaceServer *server, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);
    const PlaceSpec *spec = place_spec(place);
    Str list = with_server(spec, server->name, &scratch);
    MappingVersion version;
    Db *db;

    if (!db_open(&scratch, server->dsn, &db, err) || !check_empty(db, server->name, err))
        return err_wrap(err, "server '%s'", server->name);
    return change_begin_anyway(&change, place, err) &&
           mapping_read_version(change.servers[0], &scratch, &version, err) &&
           bring(change.servers[0], &spec->servers[0], db, server, version.epoch, &list, err) &&
           fault_pass(FAULT_server_filled, err) && metadata_put(&change, "servers", list, err) &&
           change_commit(&change, err);
}

static bool check_unused(Change *change, Str server, Err *err)
{
    int64_t copies;

    if (!db_query_int(change->servers[0], &sql_server_copies, DB_ARGS(DB_TEXT(server)), &copies, err))
        return false;
    if (copies == 0)
        return true;
    (void)err_set(err, ERR_CONFLICT, "the server '%.*s' has %lld copies of tables of the dataset '%s'",
                  STR_ARG(server), (long long)copies, place_spec(change->place)->dataset);
    return err_hint(
        err, "strata dataset server drain moves them to others; when the server is lost for good: --lost");
}

bool repair_remove_server(Place *place, Str server, bool lost, Err *err)
{
    ARENA_SCOPE(scratch);
    CHANGE_SCOPE(change);
    Str list = without_server(place_spec(place), server, &scratch);

    return change_begin_anyway(&change, place, err) &&
           (lost ? change_run(&change, &sql_server_forget, DB_ARGS(DB_TEXT(server)), err)
                 : check_unused(&change, server, err)) &&
           metadata_put(&change, "servers", list, err) && change_commit(&change, err);
}
