/* SPDX-License-Identifier: Apache-2.0 */
/* Three kinds of silence are told apart: gather.h. */
#include "dataset/gather_inside.h"

enum { RUNNERS = 2 /* of a unit */ };

static const char *seconds(Arena *arena, Duration time)
{
    return str_printf(arena, "%g s", (double)time / (double)SECONDS(1)).ptr;
}

/* What a second connection gets says that there is somebody. */
void gather_step_probe(Gather *g, size_t server, bool ready)
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
            gather_failed(g, slot);
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
    size_t server = 0;
    Duration patience = GATHER_PATIENCE * g->opts.deadline;

    if (unit->attempts >= g->opts.attempts ||
        !gather_choose(g, unit, g->opts.connections + GATHER_SPARE, slot->server, &server))
        return;
    gather_note_retry(g, unit, slot,
                      str_printf(&scratch, "it has given nothing for %s, though its server answers",
                                 seconds(&scratch, patience))
                          .ptr);
    if (unit->runners == RUNNERS)
        gather_drop(g, slot);
    gather_start(g, unit, server);
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

void gather_look(Gather *g)
{
    Instant now = time_now();

    for (size_t s = 0; s < g->opts.spec->count && !g->failure.code; s++)
        look_at_server(g, s, now);
    if (!g->failure.code)
        look_at_units(g, now);
}
