#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "test/check.h"

/* Runs with STRATA_FAULT set in a child, passes a point three times; the child's exit status or 128 + signal. */
static int pass_three_times(const char *setting)
{
    pid_t child = fork();

    if (child == 0) {
        Err err = {0};
        int failed = 0;

        (void)setenv("STRATA_FAULT", setting, 1);
        if (!fault_init(&err))
            _exit(99);
        for (int i = 1; i <= 3; i++)
            if (!fault_pass(FAULT_batch_copied, &err))
                failed = failed * 10 + i + (err.sys == EIO ? 0 : 50);
        _exit(failed);
    }
    int status;
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void a_point_acts_at_its_nth_pass_only(void)
{
    static const struct {
        const char *setting;
        int want;
    } rows[] = {
        {"", 0},
        {"batch_copied:EIO", 1},
        {"batch_copied:2:EIO", 2},
        {"batch_copied:4:EIO", 0},
        {"batch_merged:EIO", 0},
        {"batch_copied:3:ENOSPC", 53},
        {"batch_copied:2:kill", 128 + SIGKILL},
        {"no_such_point:kill", 99},
        {"batch_copied:0:kill", 99},
        {"batch_copied:x", 99},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        CHECK(pass_three_times(rows[i].setting) == rows[i].want);
}

int main(void)
{
    RUN(a_point_acts_at_its_nth_pass_only);
    DONE();
}
