/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/gather.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "dataset/stream.h"

enum {
    MEMORY = 32 * 1024 * 1024,
    CONNECTIONS = 2,
    ATTEMPTS = 5,
    AHEAD = 4,  /* units for each connection that are begun before those in front of them are passed on */
    SPARE = 1,  /* connections to a server more, for units that another server is asked for as well */
    RUNNERS = 2 /* of a unit */
};
#define DEADLINE      SECONDS(30)
#define LOOK_EVERY    MILLISECONDS(200) /* at deadlines, at servers that may be back, at a stop */
#define FIRST_PAUSE   MILLISECONDS(100)
#define LONGEST_PAUSE SECONDS(5)

typedef enum UnitState { WAITING, RUNNING, WHOLE, GIVEN } UnitState;

typedef struct Unit {
    const GatherUnit *what;
    UnitState state;
    Spool spool; /* when it is whole */
    int64_t rows;
    bool *failed; /* copies that failed since all were tried */
    int attempts, runners;
    size_t retry; /* the last one, plus 1, while nobody is asked instead; or 0 */
} Unit;

typedef struct Slot {
    Stream stream;
    size_t server;
    Unit *unit; /* NULL: idle */
    size_t copy;
    Spool spool;
} Slot;

typedef struct Peer {
    size_t running;
    Instant heard; /* anything of it, while it runs something */
    Stream probe;
    Instant next_try;
    Duration pause;
} Peer;

struct Gather {
    GatherOpts opts;
    PlaceSpec spec;
    Arena *arena;
    SpoolPool pool;
    Slot *slots;
    size_t slots_count, each; /* slots of a server */
    Peer *peers;
    struct pollfd *fds; /* of slots, then of probes */
    GatherRetry *retries;
    size_t retries_count, retries_size;
    /* of one run */
    Unit *units;
    size_t units_count, given; /* ordered: so many from the first on */
    size_t first;              /* all before it were begun */
    size_t done;               /* units that need not be asked for any more */
    bool ordered;
    GatherGive *give;
    void *ctx;
    Instant asked; /* whether it is wanted */
    Err failure;   /* which ends it */
};

static const char *server_name(const Gather *g, size_t server)
{
    return g->opts.spec->servers[server].name;
}

static void release_units(Gather *g)
{
    for (size_t i = 0; i < g->units_count; i++)
        spool_release(&g->units[i].spool);
    g->units_count = 0;
}

static void close_all(void *gather_v)
{
    Gather *g = gather_v;

    for (size_t i = 0; i < g->slots_count; i++) {
        stream_close(&g->slots[i].stream);
        spool_release(&g->slots[i].spool);
    }
    for (size_t i = 0; i < g->opts.spec->count; i++)
        stream_close(&g->peers[i].probe);
    release_units(g);
    spool_pool_release(&g->pool);
}

Gather *gather_new(Arena *arena, const GatherOpts *opts)
{
    Gather *g = arena_new(arena, Gather, 1);
    size_t servers = opts->spec->count;

    *g = (Gather){.opts = *opts, .spec = *opts->spec, .arena = arena};
    g->opts.spec = &g->spec; /* which stays until the connections are closed */
    g->opts.connections = opts->connections ? opts->connections : CONNECTIONS;
    g->opts.deadline = opts->deadline         ? opts->deadline
                       : opts->spec->deadline ? opts->spec->deadline
                                              : DEADLINE;
    g->opts.attempts = opts->attempts ? opts->attempts : ATTEMPTS;
    g->pool = spool_pool_new(opts->spool, opts->memory ? opts->memory : MEMORY);
    g->each = g->opts.connections + SPARE;
    g->slots_count = servers * g->each;
    g->slots = arena_new(arena, Slot, g->slots_count);
    g->peers = arena_new(arena, Peer, servers);
    g->fds = arena_new(arena, struct pollfd, g->slots_count + servers);
    for (size_t i = 0; i < g->slots_count; i++)
        g->slots[i] = (Slot){.server = i / g->each, .spool = spool_new(&g->pool)};
    arena_defer(arena, close_all, g);
    return g;
}

