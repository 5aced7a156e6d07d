/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"

static size_t count_copies(const Mapping *mapping, const char *server, bool only_active)
{
    size_t count = 0;

    for (size_t t = 0; t < mapping->count; t++)
        for (size_t c = 0; c < mapping->tables[t].count; c++) {
            const MappingCopy *copy = &mapping->tables[t].copies[c];

            count += str_eq_z(copy->server, server) && (copy->active || !only_active);
        }
    return count;
}

static bool put_server(const Call *call, const Mapping *mapping, const PlaceReport *report)
{
    out_z(call->out, report->server);
    out_z(call->out, place_agreement_name(report->agreement));
    out_z(call->out, place_health_name(report->health));
    out_int(call->out, (int64_t)count_copies(mapping, report->server, false));
    out_int(call->out, (int64_t)count_copies(mapping, report->server, true));
    report->there ? out_int(call->out, report->version.epoch) : out_null(call->out);
    report->there ? out_text(call->out, report->version.real) : out_null(call->out);
    out_z(call->out, report->there ? NULL : report->why.text);
    return report->agreement == PLACE_AGREES;
}

static bool run(const Call *call, Err *err)
{
    static const OutColumn columns[] = {{"server", OUT_TEXT},
                                        {"state", OUT_TEXT},
                                        {"health", OUT_TEXT},
                                        {"copies", OUT_INT},
                                        {"active", OUT_INT},
                                        {"epoch", OUT_INT},
                                        {"mapping", OUT_TEXT, .cut = true},
                                        {"error", OUT_TEXT, .cut = true}};
    Dataset dataset;
    Place *place;
    size_t bad = 0;

    if (!dataset_open(call, &dataset, &place, err))
        return false;
    const PlaceReport *reports = place_reports(place, call->arena);
    out_list(call->out, columns, COUNT_OF(columns));
    for (size_t i = 0; i < dataset.spec.count; i++)
        bad += !put_server(call, place_mapping(place), &reports[i]);
    out_end(call->out);
    return bad == 0 ||
           err_set(err, ERR_PARTIAL, "%zu of %zu servers of the dataset '%s' are not as they should be", bad,
                   dataset.spec.count, dataset.name);
}

const Cmd cmd_dataset_status = {
    .name = "dataset status",
    .args = "NAME",
    .summary = "tell how the servers of a dataset are, and whether they agree",
    .description =
        "Every server has the same mapping of tables to servers. 'behind' is one that missed a change, 'differs' one "
        "that was changed alone, 'damaged' one whose rows are not those that it noted, 'missing' one without the "
        "dataset's database, 'down' one that cannot be reached. The status is 11 when there is one. Health is how a server answers: 'suspect' is one "
        "that lost a connection or said nothing for too long.",
    .examples = "strata dataset status mini\n",
    .run = run,
};
