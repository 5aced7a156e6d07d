/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {
        {"table", OUT_TEXT}, {"server", OUT_TEXT}, {"active", OUT_BOOL},           {"primary", OUT_BOOL},
        {"rows", OUT_INT},   {"bytes", OUT_BYTES}, {"hash", OUT_TEXT, .cut = true}};
    DatasetStates states;
    size_t unread = 0;
    Err first = {0};

    if (!dataset_states(call, &states, err))
        return false;
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < states.count; i++) {
        const CopyState *state = &states.states[i];

        out_text(call->out, state->table->name);
        out_text(call->out, state->copy->server);
        out_bool(call->out, state->copy->active);
        out_bool(call->out, state->copy->primary);
        if (state->why.code) {
            first = unread++ ? first : state->why;
            out_null(call->out), out_null(call->out), out_null(call->out);
            continue;
        }
        out_int(call->out, state->rows);
        out_int(call->out, state->bytes);
        out_z(call->out, state->hash);
    }
    out_end(call->out);
    return unread == 0 || err_set(err, ERR_PARTIAL, "%zu of %zu copies could not be read: %s", unread,
                                  states.count, first.text);
}

const Cmd cmd_dataset_copies = {
    .name = "dataset copies",
    .args = "NAME",
    .summary = "list where the tables of a dataset are, and what their copies are",
    .description =
        "Every copy is read, on all servers at once. The hash is of its rows, whatever their order: equal copies have the "
        "same. Bytes are those on the disk, with indexes.",
    .examples = "strata dataset copies mini\n",
    .run = run,
};
