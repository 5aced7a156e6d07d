/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/moves.h"

#include "place/leftovers.h"

static const char *server_name(const DatasetWork *work, size_t server)
{
    return work->dataset.spec.servers[server].name;
}

/* The names in the mapping go when it is read again. */
static void keep_names(const Call *call, Balance *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        plan->moves[i].table = str_copy(call->arena, plan->moves[i].table);
}

/* What a killed one left goes first: when all had been moved but the last table not yet dropped, nothing else would find it. */
static bool carry_out(const Call *call, DatasetWork *work, const Balance *plan, Err *err)
{
    UpkeepOutcome outcome;
    Leftover *left;
    size_t count;

    if (!leftovers_find(&work->upkeep, true, call->arena, &left, &count, err))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        if (!upkeep_move(&work->upkeep, plan->moves[i].table,
                         str_from_z(server_name(work, plan->moves[i].from)),
                         str_from_z(server_name(work, plan->moves[i].to)), &outcome, err))
            return false;
    return true;
}

static void put_moves(const Call *call, const DatasetWork *work, const Balance *plan)
{
    static const OutColumn columns[] = {
        {"table", OUT_TEXT}, {"from", OUT_TEXT}, {"to", OUT_TEXT}, {"bytes", OUT_BYTES}};

    out_field_list(call->out, "moves", columns, COUNT_OF(columns));
    for (size_t i = 0; i < plan->count; i++) {
        out_text(call->out, plan->moves[i].table);
        out_z(call->out, server_name(work, plan->moves[i].from));
        out_z(call->out, server_name(work, plan->moves[i].to));
        out_int(call->out, plan->moves[i].bytes);
    }
    out_end(call->out);
}

static void put_servers(const Call *call, const DatasetWork *work, const Balance *plan)
{
    static const OutColumn columns[] = {{"server", OUT_TEXT}, {"before", OUT_BYTES}, {"after", OUT_BYTES}};

    out_field_list(call->out, "servers", columns, COUNT_OF(columns));
    for (size_t i = 0; i < work->dataset.spec.count; i++) {
        out_z(call->out, server_name(work, i));
        out_int(call->out, plan->before[i]);
        out_int(call->out, plan->after[i]);
    }
    out_end(call->out);
}

bool moves_run(const Call *call, DatasetWork *work, Balance *plan, bool yes, Err *err)
{
    keep_names(call, plan);
    if (yes && !carry_out(call, work, plan, err))
        return false;
    out_record(call->out);
    out_field(call->out, "moved", OUT_BOOL);
    out_bool(call->out, yes);
    put_moves(call, work, plan);
    put_servers(call, work, plan);
    out_end(call->out);
    if (!yes && plan->count > 0)
        out_say(call->out, "nothing was moved: --yes does it");
    return true;
}
