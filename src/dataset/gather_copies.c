/* SPDX-License-Identifier: Apache-2.0 */
/* Which servers have the table of a unit, and which of them is asked. */
#include "dataset/gather_inside.h"

bool gather_choose(const Gather *g, const Unit *unit, size_t most, size_t not_this, size_t *server)
{
    const MappingTable *table = unit->table;
    Instant now = time_now();
    bool found = false;

    for (size_t c = 0; c < table->count; c++)
        for (size_t s = 0; s < g->opts.spec->count; s++) {
            const Peer *peer = &g->peers[s];

            if (!table->copies[c].active || unit->failed[c] ||
                !str_eq_z(table->copies[c].server, gather_server(g, s)) || peer->running >= most ||
                peer->next_try > now)
                continue;
            if (found &&
                (s == not_this || (*server != not_this && peer->running >= g->peers[*server].running)))
                continue;
            *server = s;
            found = true;
        }
    return found;
}

void gather_mark_failed(Gather *g, Unit *unit, size_t server)
{
    for (size_t c = 0; c < unit->table->count; c++)
        if (str_eq_z(unit->table->copies[c].server, gather_server(g, server)))
            unit->failed[c] = true;
}

bool gather_has_untried(const Unit *unit)
{
    const MappingTable *table = unit->table;

    for (size_t c = 0; c < table->count; c++)
        if (table->copies[c].active && !unit->failed[c])
            return true;
    return false;
}

bool gather_has_copy(const Gather *g, const MappingTable *table, Err *err)
{
    const PlaceSpec *spec = g->opts.spec;

    for (size_t c = 0; c < table->count; c++)
        if (table->copies[c].active && place_lists(spec, table->copies[c].server))
            return true;
    (void)err_set(err, ERR_DB, "no server of the dataset '%s' has an active copy of the table '%.*s'",
                  spec->dataset, STR_ARG(table->name));
    return err_hint(err, "the mapping names servers that [dataset %s] does not list", spec->dataset);
}

/* ---- tables that are not where they were ---- */

static bool knows(const MappingTable *table, Str server)
{
    for (size_t c = 0; c < table->count; c++)
        if (table->copies[c].active && str_eq(table->copies[c].server, server))
            return true;
    return false;
}

/* By the mapping that was read last. */
static bool take_new_place(Gather *g, Unit *unit)
{
    const MappingTable *now = mapping_find(&g->fresh, unit->table->name);
    bool is_new = false;

    for (size_t c = 0; now && c < now->count; c++)
        is_new = is_new || (now->copies[c].active && place_lists(g->opts.spec, now->copies[c].server) &&
                            !knows(unit->table, now->copies[c].server));
    if (!is_new)
        return false;
    unit->table = now;
    unit->failed = arena_new(g->arena, bool, now->count);
    return true;
}

bool gather_find_again(Gather *g, Unit *unit, size_t server)
{
    ARENA_SCOPE(scratch);
    size_t count = g->opts.spec->count;

    if (take_new_place(g, unit))
        return true;
    Place *place = place_new(&scratch, g->opts.spec);
    for (size_t i = 0; i < count; i++) {
        Err ignored = {0};
        Db *db;

        if (place_server(place, (server + i) % count, &db, &ignored) &&
            mapping_read(db, g->arena, &g->fresh, &ignored) && take_new_place(g, unit))
            return true;
    }
    return false;
}
