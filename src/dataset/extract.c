/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/extract.h"

#include <errno.h>
#include <poll.h>

#include "base/os.h"
#include "dataset/spool.h"
#include "dataset/statement.h"
#include "dataset/stream.h"

enum { MEMORY = 8 * 1024 * 1024, CONNECTIONS = 2, ATTEMPTS = 5, AHEAD = 4 /* tables for each connection */ };
#define DEADLINE      SECONDS(30)
#define LOOK_EVERY    MILLISECONDS(200) /* at deadlines, at servers that may be back, at a stop */
#define FIRST_PAUSE   MILLISECONDS(100)
#define LONGEST_PAUSE SECONDS(5)

typedef enum UnitState { WAITING, RUNNING, WHOLE, GIVEN } UnitState;

/* A table on its way. */
typedef struct Unit {
    const MappingTable *table;
    UnitState state;
    const char *sql;
    Spool spool;
    int64_t rows;
    bool *failed; /* copies that failed since all were tried */
    int attempts;
    ExtractRetry *retry; /* the last one, which does not know yet who is asked next */
} Unit;

typedef struct Slot {
    Stream stream;
    size_t server;
    Unit *unit; /* NULL: idle */
    size_t copy;
} Slot;

typedef struct Peer {
    size_t running;
    Instant next_try;
    Duration pause;
} Peer;

typedef struct Run {
    const Extract *extract;
    Arena *arena;
    Extracted *out;
    Unit *units;
    size_t units_count, given; /* ordered: so many from the first on */
    size_t done;               /* tables that need not be asked for any more */
    Slot *slots;
    size_t slots_count;
    Peer *peers;
    Err failure; /* which ends it */
} Run;

static const char *server_name(const Run *run, size_t server)
{
    return run->extract->spec->servers[server].name;
}

/* ---- the statements ---- */

/* What goes around the SQL. A row of JSON is one line: what has newlines outside of its texts loses them. */
static const struct {
    const char *before, *behind;
} forms[] = {
    [EXTRACT_CSV] = {"copy (", ") to stdout (format csv)"},
    [EXTRACT_JSONL] = {"copy (select replace(row_to_json(strata_row)::text, e'\\n', ' ') from (",
                       ") strata_row) to stdout (format csv, quote e'\\x01', delimiter e'\\x02')"},
};

static bool make_units(Run *run, Err *err)
{
    const Mapping *mapping = run->extract->mapping;

    run->units_count = mapping->count;
    run->units = arena_new(run->arena, Unit, mapping->count);
    for (size_t i = 0; i < mapping->count; i++) {
        Unit *unit = &run->units[i];
        BUF_SCOPE(sql);

        *unit = (Unit){.table = &mapping->tables[i],
                       .spool = spool_new(run->extract->spool, run->extract->memory),
                       .failed = arena_new(run->arena, bool, mapping->tables[i].count)};
        buf_printf(&sql, "begin isolation level repeatable read read only; %s",
                   forms[run->extract->format].before);
        if (!statement_put(&sql, run->extract->sql, unit->table->name, err))
            return false;
        buf_printf(&sql, "%s; commit", forms[run->extract->format].behind);
        unit->sql = str_to_z(run->arena, buf_str(&sql));
    }
    return mapping->count > 0 ||
           err_set(err, ERR_NOT_FOUND, "the dataset '%s' has no tables", run->extract->spec->dataset);
}

/* ---- who is asked ---- */

/* The least busy server that has an active copy and may be asked now. */
static bool choose(Run *run, const Unit *unit, size_t *copy, size_t *server)
{
    Instant now = time_now();
    bool found = false;

    for (size_t c = 0; c < unit->table->count; c++)
        for (size_t s = 0; s < run->extract->spec->count; s++) {
            const Peer *peer = &run->peers[s];

            if (!unit->table->copies[c].active || unit->failed[c] ||
                !str_eq_z(unit->table->copies[c].server, server_name(run, s)) ||
                peer->running >= run->extract->connections || peer->next_try > now ||
                (found && peer->running >= run->peers[*server].running))
                continue;
            *copy = c;
            *server = s;
            found = true;
        }
    return found;
}

/* There is one: fewer are running than the server has slots. */
static Slot *idle_slot(Run *run, size_t server)
{
    Slot *slot = &run->slots[server * run->extract->connections];

    while (slot->unit)
        slot++;
    return slot;
}

