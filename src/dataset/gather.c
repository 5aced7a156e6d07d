/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "dataset/gather_inside.h"

enum {
    MEMORY = 32 * 1024 * 1024,
    CONNECTIONS = 2,
    ATTEMPTS = 5,
    AHEAD = 4 /* units for each connection that are begun before those in front of them are passed on */
};
#define DEADLINE      SECONDS(30)
#define LOOK_EVERY    MILLISECONDS(200) /* at deadlines, at servers that may be back, at a stop */
#define FIRST_PAUSE   MILLISECONDS(100)
#define LONGEST_PAUSE SECONDS(5)

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
    g->each = g->opts.connections + GATHER_SPARE;
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

void gather_start(Gather *g, Unit *unit, size_t server)
{
    Slot *slot = idle_slot(g, server);
    Peer *peer = &g->peers[server];

    slot->unit = unit;
    unit->state = RUNNING;
    unit->attempts++;
    unit->runners++;
    if (peer->running++ == 0)
        peer->heard = time_now();
    if (unit->retry)
        g->retries[unit->retry - 1].to = gather_server(g, server);
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
    size_t server = 0, free = 0;

    for (size_t s = 0; s < g->opts.spec->count; s++)
        free += g->peers[s].running < g->opts.connections;
    while (g->first < g->units_count && g->units[g->first].state != WAITING)
        g->first++;
    for (size_t i = g->first; free > 0 && i < g->units_count && i < end; i++)
        if (g->units[i].state == WAITING &&
            gather_choose(g, &g->units[i], g->opts.connections, SIZE_MAX, &server)) {
            gather_start(g, &g->units[i], server);
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

void gather_note_retry(Gather *g, Unit *unit, const Slot *slot, const char *reason)
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
                                                   .from = gather_server(g, slot->server),
                                                   .reason = str_copy(g->arena, str_from_z(reason)).ptr};
    unit->retry = g->retries_count;
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
                   part ? ", rows with " : "", part ? part : "", gather_server(g, slot->server));
}

/* The copy was moved or dropped since the mapping was read, and there is another one. */
static bool is_gone(Gather *g, Unit *unit, const Slot *slot)
{
    return slot->stream.refused && strcmp(slot->stream.why.sqlstate, "42P01") == 0 &&
           (gather_has_untried(unit) || gather_find_again(g, unit, slot->server));
}

void gather_failed(Gather *g, Slot *slot)
{
    Unit *unit = slot->unit;
    Err why = slot->stream.why;

    spool_reset(&slot->spool);
    gather_mark_failed(g, unit, slot->server);
    bool gone = is_gone(g, unit, slot), refused = slot->stream.refused && !gone;
    gather_note_retry(g, unit, slot, why.text);
    stream_close(&slot->stream);
    let_go(g, slot);
    if (!refused && !gone)
        pause_server(g, slot->server);
    if (!gather_has_untried(unit))
        memset(unit->failed, 0, unit->table->count * sizeof *unit->failed);
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

void gather_drop(Gather *g, Slot *slot)
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
            gather_drop(g, &g->slots[i]);
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
        gather_failed(g, slot);
    return true;
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
        gather_step_probe(g, s,
                          g->fds[g->slots_count + s].fd >= 0 && g->fds[g->slots_count + s].revents != 0);
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
        gather_look(g);
        if (g->failure.code) {
            *err = g->failure;
            return false;
        }
    }
    return true;
}

static bool make_units(Gather *g, const GatherUnit *units, size_t count, Err *err)
{
    release_units(g);
    g->units = arena_new(g->arena, Unit, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!gather_has_copy(g, units[i].table, err))
            return false;
        g->units[i] = (Unit){.what = &units[i],
                             .table = units[i].table,
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