const GatherRetry *gather_retries(const Gather *gather, size_t *count)
{
    *count = gather->retries_count;
    return gather->retries;
}

/* ---- who is asked ---- */

/* The least busy server that has an active copy and may be asked now; `not_this` if there is another one. */
static bool choose(const Gather *g, const Unit *unit, size_t most, size_t not_this, size_t *copy,
                   size_t *server)
{
    const MappingTable *table = unit->what->table;
    Instant now = time_now();
    bool found = false;

    for (size_t c = 0; c < table->count; c++)
        for (size_t s = 0; s < g->opts.spec->count; s++) {
            const Peer *peer = &g->peers[s];

            if (!table->copies[c].active || unit->failed[c] ||
                !str_eq_z(table->copies[c].server, server_name(g, s)) || peer->running >= most ||
                peer->next_try > now)
                continue;
            if (found &&
                (s == not_this || (*server != not_this && peer->running >= g->peers[*server].running)))
                continue;
            *copy = c;
            *server = s;
            found = true;
        }
    return found;
}

/* There is one: fewer are running than the server has slots. One that is connected if there is. */
static Slot *idle_slot(const Gather *g, size_t server)
{
    Slot *from = &g->slots[server * g->each], *found = from;

    for (Slot *slot = from; slot < from + g->each; slot++)
        if (!slot->unit && (found->unit || found->stream.state == STREAM_OFF))
            found = slot;
    assert(!found->unit);
    return found;
}

static void run_statement(Slot *slot)
{
    const GatherUnit *what = slot->unit->what;

    if (what->describe)
        stream_describe(&slot->stream, what->sql);
    else if (what->params)
        stream_ask(&slot->stream, what->sql, what->params, what->params_count);
    else
        stream_run(&slot->stream, what->sql);
}

static void start(Gather *g, Unit *unit, size_t copy, size_t server)
{
    Slot *slot = idle_slot(g, server);
    Peer *peer = &g->peers[server];

    slot->unit = unit;
    slot->copy = copy;
    unit->state = RUNNING;
    unit->attempts++;
    unit->runners++;
    if (peer->running++ == 0)
        peer->heard = time_now();
    if (unit->retry)
        g->retries[unit->retry - 1].to = server_name(g, server);
    unit->retry = 0;
    if (slot->stream.state == STREAM_OFF)
        stream_open(&slot->stream, g->opts.spec->servers[server].dsn);
    else
        run_statement(slot);
}

/* Where order counts, what is whole waits for those before it: not too much of that. */
static void start_all(Gather *g)
{
    size_t end = g->ordered ? g->given + AHEAD * g->slots_count : g->units_count;
    size_t copy = 0, server = 0, free = 0;

    for (size_t s = 0; s < g->opts.spec->count; s++)
        free += g->peers[s].running < g->opts.connections;
    while (g->first < g->units_count && g->units[g->first].state != WAITING)
        g->first++;
    for (size_t i = g->first; free > 0 && i < g->units_count && i < end; i++)
        if (g->units[i].state == WAITING &&
            choose(g, &g->units[i], g->opts.connections, SIZE_MAX, &copy, &server)) {
            start(g, &g->units[i], copy, server);
            free -= g->peers[server].running == g->opts.connections;
        }
}

/* ---- what becomes of it ---- */

/* The slot has nothing to do any more. */
static void let_go(Gather *g, Slot *slot)
{
    g->peers[slot->server].running--;
    slot->unit->runners--;
    slot->unit = NULL;
}