static void start(Run *run, Unit *unit, size_t copy, size_t server)
{
    Slot *slot = idle_slot(run, server);

    slot->unit = unit;
    slot->copy = copy;
    unit->state = RUNNING;
    unit->attempts++;
    run->peers[server].running++;
    if (unit->retry)
        unit->retry->to = server_name(run, server);
    unit->retry = NULL;
    if (slot->stream.state == STREAM_OFF)
        stream_open(&slot->stream, run->extract->spec->servers[server].dsn);
    else
        stream_run(&slot->stream, unit->sql);
}

/* Where order counts, what is whole waits for those before it: not too much of that. */
static void start_all(Run *run)
{
    size_t end = run->extract->ordered ? run->given + AHEAD * run->slots_count : run->units_count;
    size_t copy = 0, server = 0;

    for (size_t i = run->given; i < run->units_count && i < end; i++)
        if (run->units[i].state == WAITING && choose(run, &run->units[i], &copy, &server))
            start(run, &run->units[i], copy, server);
}

/* ---- what becomes of it ---- */

static void let_go(Run *run, Slot *slot)
{
    run->peers[slot->server].running--;
    slot->unit = NULL;
}

static void note_retry(Run *run, Unit *unit, const Slot *slot)
{
    ExtractRetry *retry = &run->out->retries[run->out->retries_count++];

    *retry = (ExtractRetry){.table = unit->table->name,
                            .from = server_name(run, slot->server),
                            .reason = str_copy(run->arena, str_from_z(slot->stream.why.text)).ptr};
    unit->retry = retry;
}

static bool has_untried(const Unit *unit)
{
    for (size_t c = 0; c < unit->table->count; c++)
        if (unit->table->copies[c].active && !unit->failed[c])
            return true;
    return false;
}

static void pause_server(Run *run, size_t server)
{
    Peer *peer = &run->peers[server];

    peer->pause = peer->pause == 0                  ? FIRST_PAUSE
                  : peer->pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE
                                                    : peer->pause * 2;
    peer->next_try = time_now() + peer->pause;
}

static void failed(Run *run, Slot *slot)
{
    Unit *unit = slot->unit;
    bool refused = slot->stream.refused;
    Err why = slot->stream.why;

    spool_reset(&unit->spool);
    unit->state = WAITING;
    unit->failed[slot->copy] = true;
    note_retry(run, unit, slot);
    stream_close(&slot->stream);
    let_go(run, slot);
    if (!refused)
        pause_server(run, slot->server);
    if (!has_untried(unit))
        memset(unit->failed, 0, unit->table->count * sizeof *unit->failed);
    if (!refused && unit->attempts < run->extract->attempts)
        return;
    run->failure = why;
    if (!refused)
        (void)err_hint(&run->failure, "it was asked for %d times; --report says where, and why that failed",
                       unit->attempts);
    (void)err_wrap(&run->failure, "table '%.*s' on server '%s'", STR_ARG(unit->table->name),
                   server_name(run, slot->server));
}

static bool give(Run *run, Unit *unit, Err *err)
{
    if (!spool_give(&unit->spool, run->extract->fd, err))
        return false;
    spool_release(&unit->spool);
    unit->state = GIVEN;
    run->out->rows += unit->rows;
    run->out->tables++;
    run->done++;
    progress_add(run->extract->progress, 1);
    return true;
}

static bool whole(Run *run, Slot *slot, Err *err)
{
    Unit *unit = slot->unit;

    unit->state = WHOLE;
    unit->rows = slot->stream.rows;
    run->peers[slot->server].pause = 0;
    slot->stream.state = STREAM_READY;
    let_go(run, slot);
    if (!run->extract->ordered)
        return give(run, unit, err);
    while (run->given < run->units_count && run->units[run->given].state == WHOLE)
        if (!give(run, &run->units[run->given++], err))
            return false;
    return true;
}

static bool keep(void *unit_v, Str bytes, Err *err)
{
    return spool_put(&((Unit *)unit_v)->spool, bytes, err);
}

