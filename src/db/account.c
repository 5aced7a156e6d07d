/* SPDX-License-Identifier: Apache-2.0 */
#include "db/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"

enum { PASSWD_BYTES = 16 * 1024, CANNOT_RUN = 127, OUTPUT_MAX = 64 * 1024 };

static bool look_up(const char *name, uid_t uid, Account *out)
{
    char text[PASSWD_BYTES];
    struct passwd entry, *found = NULL;
    int failed = name ? getpwnam_r(name, &entry, text, sizeof text, &found)
                      : getpwuid_r(uid, &entry, text, sizeof text, &found);

    if (failed || !found)
        return false;
    *out = (Account){.uid = found->pw_uid, .gid = found->pw_gid, .change = geteuid() == 0};
    (void)snprintf(out->name, sizeof out->name, "%s", found->pw_name);
    return true;
}

bool account_find(const char *name, Account *out, Err *err)
{
    if (geteuid() != 0) {
        if (look_up(NULL, geteuid(), out))
            return true;
        (void)err_set(err, ERR_CONFIG, "the user number %ld has no name on this system", (long)geteuid());
        return err_hint(err, "PostgreSQL needs a line for it in /etc/passwd");
    }
    bool found = name ? look_up(name, 0, out) : look_up("postgres", 0, out) || look_up("nobody", 0, out);
    if (!found) {
        (void)err_set(err, ERR_CONFIG, "there is no system user '%s' to run PostgreSQL as",
                      name ? name : "postgres");
        return err_hint(err, "install postgresql, or make the user with adduser --system");
    }
    if (out->uid == 0)
        return err_set(err, ERR_CONFIG, "PostgreSQL does not run as '%s', which is root", out->name);
    return true;
}

/* ---- between fork and exec: only calls that are safe there ---- */

/*
 * glibc gives freed memory back to the system and asks for it again with the next query or index: the page faults of that
 * were a fourteenth of the server's time in a first load.
 */
static const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                          "LC_ALL=C.UTF-8",
                                          "TZ=UTC",
                                          "MALLOC_TRIM_THRESHOLD_=67108864",
                                          "MALLOC_MMAP_THRESHOLD_=33554432",
                                          "MALLOC_TOP_PAD_=1048576",
                                          NULL};

static bool become(const Account *account)
{
    if (!account->change)
        return true;
    return setgroups(0, NULL) == 0 && setgid(account->gid) == 0 && setuid(account->uid) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void complain(const char *what)
{
    const char *parts[] = {what, ": ", strerrordesc_np(errno), "\n"};

    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
            return;
}

/* Moves what must survive to 0..3 and closes the rest. `keep` ends as 3, or is not there. */
static bool arrange_descriptors(int output, int keep)
{
    int nothing = open("/dev/null", O_RDONLY);

    /* `keep` first goes out of the way of 0, 1 and 2; the duplicate is not close-on-exec */
    int kept = keep < 0 ? -1 : fcntl(keep, F_DUPFD, 10);
    if (nothing < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
        dup2(nothing, STDIN_FILENO) < 0)
        return false;
    if (keep >= 0 && (kept < 0 || dup2(kept, 3) < 0))
        return false;
    (void)syscall(SYS_close_range, keep < 0 ? 3U : 4U, ~0U, 0U); /* before Linux 5.9: O_CLOEXEC has to do */
    return true;
}

static void start_fresh(void)
{
    sigset_t none;
    struct sigaction standard = {.sa_handler = SIG_DFL};

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)sigaction(SIGPIPE, &standard, NULL);
    (void)setsid(); /* Ctrl-C is for the program that started it, which then stops it in order */
    (void)umask(077);
}

static ATTR_NORETURN void run_program(const Account *account, char *const *argv, char *const *env, int output,
                                      int keep)
{
    start_fresh();
    if (!arrange_descriptors(output, keep))
        complain("cannot arrange the descriptors");
    else if (!become(account))
        complain("cannot change to the account of PostgreSQL");
    else if (chdir("/") < 0)
        complain("cannot enter '/'");
    else {
        (void)execve(argv[0], argv, env);
        complain(argv[0]);
    }
    _exit(CANNOT_RUN);
}

/* ---- */