static void note_retry(Gather *g, Unit *unit, const Slot *slot, const char *reason)
{
    if (g->retries_count == g->retries_size) {
        size_t size = g->retries_size ? g->retries_size * 2 : 16;
        GatherRetry *more = arena_new(g->arena, GatherRetry, size);

        if (g->retries_count > 0)
            memcpy(more, g->retries, g->retries_count * sizeof *more);
        g->retries = more;
        g->retries_size = size;
    }
    g->retries[g->retries_count++] = (GatherRetry){.table = unit->what->table->name,
                                                   .part = unit->what->part,
                                                   .from = server_name(g, slot->server),
                                                   .reason = str_copy(g->arena, str_from_z(reason)).ptr};
    unit->retry = g->retries_count;
}

static bool has_untried(const Unit *unit)
{
    const MappingTable *table = unit->what->table;

    for (size_t c = 0; c < table->count; c++)
        if (table->copies[c].active && !unit->failed[c])
            return true;
    return false;
}

static void pause_server(Gather *g, size_t server)
{
    Peer *peer = &g->peers[server];

    if (peer->next_try > time_now())
        return; /* by another connection of the same */
    peer->pause = peer->pause == 0                  ? FIRST_PAUSE
                  : peer->pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE
                                                    : peer->pause * 2;
    peer->next_try = time_now() + peer->pause;
}

static void end_with(Gather *g, const Unit *unit, const Slot *slot, const Err *why, bool refused)
{
    const char *part = unit->what->part;

    g->failure = *why;
    if (!refused)
        (void)err_hint(&g->failure, "it was asked for %d times; --report says where, and why that failed",
                       unit->attempts);
    (void)err_wrap(&g->failure, "table '%.*s'%s%s on server '%s'", STR_ARG(unit->what->table->name),
                   part ? ", rows with " : "", part ? part : "", server_name(g, slot->server));
}

/* The copy was moved or dropped since the mapping was read; another may be there still. */
static bool is_gone(const Unit *unit, const Stream *stream)
{
    return stream->refused && strcmp(stream->why.sqlstate, "42P01") == 0 && has_untried(unit);
}

static void failed(Gather *g, Slot *slot)
{
    Unit *unit = slot->unit;
    bool refused = slot->stream.refused, gone;
    Err why = slot->stream.why;

    spool_reset(&slot->spool);
    unit->failed[slot->copy] = true;
    gone = is_gone(unit, &slot->stream);
    refused = refused && !gone;
    note_retry(g, unit, slot, why.text);
    stream_close(&slot->stream);
    let_go(g, slot);
    if (!refused && !gone)
        pause_server(g, slot->server);
    if (!has_untried(unit))
        memset(unit->failed, 0, unit->what->table->count * sizeof *unit->failed);
    if (refused || (unit->runners == 0 && unit->attempts >= g->opts.attempts)) {
        end_with(g, unit, slot, &why, refused);
        return;
    }
    if (unit->runners > 0)
        return;
    unit->state = WAITING;
    if ((size_t)(unit - g->units) < g->first)
        g->first = (size_t)(unit - g->units);
}

/* Somebody else was asked for the same, and is whole or to be asked anew. Its server notes that nobody listens. */
static void drop(Gather *g, Slot *slot)
{
    spool_reset(&slot->spool);
    stream_close(&slot->stream);
    let_go(g, slot);
}

static bool give(Gather *g, Unit *unit, Err *err)
{
    if (!g->give(g->ctx, (size_t)(unit - g->units), &unit->spool, unit->rows, err))
        return false;
    spool_release(&unit->spool);
    unit->state = GIVEN;
    g->done++;
    return true;
}

static bool whole(Gather *g, Slot *slot, Err *err)
{
    Unit *unit = slot->unit;

    unit->state = WHOLE;
    unit->rows = slot->stream.rows;
    unit->spool = slot->spool;
    unit->retry = 0;
    slot->spool = spool_new(&g->pool);
    g->peers[slot->server].pause = 0;
    slot->stream.state = STREAM_READY;
    let_go(g, slot);
    for (size_t i = 0; i < g->slots_count && unit->runners > 0; i++)
        if (g->slots[i].unit == unit)
            drop(g, &g->slots[i]);
    if (!g->ordered)
        return give(g, unit, err);
    while (g->given < g->units_count && g->units[g->given].state == WHOLE)
        if (!give(g, &g->units[g->given++], err))
            return false;
    return true;
}

