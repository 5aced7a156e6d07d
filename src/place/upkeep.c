/* SPDX-License-Identifier: Apache-2.0 */
#include "place/upkeep.h"

#include "base/fault.h"
#include "place/metadata.h"
#include "place_sql.h"

enum { WRITTEN_TRIES = 3 }; /* a table that is written to all the time is not copied */

static const PlaceSpec *spec_of(const Upkeep *upkeep)
{
    return place_spec(upkeep->place);
}

/* ---- what is there ---- */

static bool disagree(const Upkeep *upkeep, const char *server, Err *err)
{
    const char *dataset = spec_of(upkeep)->dataset;

    (void)err_set(err, ERR_CONFLICT,
                  "the servers of the dataset '%s' do not have the same mapping: '%s' and '%s'", dataset,
                  spec_of(upkeep)->servers[0].name, server);
    return err_hint(err, "strata dataset status %s shows it, and strata dataset repair %s puts it right",
                    dataset, dataset);
}

static bool check_agreement(Upkeep *upkeep, Err *err)
{
    ARENA_SCOPE(scratch);
    const PlaceReport *reports = place_reports(upkeep->place, &scratch);

    for (size_t i = 0; i < spec_of(upkeep)->count; i++) {
        if (!reports[i].there) {
            *err = reports[i].why;
            return false;
        }
        if (!mapping_same(&reports[0].version, &reports[i].version) ||
            !str_eq(reports[i].version.checksum, reports[i].version.real))
            return disagree(upkeep, reports[i].server, err);
    }
    return true;
}

bool upkeep_begin(Upkeep *upkeep, Err *err)
{
    size_t settled;

    return change_settle(upkeep->place, &settled, err) && check_agreement(upkeep, err) &&
           place_refresh(upkeep->place, err);
}

static const MappingCopy *copy_on(const MappingTable *table, Str server)
{
    for (size_t i = 0; i < table->count; i++)
        if (str_eq(table->copies[i].server, server))
            return &table->copies[i];
    return NULL;
}

static const MappingCopy *primary_of(const MappingTable *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->copies[i].primary)
            return &table->copies[i];
    return NULL;
}

/* The server that rows are copied from. */
static bool find_source(const Upkeep *upkeep, const MappingTable *table, size_t *out, Err *err)
{
    const MappingCopy *primary = primary_of(table);

    return (primary && place_find(spec_of(upkeep), primary->server, out)) ||
           err_set(err, ERR_CONFIG, "no server of the dataset '%s' has the primary copy of the table '%.*s'",
                   spec_of(upkeep)->dataset, STR_ARG(table->name));
}

bool upkeep_find(const Upkeep *upkeep, Str table, Str server, const MappingTable **out,
                 const MappingCopy **copy, Err *err)
{
    const MappingTable *found = mapping_find(place_mapping(upkeep->place), table);

    if (!place_lists(spec_of(upkeep), server))
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'",
                       spec_of(upkeep)->dataset, STR_ARG(server));
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no table '%.*s'", spec_of(upkeep)->dataset,
                       STR_ARG(table));
    *out = found;
    *copy = copy_on(found, server);
    return true;
}

/* The mapping as it is now: another process may have changed it since it was read. */
static bool look(Upkeep *upkeep, Str table, Str server, const MappingTable **out, const MappingCopy **copy,
                 Err *err)
{
    return place_refresh(upkeep->place, err) && upkeep_find(upkeep, table, server, out, copy, err);
}

static bool look_for_copy(Upkeep *upkeep, Str table, Str server, const MappingTable **out,
                          const MappingCopy **copy, Err *err)
{
    if (!look(upkeep, table, server, out, copy, err))
        return false;
    return *copy || err_set(err, ERR_NOT_FOUND, "table '%.*s' has no copy on server '%.*s'", STR_ARG(table),
                            STR_ARG(server));
}

static bool server_db(Upkeep *upkeep, Str name, Db **out, Err *err)
{
    size_t at = 0;

    return (place_find(spec_of(upkeep), name, &at) ||
            err_set(err, ERR_NOT_FOUND, "the dataset '%s' is not on the server '%.*s'",
                    spec_of(upkeep)->dataset, STR_ARG(name))) &&
           place_server(upkeep->place, at, out, err);
}

/* ---- one change ---- */