static bool step(Run *run, Slot *slot, bool ready, Err *err)
{
    if (!slot->unit)
        return true;
    if (ready)
        stream_step(&slot->stream, keep, slot->unit);
    stream_check(&slot->stream, time_now(), run->extract->deadline);
    if (slot->stream.state == STREAM_READY)
        stream_run(&slot->stream, slot->unit->sql);
    if (slot->stream.state == STREAM_DONE)
        return whole(run, slot, err);
    if (slot->stream.state == STREAM_FAILED)
        failed(run, slot);
    return true;
}

/* ---- the loop ---- */

static bool wait_and_step(Run *run, struct pollfd *fds, Err *err)
{
    for (size_t i = 0; i < run->slots_count; i++)
        fds[i] = (struct pollfd){.fd = run->slots[i].unit ? stream_fd(&run->slots[i].stream) : -1,
                                 .events = stream_events(&run->slots[i].stream)};
    if (poll(fds, run->slots_count, (int)(LOOK_EVERY / MILLISECONDS(1))) < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for servers");
    for (size_t i = 0; i < run->slots_count && !run->failure.code; i++)
        if (!step(run, &run->slots[i], fds[i].fd >= 0 && fds[i].revents != 0, err))
            return false;
    return true;
}

static bool loop(Run *run, Err *err)
{
    struct pollfd *fds = arena_new(run->arena, struct pollfd, run->slots_count);

    while (run->done < run->units_count) {
        if (run->extract->stop && atomic_load(run->extract->stop))
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        start_all(run);
        if (!wait_and_step(run, fds, err))
            return false;
        if (run->failure.code) {
            *err = run->failure;
            return false;
        }
    }
    return true;
}

static bool put_names(Run *run, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(sql);
    BUF_SCOPE(line);
    Place *place;
    Db *db;

    if (run->extract->format != EXTRACT_CSV)
        return true;
    if (!place_open(&scratch, run->extract->spec, &place, err) ||
        !place_db(place, run->units[0].table->name, &db, err) ||
        !statement_put(&sql, run->extract->sql, run->units[0].table->name, err))
        return false;
    buf_put_byte(&sql, '\0');
    return statement_names(db, sql.ptr, &line, err) && os_write_all(run->extract->fd, buf_str(&line), err);
}

static bool no_copy(Run *run, Err *err)
{
    for (size_t i = 0; i < run->units_count; i++) {
        const MappingTable *table = run->units[i].table;
        bool found = false;

        for (size_t c = 0; c < table->count; c++)
            found = found ||
                    (table->copies[c].active && place_lists(run->extract->spec, table->copies[c].server));
        if (!found) {
            (void)err_set(err, ERR_DB, "no server of the dataset '%s' has an active copy of the table '%.*s'",
                          run->extract->spec->dataset, STR_ARG(table->name));
            return !err_hint(err, "the mapping names servers that [dataset %s] does not list",
                             run->extract->spec->dataset);
        }
    }
    return false;
}

static void make_slots(Run *run)
{
    size_t servers = run->extract->spec->count, each = run->extract->connections;

    run->slots_count = servers * each;
    run->slots = arena_new(run->arena, Slot, run->slots_count);
    run->peers = arena_new(run->arena, Peer, servers);
    for (size_t i = 0; i < run->slots_count; i++)
        run->slots[i] = (Slot){.server = i / each};
    run->out->retries =
        arena_new(run->arena, ExtractRetry, run->units_count * (size_t)run->extract->attempts + 1);
}

static void close_all(Run *run)
{
    for (size_t i = 0; i < run->slots_count; i++)
        stream_close(&run->slots[i].stream);
    for (size_t i = 0; i < run->units_count; i++)
        spool_release(&run->units[i].spool);
}

bool extract_run(const Extract *extract, Arena *arena, Extracted *out, Err *err)
{
    Extract all = *extract;
    Run run = {.extract = &all, .arena = arena, .out = out};

    *out = (Extracted){0};
    all.connections = all.connections ? all.connections : CONNECTIONS;
    all.memory = all.memory ? all.memory : MEMORY;
    all.deadline = all.deadline ? all.deadline : DEADLINE;
    all.attempts = all.attempts ? all.attempts : ATTEMPTS;
    if (!make_units(&run, err))
        return false;
    make_slots(&run);
    progress_set_total(all.progress, (int64_t)run.units_count);
    bool ok = !no_copy(&run, err) && put_names(&run, err) && loop(&run, err);
    close_all(&run);
    return ok;
}