static bool keep(void *slot_v, Str bytes, Err *err)
{
    return spool_put(&((Slot *)slot_v)->spool, bytes, err);
}

static bool step(Gather *g, Slot *slot, bool ready, Err *err)
{
    if (!slot->unit)
        return true;
    if (ready) {
        stream_step(&slot->stream, keep, slot);
        if (slot->stream.state == STREAM_RUNNING || slot->stream.state == STREAM_READY ||
            slot->stream.state == STREAM_DONE)
            g->peers[slot->server].heard = time_now();
    }
    if (slot->stream.state == STREAM_READY)
        run_statement(slot);
    if (slot->stream.state == STREAM_DONE)
        return whole(g, slot, err);
    if (slot->stream.state == STREAM_FAILED)
        failed(g, slot);
    return true;
}

/* ---- silence ---- */

static const char *seconds(Arena *arena, Duration time)
{
    return str_printf(arena, "%g s", (double)time / (double)SECONDS(1)).ptr;
}

/* What a second connection gets says that there is somebody. */
static void step_probe(Gather *g, size_t server, bool ready)
{
    Peer *peer = &g->peers[server];

    if (peer->probe.state == STREAM_OFF)
        return;
    if (ready)
        stream_step(&peer->probe, NULL, NULL);
    if (peer->probe.answered)
        peer->heard = time_now();
    if (peer->probe.state != STREAM_CONNECTING)
        stream_close(&peer->probe); /* and once more, when there is still nothing */
}

static void look_at_server(Gather *g, size_t server, Instant now)
{
    ARENA_SCOPE(scratch);
    Peer *peer = &g->peers[server];
    Duration silent = now - peer->heard;
    bool running = false;

    for (Slot *slot = &g->slots[server * g->each]; slot < &g->slots[(server + 1) * g->each]; slot++) {
        if (!slot->unit)
            continue;
        if (slot->stream.state == STREAM_CONNECTING && now - slot->stream.heard > g->opts.deadline)
            stream_give_up(&slot->stream, "no connection to it came about in %s",
                           seconds(&scratch, g->opts.deadline));
        if (slot->stream.state == STREAM_RUNNING && silent > g->opts.deadline)
            stream_give_up(&slot->stream, "it has answered nothing for %s, not even a new connection",
                           seconds(&scratch, g->opts.deadline));
        running = running || slot->stream.state == STREAM_RUNNING;
        if (slot->stream.state == STREAM_FAILED)
            failed(g, slot);
    }
    if (!running || silent < g->opts.deadline / 2)
        stream_close(&peer->probe);
    else if (peer->probe.state == STREAM_OFF)
        stream_open(&peer->probe, g->opts.spec->servers[server].dsn);
}

/* A unit that says nothing on a server that is well: whom else to ask. Of two that say nothing the elder goes. */
static void ask_beside(Gather *g, Slot *slot)
{
    ARENA_SCOPE(scratch);
    Unit *unit = slot->unit;
    size_t copy = 0, server = 0;
    Duration patience = GATHER_PATIENCE * g->opts.deadline;

    if (unit->attempts >= g->opts.attempts ||
        !choose(g, unit, g->opts.connections + SPARE, slot->server, &copy, &server))
        return;
    note_retry(g, unit, slot,
               str_printf(&scratch, "it has given nothing for %s, though its server answers",
                          seconds(&scratch, patience))
                   .ptr);
    if (unit->runners == RUNNERS)
        drop(g, slot);
    start(g, unit, copy, server);
}

