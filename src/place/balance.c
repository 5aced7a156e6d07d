/* SPDX-License-Identifier: Apache-2.0 */
#include "place/balance.h"

#include "place_sql.h"

/* Where everything is in the plan so far. */
typedef struct Plan {
    const PlaceSpec *spec;
    const Mapping *mapping;
    int64_t *const *bytes;
    bool **has;     /* by table and server */
    size_t **where; /* by table and copy: its server; the count of servers: none of the dataset's */
    Balance *out;
} Plan;

bool balance_measure(Upkeep *upkeep, Arena *arena, int64_t ***out, Err *err)
{
    const Mapping *mapping = place_mapping(upkeep->place);
    int64_t **bytes = arena_new(arena, int64_t *, mapping->count + 1);

    for (size_t t = 0; t < mapping->count; t++) {
        const MappingTable *table = &mapping->tables[t];

        bytes[t] = arena_new(arena, int64_t, table->count);
        for (size_t c = 0; c < table->count; c++) {
            size_t server;
            Db *db;

            if (!place_find(place_spec(upkeep->place), table->copies[c].server, &server))
                continue;
            if (!place_server(upkeep->place, server, &db, err) ||
                !db_query_int(db, &sql_copy_size, DB_ARGS(DB_TEXT(table->name)), &bytes[t][c], err))
                return false;
        }
    }
    *out = bytes;
    return true;
}

static Plan begin(const PlaceSpec *spec, const Mapping *mapping, int64_t *const *bytes, Arena *arena,
                  Balance *out)
{
    Plan plan = {.spec = spec, .mapping = mapping, .bytes = bytes, .out = out};
    size_t copies = 0;

    plan.has = arena_new(arena, bool *, mapping->count + 1);
    plan.where = arena_new(arena, size_t *, mapping->count + 1);
    *out = (Balance){.before = arena_new(arena, int64_t, spec->count),
                     .after = arena_new(arena, int64_t, spec->count)};
    for (size_t t = 0; t < mapping->count; t++) {
        const MappingTable *table = &mapping->tables[t];

        plan.has[t] = arena_new(arena, bool, spec->count);
        plan.where[t] = arena_new(arena, size_t, table->count);
        copies += table->count;
        for (size_t c = 0; c < table->count; c++) {
            plan.where[t][c] = spec->count;
            if (!place_find(spec, table->copies[c].server, &plan.where[t][c]))
                continue;
            plan.has[t][plan.where[t][c]] = true;
            out->before[plan.where[t][c]] += bytes[t][c];
        }
    }
    for (size_t s = 0; s < spec->count; s++)
        out->after[s] = out->before[s];
    /* each move makes the sum of squares smaller by what a copy is worth: it ends; more moves than this nobody wants to wait for */
    out->moves = arena_new(arena, BalanceMove, copies * 2 + 1);
    return plan;
}

static void move(Plan *plan, size_t table, size_t copy, size_t to)
{
    size_t from = plan->where[table][copy];
    int64_t bytes = plan->bytes[table][copy];

    plan->out->moves[plan->out->count++] =
        (BalanceMove){.table = plan->mapping->tables[table].name, .from = from, .to = to, .bytes = bytes};
    plan->has[table][from] = false;
    plan->has[table][to] = true;
    plan->where[table][copy] = to;
    plan->out->after[from] -= bytes;
    plan->out->after[to] += bytes;
}

/* The biggest copy that may go from one to the other and makes them more equal. */
static bool find_between(const Plan *plan, size_t from, size_t to, size_t *table, size_t *copy)
{
    int64_t gap = plan->out->after[from] - plan->out->after[to], best = 0;

    for (size_t t = 0; t < plan->mapping->count; t++)
        for (size_t c = 0; c < plan->mapping->tables[t].count; c++) {
            int64_t bytes = plan->bytes[t][c];

            if (plan->where[t][c] != from || plan->has[t][to] || bytes <= best || bytes >= gap)
                continue;
            best = bytes;
            *table = t;
            *copy = c;
        }
    return best > 0;
}

/* The pair of servers that differ most and between which something can move. */
static bool improve(Plan *plan)
{
    const int64_t *now = plan->out->after;
    size_t from = 0, to = 0, table = 0, copy = 0, t, c;
    int64_t widest = 0;

    for (size_t a = 0; a < plan->spec->count; a++)
        for (size_t b = 0; b < plan->spec->count; b++)
            if (now[a] - now[b] > widest && find_between(plan, a, b, &t, &c)) {
                widest = now[a] - now[b];
                from = a, to = b, table = t, copy = c;
            }
    if (from == to)
        return false;
    move(plan, table, copy, to);
    return true;
}

void balance_plan(const PlaceSpec *spec, const Mapping *mapping, int64_t *const *bytes, Arena *arena,
                  Balance *out)
{
    Plan plan = begin(spec, mapping, bytes, arena, out);
    size_t most = 1;

    for (size_t t = 0; t < mapping->count; t++)
        most += mapping->tables[t].count * 2;
    while (out->count < most && improve(&plan))
        ;
}

static bool find_room(const Plan *plan, size_t table, size_t *out)
{
    bool found = false;

    for (size_t s = 0; s < plan->spec->count; s++)
        if (!plan->has[table][s] && (!found || plan->out->after[s] < plan->out->after[*out])) {
            *out = s;
            found = true;
        }
    return found;
}

bool balance_drain(const PlaceSpec *spec, const Mapping *mapping, int64_t *const *bytes, size_t server,
                   Arena *arena, Balance *out, Err *err)
{
    Plan plan = begin(spec, mapping, bytes, arena, out);

    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++) {
            size_t to = 0;

            if (plan.where[t][c] != server)
                continue;
            if (find_room(&plan, t, &to)) {
                move(&plan, t, c, to);
                continue;
            }
            (void)err_set(err, ERR_CONFLICT, "table '%.*s' has copies on all servers of the dataset '%s'",
                          STR_ARG(mapping->tables[t].name), spec->dataset);
            return err_hint(err,
                            "strata dataset server add another one, or drop-copy what this one has of it");
        }
    return true;
}
