/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/extract_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os.h"

/* Bytes of a frame, with its kind: src/extract/frame.h. */
enum { FRAME_MAX = 64 << 20, HEAD = 4, PIECE = 64 * 1024 };

void extract_worker_init(ExtractWorker *worker)
{
    *worker = (ExtractWorker){.to = -1, .from = -1, .noise = -1};
}

/* Standard error as a file that keeps what a crashed process said last. */
static bool open_noise(ExtractWorker *worker, Err *err)
{
    if (worker->noise >= 0)
        return ftruncate(worker->noise, 0) == 0 || err_sys(err, ERR_IO, "cannot empty a file in memory");
    worker->noise = memfd_create("strata-extract", MFD_CLOEXEC);
    if (worker->noise < 0 || fcntl(worker->noise, F_SETFL, O_APPEND) < 0)
        return err_sys(err, ERR_IO, "cannot make a file in memory");
    return true;
}

static bool spawn(ExtractWorker *worker, int in, int out, char *const *argv, Err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, normal;
    int error;

    /* The child starts with no signal blocked or ignored, whatever this program does with them. */
    (void)sigemptyset(&none);
    (void)sigemptyset(&normal);
    (void)sigaddset(&normal, SIGPIPE);
    (void)sigaddset(&normal, SIGINT);
    (void)sigaddset(&normal, SIGTERM);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    error = posix_spawnattr_setflags(&attributes,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (error == 0)
        error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(&attributes, &normal);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, worker->noise, STDERR_FILENO);
    if (error == 0)
        error = posix_spawn(&worker->pid, argv[0], &actions, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        worker->pid = 0;
        errno = error;
        return err_sys(err, ERR_IO, "cannot run '%s'", argv[0]);
    }
    return true;
}

bool extract_worker_start(ExtractWorker *worker, char *const *argv, Err *err)
{
    /* A socket towards it, because writing to one whose reader is gone can fail without SIGPIPE. */
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    bool good;

    good = open_noise(worker, err) &&
           ((socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0 && pipe2(out, O_CLOEXEC) == 0) ||
            err_sys(err, ERR_IO, "cannot make a pipe"));
    good = good && spawn(worker, in[0], out[1], argv, err);
    os_close(&in[0]);
    os_close(&out[1]);
    if (!good) {
        os_close(&in[1]);
        os_close(&out[0]);
        return false;
    }
    worker->to = in[1];
    worker->from = out[0];
    (void)fcntl(worker->from, F_SETFL, O_NONBLOCK);
    worker->ready = false;
    worker->sent = 0;
    return true;
}

static ExtractRequest *queued(ExtractWorker *worker, size_t i)
{
    return &worker->queue[(worker->first + i) % EXTRACT_QUEUE];
}

static bool send_all(int to, Str data, Err *err)
{
    while (data.len > 0) {
        ssize_t n = send(to, data.ptr, data.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot send a path to an extractor");
        data = str_sub(data, (size_t)n, data.len);
    }
    return true;
}

/* Never waits: the queue's paths together are shorter than a socket's buffer. */
bool extract_worker_send(ExtractWorker *worker, Err *err)
{
    for (; worker->sent < worker->count; worker->sent++) {
        BUF_SCOPE(frame);
        Str path = buf_str(&queued(worker, worker->sent)->path);
        size_t len = path.len + 1;

        for (int i = 0; i < HEAD; i++)
            buf_put_byte(&frame, (char)(len >> (8 * i)));
        buf_put_byte(&frame, 'P');
        buf_put(&frame, path);
        if (!send_all(worker->to, buf_str(&frame), err))
            return false;
    }
    return true;
}

bool extract_worker_receive(ExtractWorker *worker)
{
    ssize_t n;

    if (worker->parsed > 0) {
        buf_consume(&worker->in, worker->parsed);
        worker->parsed = 0;
    }
    if (worker->in.len == 0 && worker->in.size > (size_t)16 * PIECE)
        buf_release(&worker->in); /* one huge record must not be remembered as memory */
    n = os_read(worker->from, buf_reserve(&worker->in, PIECE), PIECE);
    if (n < 0)
        return errno == EAGAIN;
    worker->in.len += (size_t)n;
    return n > 0;
}

bool extract_worker_frame(ExtractWorker *worker, ExtractFrame *out, bool *broken)
{
    const unsigned char *head = (const unsigned char *)worker->in.ptr + worker->parsed;
    size_t have = worker->in.len - worker->parsed, len;

    *broken = false;
    if (have < HEAD)
        return false;
    len = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    *broken = len == 0 || len > FRAME_MAX;
    if (*broken || have < HEAD + len)
        return false;
    out->kind = (char)head[HEAD];
    out->payload = (Str){worker->in.ptr + worker->parsed + HEAD + 1, len - 1};
    worker->parsed += HEAD + len;
    return true;
}

void extract_worker_quiet(ExtractWorker *worker)
{
    struct stat st;

    if (fstat(worker->noise, &st) == 0 && st.st_size > 0)
        st.st_size = ftruncate(worker->noise, 0); /* at worst, words of an earlier file are quoted */
}

/* The last line or so that it printed, without control characters. */
static Str last_words(ExtractWorker *worker, Arena *arena)
{
    enum { WORDS = 300 };
    char *text = arena_new(arena, char, WORDS);
    struct stat st;
    ssize_t n;

    if (fstat(worker->noise, &st) < 0)
        return (Str){0};
    n = os_pread(worker->noise, text, WORDS, st.st_size > WORDS ? st.st_size - WORDS : 0);
    for (ssize_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20)
            text[i] = ' ';
    return str_trim((Str){text, n > 0 ? (size_t)n : 0});
}

/*
 * False when the process is not gone after a second: one that waits for a dead network file system cannot be
 * killed, and waiting for it would hang the parent as well. It stays until the file system answers.
 */
static bool kill_and_reap(pid_t pid, int *status)
{
    (void)kill(pid, SIGKILL);
    for (int tries = 0; tries < 200; tries++) {
        pid_t got = waitpid(pid, status, WNOHANG);

        if (got == pid || (got < 0 && errno != EINTR))
            return true;
        time_sleep(MILLISECONDS(tries < 50 ? 1 : 10));
    }
    return false;
}

Str extract_worker_end(ExtractWorker *worker, Arena *arena)
{
    Str how = STR("ended"), words = {0};
    int status = 0;

    if (worker->pid > 0) {
        bool ended = kill_and_reap(worker->pid, &status);

        words = last_words(worker, arena);
        if (!ended)
            how = STR("cannot be ended, it waits for the file system");
        else if (WIFSIGNALED(status))
            how = str_printf(arena, "crashed (%s)", strsignal(WTERMSIG(status)));
        else
            how = str_printf(arena, "ended with status %d", WEXITSTATUS(status));
    }
    worker->killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    worker->pid = 0;
    os_close(&worker->to);
    os_close(&worker->from);
    buf_reset(&worker->in);
    buf_reset(&worker->warning);
    worker->parsed = worker->sent = 0;
    worker->ready = false;
    return words.len > 0 ? str_printf(arena, "%.*s: %.*s", STR_ARG(how), STR_ARG(words)) : how;
}

void extract_worker_release(ExtractWorker *worker)
{
    ARENA_SCOPE(scratch);

    (void)extract_worker_end(worker, &scratch);
    os_close(&worker->noise);
    buf_release(&worker->in);
    buf_release(&worker->warning);
    for (size_t i = 0; i < EXTRACT_QUEUE; i++)
        buf_release(&worker->queue[i].path);
}