/* A step, or two or three, of one change. */
typedef struct Step {
    const Sql *sql;
    const DbArg *args;
} Step;

static bool change_all(Upkeep *upkeep, const Step *steps, size_t count, Err *err)
{
    CHANGE_SCOPE(change);

    if (!change_begin(&change, upkeep->place, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (steps[i].sql && !change_run(&change, steps[i].sql, steps[i].args, err))
            return false;
    return change_commit(&change, err);
}

/* Somebody has written to the table since it was copied. */
static bool was_written(const Err *err)
{
    return strcmp(err->sqlstate, "40001") == 0;
}

/* ---- rows from the primary copy ---- */

/* A copy on its way, with the lock of the server that gets it. */
static bool begin_copying(Upkeep *upkeep, Str table, Str server, Copying *copying, Err *err)
{
    const MappingTable *found;
    const MappingCopy *copy;
    size_t from, to;

    if (!look(upkeep, table, server, &found, &copy, err) || !find_source(upkeep, found, &from, err) ||
        !place_find(spec_of(upkeep), server, &to))
        return false;
    copying->stop = upkeep->stop;
    copying->progress = upkeep->progress;
    return copying_begin(copying, &spec_of(upkeep)->servers[from], &spec_of(upkeep)->servers[to], table, err);
}

/* The names in a mapping go with it when it is read again. */
#define OWN(arena, name) name = str_copy(&(arena), name)

static bool copy_and_map(Upkeep *upkeep, Copying *copying, const Step *more, size_t count, Str table,
                         Str server, Err *err)
{
    for (int i = 0; i < WRITTEN_TRIES; i++) {
        Step steps[3] = {{0}};

        *err = (Err){0};
        copying->table = table;
        if (!copying_fill(copying, err) || !copying_take(copying, err) ||
            !fault_pass(FAULT_copying_taken, err))
            return false;
        DbArg args[] = {DB_TEXT(table), DB_TEXT(server), DB_INT(copying->written)};
        steps[0] = (Step){&sql_copy_add, args};
        for (size_t step = 0; step < count; step++)
            steps[step + 1] = more[step];
        if (change_all(upkeep, steps, count + 1, err))
            return fault_pass(FAULT_copy_mapped, err);
        if (!was_written(err))
            return false;
    }
    return false;
}

bool upkeep_replicate(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    COPYING_SCOPE(copying);
    const MappingTable *found;
    const MappingCopy *copy;

    OWN(own, table);
    OWN(own, server);
    if (!begin_copying(upkeep, table, server, &copying, err) ||
        !look(upkeep, table, server, &found, &copy, err))
        return false;
    *out = copy ? UPKEEP_AS_IT_WAS : UPKEEP_DONE;
    return copy || copy_and_map(upkeep, &copying, NULL, 0, table, server, err);
}

/* ---- a copy goes ---- */

/* What the mapping does not know any more; *there: it was here still. */
static bool drop_unmapped(Upkeep *upkeep, Str table, Str server, bool *there, Err *err)
{
    RESULT_SCOPE(rows);
    Db *db;

    if (!server_db(upkeep, server, &db, err) ||
        !db_query(db, &sql_copy_is_here, DB_ARGS(DB_TEXT(table)), &rows, err))
        return false;
    *there = db_bool(rows, 0, 0);
    if (!*there)
        return true;
    if (copying_drop(db, table, upkeep->stop, err))
        return true;
    (void)err_wrap(err, "table '%.*s' on server '%.*s' is no copy any more and cannot be dropped",
                   STR_ARG(table), STR_ARG(server));
    return err_hint(err, "strata dataset gc %s does it later", spec_of(upkeep)->dataset);
}

static bool no_copy_there(Str table, Str server, Err *err)
{
    return err_set(err, ERR_NOT_FOUND, "table '%.*s' has no copy on server '%.*s'", STR_ARG(table),
                   STR_ARG(server));
}

/* A move that was cut off after the mapping had changed has only the old rows left to do away with. */
static bool finish(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err)
{
    bool there;

    if (!drop_unmapped(upkeep, table, server, &there, err))
        return false;
    *out = UPKEEP_FINISHED;
    return there || no_copy_there(table, server, err);
}

bool upkeep_move(Upkeep *upkeep, Str table, Str from, Str to, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    COPYING_SCOPE(copying);
    const MappingTable *found;
    const MappingCopy *old, *new;
    bool there;

    OWN(own, table);
    OWN(own, from);
    OWN(own, to);
    if (!look(upkeep, table, from, &found, &old, err) || !begin_copying(upkeep, table, to, &copying, err) ||
        !look(upkeep, table, to, &found, &new, err))
        return false;
    old = copy_on(found, from);
    if (!old && new)
        return finish(upkeep, table, from, out, err);
    if (!old)
        return no_copy_there(table, from, err);
    if (new)
        return err_set(err, ERR_CONFLICT, "table '%.*s' has a copy on server '%.*s' already", STR_ARG(table),
                       STR_ARG(to));
    DbArg at_new[] = {DB_TEXT(table), DB_TEXT(to)}, at_old[] = {DB_TEXT(table), DB_TEXT(from)};
    const Step steps[] = {{old->primary ? &sql_copy_primary : NULL, at_new}, {&sql_copy_remove, at_old}};
    *out = UPKEEP_DONE;
    return copy_and_map(upkeep, &copying, steps, COUNT_OF(steps), table, to, err) &&
           drop_unmapped(upkeep, table, from, &there, err);
}

bool upkeep_drop(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    const MappingTable *found;
    const MappingCopy *copy;
    bool there;

    OWN(own, table);
    OWN(own, server);
    if (!look(upkeep, table, server, &found, &copy, err))
        return false;
    if (!copy)
        return finish(upkeep, table, server, out, err);
    DbArg args[] = {DB_TEXT(table), DB_TEXT(server)};
    *out = UPKEEP_DONE;
    return change_all(upkeep, &(Step){&sql_copy_remove, args}, 1, err) &&
           fault_pass(FAULT_copy_mapped, err) && drop_unmapped(upkeep, table, server, &there, err);
}

/* ---- a copy is made anew ---- */

/* Whether a copy is what the primary one is; *written: when both were read. */
static bool is_right(Upkeep *upkeep, const MappingTable *table, Str server, bool *out, int64_t *written,
                     Err *err)
{
    DbArg name = DB_TEXT(table->name);
    RESULT_SCOPE(what);
    RESULT_SCOPE(source);
    RESULT_SCOPE(target);
    Db *from, *to;
    Err why = {0};
    size_t at;

    if (!find_source(upkeep, table, &at, err) || !place_server(upkeep->place, at, &from, err) ||
        !server_db(upkeep, server, &to, err) || !db_query(from, &sql_copy_written, &name, &what, err) ||
        !db_query(from, &sql_copy_state, &name, &source, err))
        return false;
    *written = db_count(what) > 0 ? db_int(what, 0, 0) : -1;
    *out = db_query(to, &sql_copy_state, &name, &target, &why) &&
           db_int(source, 0, 0) == db_int(target, 0, 0) &&
           str_eq(db_text(source, 0, 2), db_text(target, 0, 2));
    if (why.code && !db_alive(to)) {
        *err = why;
        return false;
    }
    return true;
}

/* What says, in the dataset itself, that a copy is to be read again when it is made anew. */
static const char *note_key(Arena *arena, Str table, Str server)
{
    return str_printf(arena, "recopy:%.*s:%.*s", STR_ARG(server), STR_ARG(table)).ptr;
}

static bool find_note(Upkeep *upkeep, const char *key, bool *out, Err *err)
{
    ARENA_SCOPE(scratch);
    Str value;
    Db *db;

    if (!place_any(upkeep->place, &db, err) || !metadata_get(db, &scratch, key, &value, err))
        return false;
    *out = value.len > 0;
    return true;
}

static bool switch_off(Upkeep *upkeep, Str table, Str server, const char *key, Err *err)
{
    DbArg args[] = {DB_TEXT(table), DB_TEXT(server), DB_BOOL(false), DB_NULL},
          note[] = {DB_TEXT_Z(key), DB_TEXT(STR("active"))};
    const Step steps[] = {{&sql_copy_activate, args}, {&sql_metadata_put, note}};

    return change_all(upkeep, steps, COUNT_OF(steps), err) && fault_pass(FAULT_recopy_inactive, err);
}

static bool switch_on(Upkeep *upkeep, Str table, Str server, const char *key, int64_t written, Err *err)
{
    DbArg args[] = {DB_TEXT(table), DB_TEXT(server), DB_BOOL(true), DB_INT(written)}, note = DB_TEXT_Z(key);
    const Step steps[] = {{&sql_copy_activate, args}, {&sql_metadata_forget, &note}};

    return change_all(upkeep, steps, COUNT_OF(steps), err);
}

static bool make_anew(Upkeep *upkeep, Copying *copying, Str table, Str server, bool active, const char *key,
                      Err *err)
{
    for (int i = 0; i < WRITTEN_TRIES; i++) {
        *err = (Err){0};
        copying->table = table;
        if (!copying_fill(copying, err) || !copying_take(copying, err) ||
            !fault_pass(FAULT_copying_taken, err))
            return false;
        if (!active || switch_on(upkeep, table, server, key, copying->written, err))
            return true;
        if (!was_written(err))
            return false;
    }
    return false;
}

bool upkeep_recopy(Upkeep *upkeep, Str table, Str server, bool always, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    COPYING_SCOPE(copying);
    const MappingTable *found;
    const MappingCopy *copy;
    bool right = false, cut_off = false;
    int64_t written = 0;

    OWN(own, table);
    OWN(own, server);
    const char *key = note_key(&own, table, server);
    if (!look_for_copy(upkeep, table, server, &found, &copy, err))
        return false;
    if (copy->primary)
        return err_set(err, ERR_CONFLICT,
                       "the copy of '%.*s' on '%.*s' is the one that others are copied from", STR_ARG(table),
                       STR_ARG(server));
    if (!begin_copying(upkeep, table, server, &copying, err) ||
        !look_for_copy(upkeep, table, server, &found, &copy, err) || !find_note(upkeep, key, &cut_off, err) ||
        !is_right(upkeep, found, server, &right, &written, err))
        return false;
    bool active = copy->active || cut_off;
    *out = cut_off ? UPKEEP_FINISHED : UPKEEP_DONE;
    if (right && !always && cut_off)
        return switch_on(upkeep, table, server, key, written, err);
    if (right && !always) {
        *out = UPKEEP_AS_IT_WAS;
        return true;
    }
    return (!copy->active || switch_off(upkeep, table, server, key, err)) &&
           make_anew(upkeep, &copying, table, server, active, key, err);
}

/* ---- which copies are read ---- */

static bool differs(Str table, Str server, Err *err)
{
    (void)err_set(err, ERR_CORRUPT, "the copy of '%.*s' on '%.*s' is not what the primary copy is",
                  STR_ARG(table), STR_ARG(server));
    return err_hint(err, "strata dataset recopy makes it anew");
}

bool upkeep_activate(Upkeep *upkeep, Str table, Str server, bool active, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    const MappingTable *found;
    const MappingCopy *copy;
    bool right = true;
    int64_t written = 0;

    OWN(own, table);
    OWN(own, server);
    if (!look_for_copy(upkeep, table, server, &found, &copy, err))
        return false;
    *out = copy->active == active ? UPKEEP_AS_IT_WAS : UPKEEP_DONE;
    if (copy->active == active)
        return true;
    if (active && !is_right(upkeep, found, server, &right, &written, err))
        return false;
    if (!right)
        return differs(table, server, err);
    DbArg args[] = {DB_TEXT(table), DB_TEXT(server), DB_BOOL(active), active ? DB_INT(written) : DB_NULL},
          note = DB_TEXT_Z(note_key(&own, table, server));
    const Step steps[] = {{&sql_copy_activate, args}, {&sql_metadata_forget, &note}};
    return change_all(upkeep, steps, COUNT_OF(steps), err);
}

bool upkeep_choose_primary(Upkeep *upkeep, Str table, Str server, UpkeepOutcome *out, Err *err)
{
    ARENA_SCOPE(own);
    const MappingTable *found;
    const MappingCopy *copy;

    OWN(own, table);
    OWN(own, server);
    if (!look_for_copy(upkeep, table, server, &found, &copy, err))
        return false;
    *out = copy->primary ? UPKEEP_AS_IT_WAS : UPKEEP_DONE;
    DbArg args[] = {DB_TEXT(table), DB_TEXT(server)};
    return copy->primary || change_all(upkeep, &(Step){&sql_copy_primary, args}, 1, err);
}
