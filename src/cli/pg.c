/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/dsn.h"
#include "cli/sql_rows.h"

typedef struct Opts {
    Str server, database, user, command;
} Opts;

static const Opt opts[] = {
    {OPT_TEXT, "server", 's', offsetof(Opts, server), "SERVER",
     "the server; else that of the service database"},
    {OPT_TEXT, "database", 'd', offsetof(Opts, database), "NAME", "another database"},
    {OPT_TEXT, "user", 'U', offsetof(Opts, user), "ROLE", "another role"},
    {OPT_TEXT, "command", 'c', offsetof(Opts, command), "SQL", "run this and end"},
    {.type = OPT_END},
};

/* ---- psql ---- */

/* Says through `pipe_end` why it is not psql; with psql it closes. */
static ATTR_NORETURN void be_psql(const char *const *argv, int pipe_end)
{
    union {
        const char *const *given;
        char **wanted;
    } words = {.given = argv};

    /* What ends the command by a signal ends psql with it, as if it were psql. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)execvp("psql", words.wanted);
    int why = errno;
    if (os_write(pipe_end, &why, sizeof why) < 0)
        _exit(126);
    _exit(127);
}

static bool start_psql(const char *const *argv, pid_t *out, Err *err)
{
    int ends[2], why = 0;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, ERR_IO, "cannot start psql");
    *out = fork();
    if (*out == 0)
        be_psql(argv, ends[1]);
    os_close(&ends[1]);
    if (*out < 0)
        why = errno;
    else if (os_read(ends[0], &why, sizeof why) > 0)
        (void)waitpid(*out, NULL, 0);
    os_close(&ends[0]);
    if (!why)
        return true;
    errno = why;
    (void)err_sys(err, ERR_CONFIG, "cannot run psql");
    return err_hint(err, "apt-get install postgresql-client");
}

static volatile sig_atomic_t ctrl_c;

static void note_ctrl_c(int number)
{
    (void)number;
    ctrl_c = 1;
}

/* It has said itself what was wrong: with the SQL, a script, or the connection. */
static bool explain(int status, bool interactive, Err *err)
{
    if (WIFSIGNALED(status))
        return err_set(err, ERR_INTERRUPTED, "psql was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == 0)
        return true;
    if (ctrl_c && !interactive)
        return err_set(err, ERR_INTERRUPTED, "the SQL was stopped");
    return err_set(err, ERR_DB, "psql ended with status %d", WEXITSTATUS(status));
}

/* Ctrl-C is psql's own business: it ends a statement, or a line that is being typed. */
static bool wait_for_psql(pid_t pid, bool interactive, Err *err)
{
    void (*before)(int) = signal(SIGINT, note_ctrl_c);
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)signal(SIGINT, before);
    return explain(status, interactive, err);
}

static bool run_psql(const Call *call, const char *dsn, Err *err)
{
    enum { WORDS_MAX = 8 };
    const Opts *o = call->opts;
    const char *argv[WORDS_MAX] = {"psql", "-d", dsn};
    size_t count = 3;
    pid_t pid = 0;

    if (call->quiet)
        argv[count++] = "-q";
    if (o->command.ptr) {
        argv[count++] = "-c";
        argv[count] = o->command.ptr;
    }
    return start_psql(argv, &pid, err) && wait_for_psql(pid, !o->command.ptr, err);
}

/* ---- the command ---- */

static bool check_json(const Call *call, Err *err)
{
    const Opts *o = call->opts;

    if (!call->json)
        return true;
    if (!o->command.ptr) {
        (void)err_set(err, ERR_USAGE, "--json needs -c SQL");
        return err_hint(err, "without it psql starts, which is for people");
    }
    return !str_starts(str_trim(o->command), STR("\\")) ||
           err_set(err, ERR_USAGE, "commands of psql's own have no --json, only SQL has");
}

static bool run(const Call *call, Err *err)
{
    const Opts *o = call->opts;
    DsnFound found;

    if (!dsn_find(call, &(DsnWish){o->server, o->database, o->user}, &found, err) || !check_json(call, err) ||
        !instance_check_up(found.instance, found.server, err))
        return false;
    return call->json ? sql_rows_print(call, found.text, o->command, err) : run_psql(call, found.text, err);
}

const Cmd cmd_pg = {
    .name = "pg",
    .summary = "open psql on the service database, or on a server",
    .description =
        "With -c the SQL is run by psql, which prints as it always does, or with --json by this program: a row is "
        "an object in a line of its own.\n\n"
        "The exit status is 7 when the SQL failed, or psql could not connect or lost its connection. A script on "
        "standard input goes on behind an error, as psql does, unless it has \\set ON_ERROR_STOP on.",
    .examples = "strata pg\n"
                "strata pg -c 'select * from shards'\n"
                "strata pg --json -c 'select * from shards'\n",
    .opts = opts,
    CMD_OPTS(Opts, {0}),
    .run = run,
};
