/* SPDX-License-Identifier: Apache-2.0 */
#include "db/account.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "test/check.h"

static char top[] = "/tmp/strata-account-XXXXXX";
static Account account;

static const struct {
    const char *closed;
    const char *said; /* NULL: nothing is closed */
} cases[] = {
    {NULL, NULL},
    {"", "cannot enter '/'"},
    {"/a", "cannot enter '/a'"},
    {"/a/b", "cannot enter '/a/b'"},
};

/* In a process whose root is `top`, so that it can be closed. */
static bool says(const char *said)
{
    Err err = {0};
    bool entered;

    if (chroot(top) < 0 || chdir("/") < 0)
        return false;
    entered = account_can_enter(&account, "/a/b", &err);
    if (!said)
        return entered;
    size_t end = strlen(err.text), len = strlen(said);
    bool named = !entered && err.code == ERR_DENIED && end > len && strcmp(err.text + end - len, said) == 0;
    if (!named)
        printf("# '%s', not '%s'\n", err.text, said);
    return named && strstr(err.hint, strchr(said, '\''));
}

static void the_directory_that_is_closed_is_named(void)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *closed = cases[i].closed;
        char path[64];
        int status = 0;

        (void)snprintf(path, sizeof path, "%s%s", top, closed ? closed : "");
        CHECK(!closed || chmod(path, 0700) == 0);
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            bool ok = says(cases[i].said);
            (void)fflush(stdout);
            _exit(ok ? 0 : 1);
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(!closed || chmod(path, 0755) == 0);
    }
}

static void make_directories(void)
{
    char path[64];
    Err err = {0};

    CHECK(mkdtemp(top) && chmod(top, 0755) == 0 && account_find(NULL, &account, &err));
    (void)snprintf(path, sizeof path, "%s/a", top);
    CHECK(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0);
    (void)snprintf(path, sizeof path, "%s/a/b", top);
    CHECK(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0);
}

int main(void)
{
    Err err = {0};

    if (geteuid() != 0) {
        printf(
            "ok 1 - the_directory_that_is_closed_is_named # SKIP only root has an account to change to\n1..1\n");
        return 0;
    }
    make_directories();
    RUN(the_directory_that_is_closed_is_named);
    CHECK(os_remove_tree(top, &err));
    DONE();
}
