/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"
#include "cli/jobs.h"
#include "serve/datasets.h"

/* One that strata.ini does not have has no jobs, and is more likely a slip. */
static bool is_known(const Call *call, Err *err)
{
    Instance *instance;
    Dataset dataset;

    return call->args_count == 0 || (instance_open(call->arena, call->dir.ptr, &config_set, &instance, err) &&
                                     datasets_find(instance, call->arena, call->args[0], &dataset, err));
}

static bool run(const Call *call, Err *err)
{
    Str question = STR("jobs"), answer;

    if (!is_known(call, err))
        return false;
    if (call->args_count > 0)
        question = str_printf(call->arena, "jobs %s", call->args[0].ptr);
    if (!jobs_ask(call, question, &answer, err))
        return false;
    jobs_put_list(call, answer);
    return true;
}

const Cmd cmd_dataset_jobs = {
    .name = "dataset jobs",
    .args = "[NAME]",
    .summary = "list the jobs of the running service, of one dataset or of all",
    .description =
        "Jobs are what somebody asked the service for over HTTP (/api/v1/datasets/NAME/jobs): rows that are written to a file of the "
        "service. Those that wait and run are there, and the last hundred that have ended; none is kept when the service "
        "stops. 'file' is where the rows of one that is done are.",
    .examples = "strata dataset jobs\n"
                "strata dataset jobs mini --json\n",
    .run = run,
};
