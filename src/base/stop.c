/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool asked;
static atomic_int wake_fd = -1;

void stop_ask(void)
{
    int before = errno, fd = atomic_load(&wake_fd);
    uint64_t one = 1;

    if (atomic_exchange(&asked, true) || fd < 0) {
        errno = before;
        return;
    }
    if (write(fd, &one, sizeof one) < 0)
        errno = before; /* full is readable as well, which is all that is wanted */
    errno = before;
}

static void on_signal(int number)
{
    (void)number;
    if (atomic_load(&asked))
        _exit(130);
    stop_ask();
}

bool stop_init(Err *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make an event descriptor");
    atomic_store(&wake_fd, fd);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return true;
}

bool stop_asked(void)
{
    return atomic_load_explicit(&asked, memory_order_relaxed);
}

const atomic_bool *stop_flag(void)
{
    return &asked;
}

int stop_fd(void)
{
    return atomic_load(&wake_fd);
}

bool stop_check(Err *err)
{
    return !stop_asked() || err_set(err, ERR_INTERRUPTED, "stopped before the end");
}
