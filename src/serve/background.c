/* SPDX-License-Identifier: Apache-2.0 */
/* The service in a process of its own: started so that it outlives its starter, and stopped from outside. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/os.h"
#include "serve/daemon.h"
#include "serve/presence.h"

enum { LOG_BYTES_MAX = 16 << 20 };

/* The log goes on where it ended; a long one is put aside first, and the one put aside before goes. */
static bool open_log(const Instance *instance, int *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = str_printf(&scratch, "%s/log/strata.log", instance_path(instance)).ptr;
    struct stat st;

    if (stat(path, &st) == 0 && st.st_size > LOG_BYTES_MAX &&
        os_rename(path, str_printf(&scratch, "%s.1", path).ptr) < 0)
        return err_sys(err, ERR_IO, "cannot put '%s' aside", path);
    *out = os_open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
    if (*out < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);
    return true;
}

static void leave_terminal(int log)
{
    int nothing = open("/dev/null", O_RDONLY);

    (void)setsid();
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    os_close(&nothing);
    if (chdir("/") < 0)
        return; /* it only keeps a file system busy */
}

/* The starter reads one Err from the pipe: with ERR_NONE the service is up. Both are this very program. What `err`
 * holds by now is of something that was got over, as a port that another had taken. */
static bool tell_starter(void *ctx, Err *err)
{
    int *pipe_end = ctx;
    Err outcome = {0};
    bool told = os_write_all(*pipe_end, (Str){(const char *)&outcome, sizeof outcome}, err);

    os_close(pipe_end);
    return told;
}

static ATTR_NORETURN void be_service(const Instance *instance, const ConfSet *set, int log, int pipe_end)
{
    Err err = {0}, ignored = {0};

    leave_terminal(log);
    bool ok = daemon_run(instance, set, tell_starter, &pipe_end, &err);
    if (!ok) {
        log_err(LOG_ERROR, "did not start", &err);
        if (pipe_end >= 0)
            (void)!os_write_all(pipe_end, (Str){(const char *)&err, sizeof err}, &ignored);
    }
    _exit(ok ? 0 : err_exit_status(err.code));
}

static bool wait_for_outcome(const Instance *instance, int pipe_end, Err *err)
{
    Err outcome = {0};
    size_t have = 0;

    while (have < sizeof outcome) {
        ssize_t n = os_read(pipe_end, (char *)&outcome + have, sizeof outcome - have);

        if (n <= 0) {
            (void)err_set(err, ERR_IO, "the service ended while it started");
            return err_hint(err, "see %s/log/strata.log", instance_path(instance));
        }
        have += (size_t)n;
    }
    *err = outcome;
    return outcome.code == ERR_NONE;
}

bool daemon_start(const Instance *instance, const ConfSet *set, Err *err)
{
    int ends[2];
    FD_SCOPE(log);

    if (!open_log(instance, &log, err))
        return false;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, ERR_IO, "cannot start the service");
    pid_t pid = fork();
    if (pid == 0) {
        os_close(&ends[0]);
        be_service(instance, set, log, ends[1]);
    }
    os_close(&ends[1]);
    bool ok =
        pid < 0 ? err_sys(err, ERR_IO, "cannot start the service") : wait_for_outcome(instance, ends[0], err);
    os_close(&ends[0]);
    if (!ok && pid > 0)
        (void)waitpid(pid, NULL, 0);
    return ok;
}

/* ---- stopping ---- */

static const PostgresqlSection *postgresql_of(const Instance *instance)
{
    return conf_get(instance_conf(instance), &postgresql_section, (Str){0});
}

static bool stop_service(const Instance *instance, pid_t pid, Err *err)
{
    const HttpSection *http = conf_get(instance_conf(instance), &http_section, (Str){0});
    Duration patience = http->stop_time + postgresql_of(instance)->stop_timeout + SECONDS(60);

    if (kill(pid, SIGTERM) < 0 && errno != ESRCH)
        return err_sys(err, errno == EPERM ? ERR_DENIED : ERR_IO, "cannot stop the service, process %ld",
                       (long)pid);
    if (presence_wait_gone(instance_path(instance), patience))
        return true;
    (void)err_set(err, ERR_BUSY, "the service, process %ld, does not stop", (long)pid);
    return err_hint(err, "see %s/log/strata.log", instance_path(instance));
}

/* A service that was killed leaves its clusters running. */
static bool stop_clusters(const Instance *instance, Err *err)
{
    InstanceServer *servers;
    size_t count = instance_servers(instance, &servers);

    for (size_t i = 0; i < count; i++)
        if (servers[i].cluster &&
            !cluster_stop(servers[i].cluster, postgresql_of(instance)->stop_timeout, err))
            return false;
    return true;
}

bool daemon_stop(const Instance *instance, Err *err)
{
    pid_t pid = presence_pid(instance_path(instance));

    if (pid != 0 && !stop_service(instance, pid, err))
        return false;
    presence_remove(instance_path(instance), "http.url");
    presence_remove(instance_path(instance), "parts");
    return stop_clusters(instance, err);
}
