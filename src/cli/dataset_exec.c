/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/datasets.h"
#include "dataset/statement.h"
#include "place/writing.h"

static void put(const Call *call, const Written *written)
{
    static const OutColumn columns[] = {{"server", OUT_TEXT}, {"why", OUT_TEXT}};

    out_record(call->out);
    out_field(call->out, "rows", OUT_INT);
    out_int(call->out, written->rows);
    out_field(call->out, "copies", OUT_INT);
    out_int(call->out, (int64_t)written->copies);
    out_field_list(call->out, "deactivated", columns, COUNT_OF(columns));
    for (size_t i = 0; i < written->lost_count; i++) {
        out_z(call->out, written->lost[i].server);
        out_z(call->out, written->lost[i].why.text);
    }
    out_end(call->out);
    out_end(call->out);
}

static bool run(const Call *call, Err *err)
{
    BUF_SCOPE(sql);
    DatasetWork work;
    Written written;

    if (!statement_put(&sql, call->args[2], &(StatementMarks){.table = call->args[1]}, err) ||
        !dataset_work(call, &work, err))
        return false;
    bool ok = writing_run(&work.upkeep, call->args[1], str_to_z(call->arena, buf_str(&sql)), call->arena,
                          &written, err);
    progress_end(work.upkeep.progress);
    if (!ok)
        return false;
    put(call, &written);
    if (written.lost_count == 0)
        return true;
    (void)err_set(err, ERR_PARTIAL, "%zu copies of the table '%.*s' are not read any more",
                  written.lost_count, STR_ARG(call->args[1]));
    return err_hint(err, "strata dataset recopy %s makes them anew; then strata dataset activate",
                    work.dataset.name);
}

const Cmd cmd_dataset_exec = {
    .name = "dataset exec",
    .args = "NAME TABLE SQL",
    .summary = "change rows of a table, in all of its copies alike",
    .description =
        "The SQL, one INSERT, UPDATE or DELETE with {table} for the table's name, runs on all active copies in one transaction on all "
        "servers. Refused is what might do something else on each: functions that are volatile or take nothing (now(), random(), "
        "nextval()), the time and the user, ctid and the like, other tables. The copies are compared before it counts: where they were the same "
        "before and are not after it, nothing is changed. A copy that was different before, or that cannot do it where others can, is "
        "deactivated, and the status is 11. A sealed dataset takes none.",
    .examples = "strata dataset exec mini mini_1 \\\n"
                "    'update {table} set x = x / 0.73'\n",
    .run = run,
};
