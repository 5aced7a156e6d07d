/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"
#include "cli/jobs.h"

#define LOOK_EVERY MILLISECONDS(50)

static bool has_ended(Str state)
{
    return !str_eq_z(state, "waiting") && !str_eq_z(state, "running");
}

/* The service ends a running one when it looks up from its work. */
static bool wait_for_end(const Call *call, Str *job, Err *err)
{
    Str question = str_printf(call->arena, "job %s", call->args[0].ptr);

    while (!has_ended(jobs_state(call, *job))) {
        if (atomic_load(stop_flag()))
            return err_set(err, ERR_INTERRUPTED, "interrupted; the job ends all the same");
        time_sleep(LOOK_EVERY);
        if (!jobs_ask(call, question, job, err))
            return false;
    }
    return true;
}

static bool run(const Call *call, Err *err)
{
    Str job;

    if (!stop_init(err) ||
        !jobs_ask(call, str_printf(call->arena, "cancel %s", call->args[0].ptr), &job, err) ||
        !wait_for_end(call, &job, err))
        return false;
    jobs_put(call, job);
    return true;
}

const Cmd cmd_dataset_cancel = {
    .name = "dataset cancel",
    .args = "JOB",
    .summary = "end a job of the running service that waits or runs",
    .description =
        "JOB is its number, as dataset jobs lists it; jobs of all datasets are counted together. What it had read is dropped. A job "
        "that has ended already stays as it is: the status is 5 then.",
    .examples = "strata dataset cancel 3\n",
    .run = run,
};
