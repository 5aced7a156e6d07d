/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/job_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/jsonread.h"
#include "base/os.h"
#include "serve/presence.h"

#define NAME "jobs.sock"

enum {
    QUESTION_MAX = 256,
    ANSWER_MAX = 64 * 1024 * 1024,
    PIECE = 64 * 1024,
    BACKLOG = 16,
    PAGE = 1000,
    PATIENCE_S = 5 /* with who asks and says nothing */
};

struct JobSocket {
    Jobs *jobs;
    const char *dir;
    Arena arena;
    int fd;
    pthread_t thread;
};

/* By the directory's descriptor, since an address has 108 bytes and a path may have more. */
static bool address_of(const char *dir, int *run, struct sockaddr_un *out, Err *err)
{
    ARENA_SCOPE(scratch);
    const char *path = str_printf(&scratch, "%s/run", dir).ptr;

    *run = os_open(path, O_PATH | O_DIRECTORY, 0);
    if (*run < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/" NAME, *run);
    return true;
}

static void set_patience(int fd)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

/* ---- the service ---- */

static void put_line(JsonOut *out, const JobView *job)
{
    json_begin(out, '{');
    job_put_fields(out, job);
    json_key(out, "file");
    json_z(out, job->state == JOB_DONE ? job->path : NULL);
    json_end(out, '}');
    json_line(out);
}

static bool answer_one(const JobSocket *sock, Arena *arena, Str number, bool cancel, JsonOut *out, Err *err)
{
    JobView job;
    int64_t id;

    if (!str_to_int64(number, &id))
        return err_set(err, ERR_USAGE, "'%.*s' is not the number of a job", STR_ARG(number));
    if (!jobs_get(sock->jobs, arena, (Str){0}, id, &job, err))
        return false;
    if (cancel && job_has_ended(&job))
        return err_set(err, ERR_CONFLICT, "job %lld has ended already: it is %s", (long long)id,
                       job_state_name(job.state));
    if (cancel && !jobs_cancel(sock->jobs, (Str){0}, id, err))
        return false;
    put_line(out, &job);
    return true;
}

static bool answer(const JobSocket *sock, Arena *arena, Str question, JsonOut *out, Err *err)
{
    Str verb, rest = str_cut(question, ' ', &verb);
    size_t count = PAGE;
    int64_t last = 0;

    if (str_eq(verb, STR("job")) || str_eq(verb, STR("cancel")))
        return answer_one(sock, arena, rest, str_eq(verb, STR("cancel")), out, err);
    if (!str_eq(verb, STR("jobs")))
        return err_set(err, ERR_USAGE, "'%.*s' is no question", STR_ARG(verb));
    while (count == PAGE) {
        JobView *jobs = jobs_list(sock->jobs, arena, rest, last, PAGE, &count);

        for (size_t i = 0; i < count; i++, last = jobs[i - 1].id)
            put_line(out, &jobs[i]);
    }
    return true;
}

/* A line; all of it comes at once, or its sender is none of ours. */
static bool read_question(int fd, char *line, Str *out)
{
    ssize_t got = os_read(fd, line, QUESTION_MAX);

    if (got <= 0 || line[got - 1] != '\n')
        return false;
    *out = (Str){line, (size_t)got - 1};
    return true;
}

static void serve_one(const JobSocket *sock, int fd)
{
    ARENA_SCOPE(arena);
    BUF_SCOPE(text);
    JsonOut out = json_out(&text);
    char line[QUESTION_MAX];
    Str question;
    Err err = {0};

    set_patience(fd);
    if (!read_question(fd, line, &question))
        return;
    if (!answer(sock, &arena, question, &out, &err)) {
        json_err(&out, &err);
        json_line(&out);
    }
    (void)!os_write_all(fd, buf_str(&text), &err); /* who asked may be gone */
}

/* Until job_socket_close(), whose shutdown() ends accept(). */
static void *work(void *socket_v)
{
    const JobSocket *sock = socket_v;

    for (;;) {
        FD_SCOPE(fd);

        fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            serve_one(sock, fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            return NULL;
    }
}

static bool listen_on(const char *dir, int *out, Err *err)
{
    struct sockaddr_un address;
    FD_SCOPE(run);
    FD_SCOPE(fd);

    if (!address_of(dir, &run, &address, err))
        return false;
    (void)unlinkat(run, NAME, 0); /* of a service that was killed */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Nobody can connect before it listens, and then it is the owner's alone. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        fchmodat(run, NAME, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
        return err_sys(err, ERR_IO, "cannot listen on '%s/run/" NAME "'", dir);
    *out = fd;
    fd = -1;
    return true;
}

bool job_socket_open(const char *dir, Jobs *jobs, JobSocket **out, Err *err)
{
    JobSocket *sock = calloc(1, sizeof *sock);

    if (!sock)
        abort();
    sock->jobs = jobs;
    sock->dir = str_copy(&sock->arena, str_from_z(dir)).ptr;
    sock->fd = -1;
    bool ok = listen_on(dir, &sock->fd, err);
    if (ok && pthread_create(&sock->thread, NULL, work, sock) != 0)
        ok = err_set(err, ERR_IO, "cannot start a thread for the questions of commands");
    if (ok) {
        *out = sock;
        return true;
    }
    os_close(&sock->fd);
    arena_free(&sock->arena);
    free(sock);
    return false;
}

void job_socket_close(JobSocket *sock)
{
    (void)shutdown(sock->fd, SHUT_RDWR);
    (void)pthread_join(sock->thread, NULL);
    os_close(&sock->fd);
    presence_remove(sock->dir, NAME);
    arena_free(&sock->arena);
    free(sock);
}

/* ---- who asks ---- */

static bool connect_to(const char *dir, int *out, Err *err)
{
    struct sockaddr_un address;
    FD_SCOPE(run);
    FD_SCOPE(fd);

    if (presence_pid(dir) == 0) {
        (void)err_set(err, ERR_DB, "the instance '%s' is down, and jobs are its service's", dir);
        return err_hint(err, "strata up starts it");
    }
    if (!address_of(dir, &run, &address, err))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return err_sys(err, ERR_IO, "cannot ask the service by '%s/run/" NAME "'", dir);
    *out = fd;
    fd = -1;
    return true;
}

static bool read_all(int fd, Buf *out, Err *err)
{
    ssize_t got = 1;

    while (got > 0 && out->len < ANSWER_MAX) {
        got = os_read(fd, buf_reserve(out, PIECE), PIECE);
        if (got < 0)
            return err_sys(err, ERR_IO, "the service does not answer");
        out->len += (size_t)got;
    }
    return out->len < ANSWER_MAX || err_set(err, ERR_LIMIT, "the service answers too much");
}

static ErrCode code_named(Str name)
{
    for (int code = ERR_NONE + 1; code <= ERR_BUSY; code++)
        if (str_eq_z(name, err_name((ErrCode)code)))
            return (ErrCode)code;
    return ERR_IO;
}

/* The error that an answer may be: false. */
static bool is_well(Arena *arena, Str text, Err *err)
{
    JsonIn in = json_in(text);
    ErrCode code = ERR_IO;
    Str key, message = {0};
    JsonValue value;

    if (!str_starts(text, STR("{\"error\"")))
        return true;
    for (bool more = json_enter(&in, '{') && json_key_next(&in, &key) && json_enter(&in, '{');
         more && json_key_next(&in, &key);) {
        if (!json_value(&in, &value))
            break;
        if (str_eq(key, STR("code")))
            code = code_named(value.raw);
        else if (str_eq(key, STR("message")))
            message = json_text(arena, &value);
    }
    return err_set(err, code, "%.*s", STR_ARG(message));
}

bool job_socket_ask(const char *dir, Arena *arena, Str question, Str *out, Err *err)
{
    ARENA_SCOPE(scratch);
    BUF_SCOPE(text);
    FD_SCOPE(fd);

    if (question.len >= QUESTION_MAX)
        return err_set(err, ERR_USAGE, "'%.*s' is too long", STR_ARG(question));
    if (!connect_to(dir, &fd, err))
        return false;
    set_patience(fd);
    if (!os_write_all(fd, str_printf(&scratch, "%.*s\n", STR_ARG(question)), err) ||
        !read_all(fd, &text, err))
        return false;
    *out = str_copy(arena, buf_str(&text));
    return is_well(arena, *out, err);
}
