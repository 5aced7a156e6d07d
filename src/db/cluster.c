/* SPDX-License-Identifier: Apache-2.0 */
#include "db/cluster_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/os.h"
#include "db/db.h"
#include "db/process.h"

/* ---- paths ---- */

enum { SOCKET_PATH_MAX = 107 }; /* sun_path of unix(7) without its NUL */

static bool socket_fits(Str dir)
{
    return dir.len + sizeof "/.s.PGSQL.5432" - 1 <= SOCKET_PATH_MAX;
}

static const char *choose_socket_dir(Arena *arena, const ClusterSpec *spec, const char *title)
{
    Str own = str_printf(arena, "%s/%s", spec->run_dir, spec->name);

    if (socket_fits(own))
        return own.ptr;
    return str_printf(arena, "%s/%s", geteuid() == 0 ? "/run" : "/tmp", title).ptr;
}

bool cluster_open(Arena *arena, const ClusterSpec *spec, Cluster **out, Err *err)
{
    Cluster *cluster = arena_new(arena, Cluster, 1);
    Str dir = str_copy(arena, str_from_z(spec->dir));
    const char *bin = spec->bin_dir ? str_to_z(arena, str_from_z(spec->bin_dir)) : NULL;

    cluster->name = str_to_z(arena, str_from_z(spec->name));
    cluster->title =
        str_printf(arena, "strata-%016llx", (unsigned long long)XXH3_64bits(dir.ptr, dir.len)).ptr;
    cluster->dir = dir.ptr;
    cluster->lock = str_printf(arena, "%s.lock", dir.ptr).ptr;
    cluster->alive = str_printf(arena, "%s/alive", dir.ptr).ptr;
    cluster->data = str_printf(arena, "%s/data", dir.ptr).ptr;
    cluster->data_new = str_printf(arena, "%s/data.new", dir.ptr).ptr;
    cluster->socket_dir = choose_socket_dir(arena, spec, cluster->title);
    cluster->log_dir = str_printf(arena, "%s/pg-%s", spec->log_dir, spec->name).ptr;
    cluster->start_log = str_printf(arena, "%s/start.log", cluster->log_dir).ptr;
    cluster->start_timeout = spec->start_timeout ? spec->start_timeout : SECONDS(600);
    cluster->scratch = spec->scratch;
    if (!account_find(spec->account, &cluster->account, err) ||
        !install_find(arena, bin, cluster_disk_version(cluster->data), &cluster->install, err))
        return false;
    *out = cluster;
    return true;
}

const char *cluster_dsn(const Cluster *cluster, Arena *arena, const char *database, const char *user)
{
    const char *const pairs[][2] = {{"host", cluster->socket_dir},
                                    {"port", "5432"},
                                    {"dbname", database},
                                    {"user", user ? user : "postgres"}};
    const char *dsn = "";
    Err ignored; /* what db_dsn_with() gave, it can read */

    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        dsn = db_dsn_with(arena, dsn, pairs[i][0], pairs[i][1], &ignored);
    return dsn;
}

const char *cluster_name(const Cluster *cluster)
{
    return cluster->name;
}

const char *cluster_socket_dir(const Cluster *cluster)
{
    return cluster->socket_dir;
}

/* ---- is it running ---- */

/* Lets go of a child that ended, so that it is not a zombie. */
static void reap(Cluster *cluster)
{
    if (cluster->child && waitpid(cluster->child, NULL, WNOHANG) != 0)
        cluster->child = 0;
}

/* The postmaster that data/postmaster.pid names, if that process is one and works on this directory. */
static pid_t running(Cluster *cluster)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    Err ignored;
    Str first;
    int64_t pid;
    enum { FILE_BYTES = 8 * 1024 };

    reap(cluster);
    if (!os_read_file(str_printf(&scratch, "%s/postmaster.pid", cluster->data).ptr, FILE_BYTES, &text,
                      &ignored))
        return 0;
    (void)str_cut(buf_str(&text), '\n', &first);
    if (!str_to_int64(first, &pid) || pid <= 1 || pid > INT32_MAX)
        return 0;
    return process_has_argument((pid_t)pid, cluster->data) ? (pid_t)pid : 0;
}

pid_t cluster_pid(Cluster *cluster)
{
    return running(cluster);
}

void cluster_watch_flag(Cluster *cluster, const atomic_bool *flag)
{
    cluster->flag = flag;
}

static PGPing ping(const Cluster *cluster)
{
    ARENA_SCOPE(scratch);

    return PQping(
        str_printf(&scratch, "%s connect_timeout=10", cluster_dsn(cluster, &scratch, "postgres", NULL)).ptr);
}

ClusterState cluster_state(Cluster *cluster)
{
    ClusterState state = {.made = cluster_disk_version(cluster->data) != 0, .pid = running(cluster)};

    state.ready = state.pid && ping(cluster) == PQPING_OK;
    state.version = cluster->install.version;
    return state;
}

