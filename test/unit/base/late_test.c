/* SPDX-License-Identifier: Apache-2.0 */
#include "base/late.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "test/check.h"

typedef struct Late {
    __typeof__(sqrt) *sqrt;
    __typeof__(fabs) *fabs;
} Late;
static const LateFunction functions[] = {LATE_ENTRY(Late, sqrt) LATE_ENTRY(Late, fabs)};

static void its_functions_are_found(void)
{
    Late late = {0};

    late_load("libm.so.6", functions, COUNT_OF(functions), &late);
    CHECK(late.sqrt(9.0) == 3.0 && late.fabs(-2.0) == 2.0);
}

/* What a process says on standard error that loads it, and how it ends. */
static int failing(const char *soname, const LateFunction *function, char *out, size_t size)
{
    int ends[2], status = -1;

    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        void *address[2];

        (void)dup2(ends[1], STDERR_FILENO);
        late_load(soname, function, 1, address);
        _exit(0);
    }
    (void)close(ends[1]);
    ssize_t len = read(ends[0], out, size - 1);
    out[len < 0 ? 0 : len] = '\0';
    (void)close(ends[0]);
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void what_is_missing_is_named(void)
{
    static const LateFunction none = {"no_such_function", 0};
    char said[512];

    CHECK(failing("libnothere.so.7", functions, said, sizeof said) == 127 && strstr(said, "libnothere.so.7"));
    CHECK(failing("libm.so.6", &none, said, sizeof said) == 127 && strstr(said, "no_such_function"));
}

int main(void)
{
    RUN(its_functions_are_found);
    RUN(what_is_missing_is_named);
    DONE();
}
