/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

/* The copy that others are copied from. */
static const CopyState *primary_of(const DatasetStates *states, const MappingTable *table)
{
    for (size_t i = 0; i < states->count; i++)
        if (states->states[i].table == table && states->states[i].copy->primary)
            return &states->states[i];
    return NULL;
}

static const char *problem_of(const CopyState *state, const CopyState *primary)
{
    if (state->why.code)
        return state->why.text;
    if (!primary || primary->why.code)
        return "there is no primary copy to compare it with";
    if (state->rows != primary->rows)
        return "it has another number of rows than the primary copy";
    return states_equal(state, primary) ? NULL : "its rows are not those of the primary copy";
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"table", OUT_TEXT}, {"server", OUT_TEXT}, {"problem", OUT_TEXT}};
    DatasetStates states;
    size_t bad = 0, unread = 0;

    if (!dataset_states(call, &states, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < states.count; i++) {
        const CopyState *state = &states.states[i];
        const char *problem = problem_of(state, primary_of(&states, state->table));

        if (!problem)
            continue;
        out_text(call->out, state->table->name);
        out_text(call->out, state->copy->server);
        out_z(call->out, problem);
        bad++;
        unread += state->why.code != 0;
    }
    out_end(call->out);
    if (bad == 0) {
        out_say(call->out, "%zu copies of %zu tables are as they should be", states.count, states.tables);
        return true;
    }
    return err_set(err, unread == bad ? ERR_PARTIAL : ERR_CORRUPT, "%zu of %zu copies %s", bad, states.count,
                   unread == bad ? "could not be read" : "are not as they should be");
}

const Cmd cmd_dataset_verify = {
    .name = "dataset verify",
    .args = "NAME",
    .summary = "compare the copies of every table",
    .description =
        "Reads all rows of all copies, on all servers at once, and names every copy that is not as its table's primary one. "
        "The status is 8 when there is one, and 11 when some could only not be read.",
    .examples = "strata dataset verify mini\n",
    .run = run,
};