/* ---- stopping ---- */

static bool wait_gone(Cluster *cluster, pid_t pid, Duration patience)
{
    Duration until = time_monotonic() + patience;

    for (;;) {
        reap(cluster);
        if (!process_has_argument(pid, cluster->data))
            return true;
        if (time_monotonic() >= until)
            return false;
        time_sleep(MILLISECONDS(10));
    }
}

static bool end_postmaster(Cluster *cluster, pid_t pid, Duration patience)
{
    const struct {
        int signal;
        Duration patience;
    } steps[] = {{SIGINT, patience}, {SIGQUIT, SECONDS(6)}, {SIGKILL, SECONDS(2)}};

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i].patience == 0)
            continue;
        if (kill(pid, steps[i].signal) < 0 && errno == ESRCH)
            return true;
        if (wait_gone(cluster, pid, steps[i].patience))
            return true;
    }
    return false;
}

/* Backends outlive a killed postmaster until they next look up from their work, and hold its shared memory. */
static void end_orphans(const Cluster *cluster, int signal)
{
    ARENA_SCOPE(scratch);

    process_signal_titled(str_printf(&scratch, "postgres: %s: ", cluster->title).ptr, signal);
}

/*
 * Take the lock that every process of the cluster holds; having it means that none is left. `out` is closed
 * by the caller or handed to the next postmaster.
 */
static bool take_alive(const Cluster *cluster, int *out, Err *err)
{
    enum { TRIES = 1000, ASK = 5, INSIST = 200 }; /* 10 ms apart */
    Err last;

    for (int i = 0; i < TRIES; i++) {
        if (cluster_disk_lock(cluster->alive, LOCK_NB, out, &last))
            return true;
        if (last.code != ERR_BUSY)
            break;
        if (i == ASK || (i >= INSIST && i % INSIST == 0))
            end_orphans(cluster, i == ASK ? SIGQUIT : SIGKILL);
        time_sleep(MILLISECONDS(10));
    }
    *err = last;
    (void)err_wrap(err, "processes of an earlier start of the cluster '%s' are still running", cluster->name);
    return err_hint(err, "find them with: ps ax | grep 'postgres: %s'", cluster->title);
}

/*
 * With `alive` held nothing runs, whatever these files say: the process numbers in them may have been given
 * to others since, and PostgreSQL would then refuse to start.
 */
static bool remove_stale(const Cluster *cluster, Err *err)
{
    ARENA_SCOPE(scratch);
    const Str files[] = {str_printf(&scratch, "%s/postmaster.pid", cluster->data),
                         str_printf(&scratch, "%s/current_logfiles", cluster->data),
                         str_printf(&scratch, "%s/.s.PGSQL.5432", cluster->socket_dir),
                         str_printf(&scratch, "%s/.s.PGSQL.5432.lock", cluster->socket_dir)};

    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (os_unlink(files[i].ptr) < 0 && errno != ENOENT)
            return err_sys(err, ERR_IO, "cannot remove '%s'", files[i].ptr);
    return true;
}

/* With the lock held. */
static bool stop(Cluster *cluster, Duration patience, Err *err)
{
    FD_SCOPE(alive);
    pid_t pid = running(cluster);

    if (pid && !end_postmaster(cluster, pid, patience)) {
        (void)err_set(err, ERR_BUSY, "the cluster '%s' does not stop", cluster->name);
        return err_hint(err, "its first process is %ld", (long)pid);
    }
    if (!take_alive(cluster, &alive, err) || !remove_stale(cluster, err))
        return false;
    (void)rmdir(cluster->socket_dir);
    return true;
}

bool cluster_stop(Cluster *cluster, Duration patience, Err *err)
{
    FD_SCOPE(lock);

    if (cluster_disk_version(cluster->data) == 0)
        return true;
    return cluster_disk_lock(cluster->lock, 0, &lock, err) && stop(cluster, patience, err);
}

bool cluster_destroy(Cluster *cluster, Err *err)
{
    return cluster_stop(cluster, 0, err) && os_remove_tree(cluster->dir, err) &&
           os_remove_tree(cluster->lock, err);
}

/* ---- starting ---- */

bool cluster_make(Cluster *cluster, Err *err)
{
    FD_SCOPE(lock);

    return cluster_disk_make(cluster, &lock, err);
}

/* The part of a line from a word of PostgreSQL's for trouble; empty when it is none, or only what clients are
 * told while a server starts. */
static Str trouble_in(Str line)
{
    static const char *const words[] = {"PANIC:", "FATAL:", "postgres: "};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const char *at = memmem(line.ptr, line.len, words[i], strlen(words[i]));

        if (at && !memmem(line.ptr, line.len, "the database system is", 22))
            return str_trim((Str){at, line.len - (size_t)(at - line.ptr)});
    }
    return (Str){0};
}

