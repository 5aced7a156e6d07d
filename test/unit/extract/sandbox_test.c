/* SPDX-License-Identifier: Apache-2.0 */
#include "extract/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/check.h"

static char path[] = "/tmp/strata-sandbox-XXXXXX";

/* Runs `trial` in a sandboxed child; true when it says so. */
static bool inside(bool (*trial)(void))
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        Err err = {0};

        _exit(sandbox_enter(&err) && trial() ? 0 : 1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool refused(long result)
{
    return result < 0 && errno == EACCES;
}

static bool cannot_write(void)
{
    return refused(open(path, O_WRONLY | O_CLOEXEC)) && refused(open(path, O_RDWR | O_CLOEXEC)) &&
           refused(open("/tmp/strata-sandbox-new", O_RDONLY | O_CREAT | O_CLOEXEC, 0600)) &&
           refused(unlink(path)) && refused(rename(path, "/tmp/strata-sandbox-other")) &&
           refused(mkdir("/tmp/strata-sandbox-dir", 0700)) && refused(truncate(path, 0)) &&
           refused(chmod(path, 0));
}

static bool cannot_talk_or_run(void)
{
    char *const argv[] = {NULL};

    return refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) &&
           refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) && refused(execv("/bin/true", argv));
}

static bool can_read(void)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'x' && close(fd) == 0;
}

static bool kernel_has_filters(void)
{
    return refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void reading_goes_on(void)
{
    CHECK(inside(can_read));
}

static void nothing_can_be_written(void)
{
    struct stat st;

    CHECK(inside(cannot_write));
    CHECK(stat(path, &st) == 0 && st.st_size == 1);
}

static void nothing_can_be_sent_or_run(void)
{
    CHECK(inside(cannot_talk_or_run));
}

int main(void)
{
    int fd = mkstemp(path);

    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) < 0)
        return 1;
    if (!inside(kernel_has_filters)) {
        printf("1..0 # SKIP this kernel has no system call filters\n");
        return unlink(path);
    }
    RUN(reading_goes_on);
    RUN(nothing_can_be_written);
    RUN(nothing_can_be_sent_or_run);
    CHECK(unlink(path) == 0);
    DONE();
}
