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
    if (!primary)
        return "there is no primary copy to compare it with";
    if (primary->why.code)
        return "the primary copy could not be read";
    if (state->rows != primary->rows)
        return "it has another number of rows than the primary copy";
    return states_equal(state, primary) ? NULL : "its rows are not those of the primary copy";
}

typedef struct Found {
    size_t copies, servers; /* that are not as they should be */
    size_t unread;          /* of both, those that could only not be read */
} Found;

static void put_copies(const Call *call, const DatasetStates *states, Found *found)
{
    for (size_t i = 0; i < states->count; i++) {
        const CopyState *state = &states->states[i];
        const CopyState *primary = primary_of(states, state->table);
        const char *problem = problem_of(state, primary);

        if (!problem)
            continue;
        out_text(call->out, state->table->name);
        out_text(call->out, state->copy->server);
        out_z(call->out, problem);
        found->copies++;
        found->unread += state->why.code || (primary && primary->why.code);
    }
}

static const char *problem_with(const PlaceReport *report)
{
    static const char *const problems[] = {
        [PLACE_BEHIND] = "its mapping missed a change",
        [PLACE_DIFFERS] = "its mapping was changed alone",
        [PLACE_DAMAGED] = "its mapping is not what it noted of it",
    };

    return report->there ? problems[report->agreement] : report->why.text;
}

static void put_servers(const Call *call, Place *place, Found *found)
{
    const PlaceReport *reports = place_reports(place, call->arena);

    for (size_t i = 0; i < place_spec(place)->count; i++) {
        if (reports[i].agreement == PLACE_AGREES)
            continue;
        out_null(call->out);
        out_z(call->out, reports[i].server);
        out_z(call->out, problem_with(&reports[i]));
        found->servers++;
        found->unread += reports[i].agreement == PLACE_UNKNOWN;
    }
}

static bool sum_up(const Call *call, const DatasetStates *states, const Found *found, Err *err)
{
    bool only_unread = found->unread == found->copies + found->servers;
    ErrCode code = only_unread ? ERR_PARTIAL : ERR_CORRUPT;
    const char *how = only_unread ? "could not be read" : "are not as they should be";

    if (found->copies + found->servers == 0) {
        out_say(call->out, "%zu copies of %zu tables are as they should be", states->count, states->tables);
        return true;
    }
    if (found->servers == 0)
        return err_set(err, code, "%zu of %zu copies %s", found->copies, states->count, how);
    (void)err_set(err, code, "%zu of %zu copies, and the mappings of %zu of %zu servers, %s", found->copies,
                  states->count, found->servers, place_spec(states->place)->count, how);
    return err_hint(
        err, "strata dataset status tells how the servers are, strata dataset repair makes mappings agree");
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"table", OUT_TEXT}, {"server", OUT_TEXT}, {"problem", OUT_TEXT}};
    DatasetStates states;
    Found found = {0};

    if (!dataset_states(call, &states, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    put_copies(call, &states, &found);
    put_servers(call, states.place, &found);
    out_end(call->out);
    return sum_up(call, &states, &found, err);
}

const Cmd cmd_dataset_verify = {
    .name = "dataset verify",
    .args = "NAME",
    .summary = "compare the copies of every table, and the mappings of all servers",
    .description =
        "Reads all rows of all copies, on all servers at once, and names every copy that is not as its table's primary one; and, "
        "without a table, every server whose mapping of tables to servers is not that of the others. "
        "The status is 8 when there is one, and 11 when some could only not be read.",
    .examples = "strata dataset verify mini\n",
    .run = run,
};