/* The last line of trouble; for a configuration that "contains errors" the line before, which says what. */
static void find_reason(Str text, Str *reason)
{
    Str line, before = {0};

    for (; text.len > 0; before = line) {
        text = str_cut(text, '\n', &line);
        Str trouble = trouble_in(line);

        if (trouble.len > 0)
            *reason = str_ends(trouble, STR("contains errors")) ? before : trouble;
    }
}

/* Where the running log goes: data/current_logfiles holds "stderr PATH". */
static void read_current_log(const Cluster *cluster, Buf *out)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    Err ignored;
    Str kind, path;
    enum { LIST_BYTES = 8 * 1024, LOG_BYTES = 64 << 20 };

    if (!os_read_file(str_printf(&scratch, "%s/current_logfiles", cluster->data).ptr, LIST_BYTES, &text,
                      &ignored))
        return;
    (void)str_cut(str_cut(buf_str(&text), ' ', &kind), '\n', &path);
    (void)!os_read_file(str_to_z(&scratch, path), LOG_BYTES, out, &ignored);
}

static bool did_not_start(const Cluster *cluster, Err *err)
{
    BUF_SCOPE(first);
    BUF_SCOPE(later);
    Err ignored;
    Str reason = STR("it ended without a word");
    enum { LOG_BYTES = 1 << 20 };

    (void)!os_read_file(cluster->start_log, LOG_BYTES, &first, &ignored);
    read_current_log(cluster, &later);
    find_reason(buf_str(&first), &reason);
    find_reason(buf_str(&later), &reason);
    (void)err_set(err, ERR_DB, "the cluster '%s' did not start: %.*s", cluster->name, STR_ARG(reason));
    return err_hint(err, "PostgreSQL's log is in %s", cluster->log_dir);
}

/* Polls until it takes connections. *gone tells that it ended instead. */
static bool wait_ready(Cluster *cluster, pid_t pid, bool *gone, Err *err)
{
    Duration began = time_monotonic(), waited = 0;

    *gone = false;
    while (ping(cluster) != PQPING_OK) {
        reap(cluster);
        if (!process_has_argument(pid, cluster->data)) {
            *gone = true;
            return did_not_start(cluster, err);
        }
        if (cluster->flag && atomic_load(cluster->flag))
            return err_set(err, ERR_INTERRUPTED, "stopped while the cluster '%s' was starting",
                           cluster->name);
        waited = time_monotonic() - began;
        if (waited > cluster->start_timeout) {
            (void)err_set(err, ERR_DB, "the cluster '%s' runs, but takes no connections after %lld s",
                          cluster->name, (long long)(waited / SECONDS(1)));
            return err_hint(err, "PostgreSQL's log is in %s", cluster->log_dir);
        }
        time_sleep(waited < SECONDS(1) ? MILLISECONDS(10) : MILLISECONDS(200));
    }
    return true;
}

/* `alive` goes to PostgreSQL, whose every process then holds its lock. */
static bool spawn(Cluster *cluster, int alive, Err *err)
{
    ARENA_SCOPE(scratch);
    FD_SCOPE(log);
    const char *title = str_printf(&scratch, "cluster_name=%s", cluster->title).ptr;
    const char *program = str_printf(&scratch, "%s/postgres", cluster->install.bin).ptr;
    const char *const argv[] = {program, "-D", cluster->data, "-c", title, NULL};

    log = os_open(cluster->start_log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0640);
    if (log < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", cluster->start_log);
    return account_spawn(&cluster->account, argv, log, alive, &cluster->child, err);
}

/* The postmaster is execed a moment after the fork; until then its arguments are ours. */
static bool wait_exec(Cluster *cluster, Err *err)
{
    for (pid_t pid = cluster->child; !process_has_argument(pid, cluster->data); time_sleep(MILLISECONDS(1))) {
        reap(cluster);
        if (!cluster->child)
            return did_not_start(cluster, err);
    }
    return true;
}

/* Starts it from nothing, with the lock held. */
static bool start_new(Cluster *cluster, Err *err)
{
    FD_SCOPE(alive);
    bool gone;

    if (!take_alive(cluster, &alive, err) || !remove_stale(cluster, err) ||
        !cluster_disk_configure(cluster, cluster->data, err) || !spawn(cluster, alive, err))
        return false;
    os_close(&alive);
    return wait_exec(cluster, err) && wait_ready(cluster, cluster->child, &gone, err);
}

bool cluster_start(Cluster *cluster, Err *err)
{
    FD_SCOPE(lock);
    bool gone = false;

    if (!cluster_disk_make(cluster, &lock, err))
        return false;
    pid_t pid = running(cluster);
    bool ready = pid && wait_ready(cluster, pid, &gone, err);
    if (ready || (pid && !gone)) /* gone: somebody's stop came to its end just now */
        return ready;
    return start_new(cluster, err);
}