/* execve() wants words that it may write to, though it does not. */
static char *const *own_words(Arena *arena, const char *const *words)
{
    size_t count = 0;

    while (words[count])
        count++;
    char **copy = arena_new(arena, char *, count + 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = str_to_z(arena, str_from_z(words[i]));
    return copy;
}

bool account_spawn(const Account *account, const char *const *argv, int output, int keep, pid_t *out,
                   Err *err)
{
    ARENA_SCOPE(scratch);
    char *const *words = own_words(&scratch, argv), *const *env = own_words(&scratch, environment);
    pid_t pid = fork();

    if (pid < 0)
        return err_sys(err, ERR_IO, "cannot start '%s'", argv[0]);
    if (pid == 0)
        run_program(account, words, env, output, keep);
    *out = pid;
    return true;
}

/* The line that says what went wrong: the last with a word of PostgreSQL for it, else the last. */
static Str telling_line(Str text)
{
    Str one, last = {0}, worst = {0};

    while (text.len > 0) {
        text = str_cut(text, '\n', &one);
        one = str_trim(one);
        if (one.len == 0)
            continue;
        last = one;
        if (memmem(one.ptr, one.len, "error:", 6) || memmem(one.ptr, one.len, "FATAL:", 6))
            worst = one;
    }
    return worst.len ? worst : last;
}

/* Reads until the program closes its end; keeps the last part when it prints without end. */
static void read_output(int fd, Buf *output)
{
    enum { PIECE = 4096 };

    for (;;) {
        ssize_t n = os_read(fd, buf_reserve(output, PIECE), PIECE);

        if (n <= 0)
            return;
        output->len += (size_t)n;
        if (output->len > OUTPUT_MAX)
            buf_consume(output, output->len - OUTPUT_MAX);
    }
}

bool account_run(const Account *account, const char *const *argv, Buf *output, Err *err)
{
    int ends[2], status = 0;
    pid_t pid = -1;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, ERR_IO, "cannot start '%s'", argv[0]);
    FD_SCOPE(from);
    from = ends[0];
    bool started = account_spawn(account, argv, ends[1], -1, &pid, err);
    os_close(&ends[1]);
    if (!started)
        return false;
    read_output(from, output);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    Str said = telling_line(buf_str(output));
    Str program = str_base_name(str_from_z(argv[0]));
    return err_set(err, ERR_DB, "%.*s ended with %s %d: %.*s", STR_ARG(program),
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), STR_ARG(said));
}

/* ---- can it get there ---- */

enum { DEPTH_MAX = 120, CANNOT_BECOME = 121 };

/* The path down to its `number`th directory; the first is the root. */
static Str path_to(Str path, int number)
{
    if (number == 1)
        return str_sub(path, 0, 1);
    for (size_t i = 1; i < path.len; i++)
        if (path.ptr[i] == '/' && --number == 1)
            return str_sub(path, 0, i);
    return path;
}

/* The directories on the way to `path` and itself, from the root; NULL ends them. */
static const char *const *steps_to(Arena *arena, Str path)
{
    const char **steps = arena_new(arena, const char *, DEPTH_MAX);

    for (int number = 1; number < DEPTH_MAX; number++) {
        Str dir = path_to(path, number);

        steps[number - 1] = str_to_z(arena, dir);
        if (dir.len == path.len)
            break;
    }
    return steps;
}

/*
 * In a child that has become the account: the number of the first directory that it cannot enter, or 0. Each is asked
 * by itself, the root too: what is below a closed one cannot be entered either. Other threads may have held any lock
 * at the fork, that of the allocator too, so nothing is allocated here.
 */
static int first_closed(const char *const *steps)
{
    for (int i = 0; steps[i]; i++)
        if (access(steps[i], X_OK) < 0)
            return i + 1;
    return 0;
}

bool account_can_enter(const Account *account, const char *path, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *const *steps = steps_to(&scratch, str_from_z(path));
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return err_sys(err, ERR_IO, "cannot check '%s'", path);
    if (pid == 0)
        _exit(become(account) ? first_closed(steps) : CANNOT_BECOME);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == CANNOT_BECOME)
        return err_set(err, ERR_DENIED, "cannot change to the user '%s'", account->name);
    if (WEXITSTATUS(status) == 0)
        return true;
    Str closed = path_to(str_from_z(path), WEXITSTATUS(status));
    (void)err_set(err, ERR_DENIED, "the user '%s', which runs PostgreSQL, cannot enter '%.*s'", account->name,
                  STR_ARG(closed));
    return err_hint(err, "choose a directory outside of it, or allow it: chmod a+x '%.*s'", STR_ARG(closed));
}