static void look_at_units(Gather *g, Instant now)
{
    Duration patience = GATHER_PATIENCE * g->opts.deadline;

    for (size_t i = 0; i < g->slots_count; i++) {
        Slot *slot = &g->slots[i], *other = NULL;

        if (!slot->unit || slot->stream.state != STREAM_RUNNING || now - slot->stream.heard <= patience)
            continue;
        for (size_t k = 0; k < g->slots_count && slot->unit->runners == RUNNERS; k++)
            if (k != i && g->slots[k].unit == slot->unit)
                other = &g->slots[k];
        if (!other || (now - other->stream.heard > patience && other->stream.heard >= slot->stream.heard))
            ask_beside(g, slot);
    }
}

static void look(Gather *g)
{
    Instant now = time_now();

    for (size_t s = 0; s < g->opts.spec->count && !g->failure.code; s++)
        look_at_server(g, s, now);
    if (!g->failure.code)
        look_at_units(g, now);
}

/* ---- the loop ---- */

static bool wait_and_step(Gather *g, Err *err)
{
    size_t servers = g->opts.spec->count;

    for (size_t i = 0; i < g->slots_count; i++)
        g->fds[i] = (struct pollfd){.fd = g->slots[i].unit ? stream_fd(&g->slots[i].stream) : -1,
                                    .events = stream_events(&g->slots[i].stream)};
    for (size_t s = 0; s < servers; s++)
        g->fds[g->slots_count + s] =
            (struct pollfd){.fd = stream_fd(&g->peers[s].probe), .events = stream_events(&g->peers[s].probe)};
    if (poll(g->fds, g->slots_count + servers, (int)(LOOK_EVERY / MILLISECONDS(1))) < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for servers");
    for (size_t i = 0; i < g->slots_count && !g->failure.code; i++)
        if (!step(g, &g->slots[i], g->fds[i].fd >= 0 && g->fds[i].revents != 0, err))
            return false;
    for (size_t s = 0; s < servers; s++)
        step_probe(g, s, g->fds[g->slots_count + s].fd >= 0 && g->fds[g->slots_count + s].revents != 0);
    return true;
}

static bool is_wanted(Gather *g, Err *err)
{
    Instant now = time_now();

    if (!g->opts.wanted || now - g->asked < LOOK_EVERY)
        return true;
    g->asked = now;
    return g->opts.wanted(g->opts.wanted_ctx, err);
}

static bool loop(Gather *g, Err *err)
{
    while (g->done < g->units_count) {
        if (!is_wanted(g, err))
            return false;
        if (g->opts.stop && atomic_load(g->opts.stop))
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        start_all(g);
        if (!wait_and_step(g, err))
            return false;
        look(g);
        if (g->failure.code) {
            *err = g->failure;
            return false;
        }
    }
    return true;
}

static bool has_copy(const Gather *g, const MappingTable *table, Err *err)
{
    const PlaceSpec *spec = g->opts.spec;

    for (size_t c = 0; c < table->count; c++)
        if (table->copies[c].active && place_lists(spec, table->copies[c].server))
            return true;
    (void)err_set(err, ERR_DB, "no server of the dataset '%s' has an active copy of the table '%.*s'",
                  spec->dataset, STR_ARG(table->name));
    return err_hint(err, "the mapping names servers that [dataset %s] does not list", spec->dataset);
}

static bool make_units(Gather *g, const GatherUnit *units, size_t count, Err *err)
{
    release_units(g);
    g->units = arena_new(g->arena, Unit, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!has_copy(g, units[i].table, err))
            return false;
        g->units[i] = (Unit){.what = &units[i],
                             .spool = spool_new(&g->pool),
                             .failed = arena_new(g->arena, bool, units[i].table->count)};
    }
    g->units_count = count;
    return true;
}

bool gather_run(Gather *gather, const GatherUnit *units, size_t count, bool ordered, GatherGive *give_fn,
                void *ctx, Err *err)
{
    if (!make_units(gather, units, count, err))
        return false;
    gather->given = gather->first = gather->done = 0;
    gather->ordered = ordered;
    gather->give = give_fn;
    gather->ctx = ctx;
    gather->failure = (Err){0};
    return loop(gather, err);
}
