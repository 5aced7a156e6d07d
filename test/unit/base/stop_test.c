/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/check.h"

/* Runs `body` in a process of its own, which ends with 0 when all was as expected; returns its wait status. */
static int in_child(int (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(body());
    (void)waitpid(pid, &status, 0);
    return status;
}

static int asks_once(void)
{
    Err err = {0};

    if (stop_fd() != -1 || !stop_init(&err) || stop_asked() || !stop_check(&err))
        return 1;
    struct pollfd wait = {.fd = stop_fd(), .events = POLLIN};

    if (poll(&wait, 1, 0) != 0)
        return 2;
    (void)raise(SIGTERM);
    if (!stop_asked() || stop_check(&err) || err.code != ERR_INTERRUPTED)
        return 3;
    return poll(&wait, 1, 0) == 1 ? 0 : 4;
}

static void one_signal_asks_and_makes_the_descriptor_readable(void)
{
    CHECK(in_child(asks_once) == 0);
}

static int asks_twice(void)
{
    Err err = {0};

    if (!stop_init(&err))
        return 1;
    (void)raise(SIGINT);
    (void)raise(SIGINT);
    return 2;
}

static void a_second_signal_ends_at_once_with_130(void)
{
    int status = in_child(asks_twice);

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 130);
}

static int asks_itself(void)
{
    Err err = {0};

    if (!stop_init(&err))
        return 1;
    stop_ask();
    stop_ask(); /* not a signal: nothing ends */
    return stop_asked() ? 0 : 2;
}

static void the_program_may_ask_itself_any_number_of_times(void)
{
    CHECK(in_child(asks_itself) == 0);
}

int main(void)
{
    RUN(one_signal_asks_and_makes_the_descriptor_readable);
    RUN(a_second_signal_ends_at_once_with_130);
    RUN(the_program_may_ask_itself_any_number_of_times);
    DONE();
}
