/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/extract.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/extract_worker.h"

struct ExtractPool {
    ExtractOptions options;
    char **argv;
    ExtractWorker *workers;
    struct pollfd *polled;
    int started; /* workers that have been used */
    size_t pending;
    int restarts;
    bool closed;
};

/* Ends of a process in a row, before its hello, after which starting it is given up. */
enum { FAILURES_MAX = 6 };
#define START_LIMIT SECONDS(60) /* until the first word of a new process */

/* --- where the program is, and its arguments --- */

static bool is_program(Str path)
{
    return path.len > 0 && access(path.ptr, X_OK) == 0;
}

bool extract_program(Arena *arena, Str *out, Err *err)
{
    enum { LINK_MAX = 4096 };
    char *self = arena_new(arena, char, LINK_MAX);
    ssize_t n = readlink("/proc/self/exe", self, LINK_MAX - 1);
    Str dir = str_dir_name((Str){self, n > 0 ? (size_t)n : 0});
    const Str places[] = {
        str_copy(arena, str_from_z(getenv("STRATA_EXTRACT"))),
        str_printf(arena, "%.*s/strata-extract", STR_ARG(dir)),
        str_printf(arena, "%.*s/../libexec/strata/strata-extract", STR_ARG(dir)),
    };

    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (is_program(places[i])) {
            *out = places[i];
            return true;
        }
    (void)err_set(err, ERR_NOT_FOUND, "cannot find the program strata-extract");
    return err_hint(err, "it belongs beside this program: '%s'; or set STRATA_EXTRACT to its path",
                    places[1].ptr);
}

static bool make_arguments(Arena *arena, ExtractPool *pool, Err *err)
{
    const ExtractOptions *options = &pool->options;
    Str program = str_from_z(options->program);
    size_t n = 0;

    if (program.len == 0 && !extract_program(arena, &program, err))
        return false;
    if (!is_program(program))
        return err_set(err, ERR_NOT_FOUND, "there is no program '%.*s'", STR_ARG(program));
    pool->argv = arena_new(arena, char *, 8);
    pool->argv[n++] = str_to_z(arena, program);
    pool->argv[n++] = str_to_z(arena, STR("--worker"));
    pool->argv[n++] = str_to_z(arena, STR("--memory"));
    pool->argv[n++] = str_to_z(arena, str_printf(arena, "%ju", (uintmax_t)options->memory));
    if (options->stats)
        pool->argv[n++] = str_to_z(arena, STR("--stats"));
    if (options->rules) {
        pool->argv[n++] = str_to_z(arena, STR("--rules"));
        pool->argv[n++] = str_to_z(arena, str_from_z(options->rules));
    }
    return true;
}

/* --- answers --- */

static ExtractRequest *head_of(ExtractWorker *worker)
{
    return &worker->queue[worker->first];
}

/* Takes the first request off the queue and hands its answer out. */
static bool finish(ExtractPool *pool, ExtractWorker *worker, ExtractOutcome outcome, Str record, Str problem,
                   Err *err)
{
    ExtractRequest *request = head_of(worker);
    ExtractAnswer answer = {outcome, buf_str(&request->path), request->tag, record, problem};

    worker->first = (worker->first + 1) % EXTRACT_QUEUE;
    worker->count--;
    worker->sent -= worker->sent > 0;
    pool->pending--;
    worker->deadline = time_monotonic() + pool->options.time_limit;
    return pool->options.done(pool->options.ctx, &answer, err);
}

static bool start(ExtractPool *pool, ExtractWorker *worker, Err *err)
{
    if (!extract_worker_start(worker, pool->argv, err))
        return false;
    worker->deadline = time_monotonic() + START_LIMIT;
    return true;
}

/*
 * The first file is to blame for a crash. A process that was killed from outside says nothing of it: it is read once more.
 * Killed again, it may be the memory it wants; nobody knows, so it is left for the next time.
 */
static bool blame(ExtractPool *pool, ExtractWorker *worker, bool killed, Str how, Err *err)
{
    ARENA_SCOPE(scratch);

    if (killed && !head_of(worker)->again) {
        head_of(worker)->again = true;
        return true;
    }
    return finish(pool, worker, killed ? EXTRACT_KILLED : EXTRACT_FAILED, (Str){0},
                  str_printf(&scratch, "the reader of this file %.*s", STR_ARG(how)), err);
}

/* A process is gone, or is to go, for the reason given or its own. */
static bool replace(ExtractPool *pool, ExtractWorker *worker, const char *why, Err *err)
{
    ARENA_SCOPE(scratch);
    bool reading = worker->sent > 0, was_ready = worker->ready;
    Str how = extract_worker_end(worker, &scratch);
    Duration wait;

    pool->restarts++;
    worker->failures++;
    worker->stillborn += !was_ready;
    if (worker->stillborn >= FAILURES_MAX)
        return err_set(err, ERR_IO, "'%s' cannot be kept running: it %.*s", pool->argv[0], STR_ARG(how));
    if (reading && !blame(pool, worker, !why && worker->killed, why ? str_from_z(why) : how, err))
        return false;
    /* At once after the first crash, then 20 ms, 40 ms ... 1.3 s: a broken library must not eat the machine. */
    wait = worker->failures > 1 ? MILLISECONDS(10) << (worker->failures < 7 ? worker->failures : 7) : 0;
    worker->deadline = time_monotonic() + wait;
    return true;
}

static bool take_frame(ExtractPool *pool, ExtractWorker *worker, const ExtractFrame *frame, Err *err)
{
    if (frame->kind == 'H') {
        worker->ready = true;
        worker->stillborn = 0;
        worker->deadline = time_monotonic() + pool->options.time_limit;
        return true;
    }
    if (frame->kind == 'E')
        return err_set(err, ERR_CONFIG, "%.*s", STR_ARG(frame->payload));
    if (frame->kind == 'W') {
        buf_put(&worker->warning, frame->payload);
        return true;
    }
    worker->failures = 0;
    extract_worker_quiet(worker);
    if (frame->kind == 'R') {
        bool good = finish(pool, worker, EXTRACT_FOUND, frame->payload, buf_str(&worker->warning), err);

        buf_reset(&worker->warning);
        return good;
    }
    return finish(pool, worker, frame->kind == 'N' ? EXTRACT_NO_DATA : EXTRACT_FAILED, (Str){0},
                  frame->payload, err);
}

/* An answer is only one when there is a request that it answers. */
static bool expected(const ExtractWorker *worker, char kind)
{
    if (kind == 'H' || kind == 'E')
        return !worker->ready;
    return worker->ready && worker->count > 0 && kind != 0 && strchr("WRNX", kind);
}

static bool take_frames(ExtractPool *pool, ExtractWorker *worker, Err *err)
{
    ExtractFrame frame;
    bool broken;

    while (extract_worker_frame(worker, &frame, &broken)) {
        if (!expected(worker, frame.kind))
            return replace(pool, worker, "answered out of turn", err);
        if (!take_frame(pool, worker, &frame, err))
            return false;
    }
    return !broken || replace(pool, worker, "answered what cannot be read", err);
}

/* Reads all that has arrived; frames that came before an end still count. */
static bool receive(ExtractPool *pool, ExtractWorker *worker, Err *err)
{
    bool open = extract_worker_receive(worker);

    return take_frames(pool, worker, err) && (open || worker->pid == 0 || replace(pool, worker, NULL, err));
}

/* --- turns --- */

/* What a worker needs before the pool waits: a process again, or its requests sent. */
static bool prepare(ExtractPool *pool, ExtractWorker *worker, Instant now, Err *err)
{
    Err gone = {0};

    if (worker->pid == 0) {
        if (worker->count == 0 || worker->deadline > now)
            return true;
        if (!start(pool, worker, err))
            return false;
    }
    if (worker->ready && !extract_worker_send(worker, &gone))
        return replace(pool, worker, NULL, err);
    return true;
}

static bool overdue(const ExtractWorker *worker, Instant now)
{
    return worker->pid > 0 && (worker->count > 0 || !worker->ready) && worker->deadline <= now;
}

/* Milliseconds until something must be done about a worker; -1 for never. */
static int patience(const ExtractPool *pool, Instant now)
{
    Instant soonest = INT64_MAX;

    for (int i = 0; i < pool->started; i++) {
        const ExtractWorker *worker = &pool->workers[i];

        if ((worker->count > 0 || (worker->pid > 0 && !worker->ready)) && worker->deadline < soonest)
            soonest = worker->deadline;
    }
    if (soonest == INT64_MAX)
        return -1;
    return soonest <= now
               ? 0
               : (int)((soonest - now + 999) / 1000 < 60000 ? (soonest - now + 999) / 1000 : 60000);
}

static bool stop_overdue(ExtractPool *pool, Err *err)
{
    Instant now = time_monotonic();

    for (int i = 0; i < pool->started; i++) {
        ARENA_SCOPE(scratch);
        Str why = str_printf(&scratch, "was stopped after %.1f s",
                             (double)(pool->options.time_limit) / (double)SECONDS(1));

        if (overdue(&pool->workers[i], now) && !replace(pool, &pool->workers[i], why.ptr, err))
            return false;
    }
    return true;
}

/* One turn: send, wait (or only look), receive, stop what takes too long. */
static bool turn(ExtractPool *pool, bool wait, Err *err)
{
    Instant now = time_monotonic();
    int n;

    for (int i = 0; i < pool->started; i++) {
        if (!prepare(pool, &pool->workers[i], now, err))
            return false;
        pool->polled[i] = (struct pollfd){.fd = pool->workers[i].from, .events = POLLIN};
    }
    n = poll(pool->polled, (nfds_t)pool->started, wait ? patience(pool, now) : 0);
    if (n < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for extractors");
    for (int i = 0; n > 0 && i < pool->started; i++)
        if (pool->polled[i].revents != 0 && !receive(pool, &pool->workers[i], err))
            return false;
    return stop_overdue(pool, err);
}

/* The worker with the least to do, or NULL when all queues are full. */
static ExtractWorker *least_busy(ExtractPool *pool)
{
    ExtractWorker *best = NULL;

    for (int i = 0; i < pool->started; i++)
        if (pool->workers[i].count < EXTRACT_QUEUE && (!best || pool->workers[i].count < best->count))
            best = &pool->workers[i];
    if ((!best || best->count > 0) && pool->started < pool->options.workers) {
        best = &pool->workers[pool->started++];
        extract_worker_init(best);
    }
    return best;
}

bool extract_submit(ExtractPool *pool, Str path, void *tag, Err *err)
{
    ExtractWorker *worker;
    ExtractRequest *request;

    if (path.len == 0 || path.len > EXTRACT_PATH_MAX)
        return err_set(err, ERR_LIMIT, "a path of %zu bytes is not within 1 and %d", path.len,
                       EXTRACT_PATH_MAX);
    while (!(worker = least_busy(pool)))
        if (!turn(pool, true, err))
            return false;
    if (worker->count == 0 && worker->pid > 0)
        worker->deadline = time_monotonic() + (worker->ready ? pool->options.time_limit : START_LIMIT);
    request = &worker->queue[(worker->first + worker->count++) % EXTRACT_QUEUE];
    buf_reset(&request->path);
    buf_put(&request->path, path);
    request->tag = tag;
    request->again = false;
    pool->pending++;
    return turn(pool, false, err);
}

bool extract_drain(ExtractPool *pool, Err *err)
{
    while (pool->pending > 0)
        if (!turn(pool, true, err))
            return false;
    return true;
}

/* --- life --- */

void extract_close(ExtractPool *pool)
{
    if (pool->closed)
        return;
    pool->closed = true;
    for (int i = 0; i < pool->started; i++)
        extract_worker_release(&pool->workers[i]);
}

static void close_pool(void *pool)
{
    extract_close(pool);
}

/*
 * Waits for the first process's hello, so that a bad program or bad rules are told before any path is given. One that was
 * killed meanwhile is started again.
 */
static bool greet(ExtractPool *pool, Err *err)
{
    enum { TRIES = 3 };
    ExtractWorker *worker = least_busy(pool);

    for (int try = 0; try < TRIES && !worker->ready; try++) {
        if (!start(pool, worker, err))
            return false;
        while (!worker->ready && worker->pid > 0)
            if (!turn(pool, true, err))
                return false;
    }
    if (!worker->ready)
        return err_set(err, ERR_IO, "'%s' ends as soon as it is started", pool->argv[0]);
    return true;
}

bool extract_open(Arena *arena, const ExtractOptions *options, ExtractPool **out, Err *err)
{
    ExtractPool *pool = arena_new(arena, ExtractPool, 1);
    ExtractOptions *set = &pool->options;

    *set = *options;
    if (set->workers <= 0)
        set->workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (set->workers > EXTRACT_WORKERS_MAX)
        set->workers = EXTRACT_WORKERS_MAX;
    if (set->workers < 1)
        set->workers = 1;
    if (set->time_limit <= 0)
        set->time_limit = SECONDS(60);
    if (set->memory == 0)
        set->memory = (uint64_t)2 << 30;
    if (!make_arguments(arena, pool, err))
        return false;
    pool->workers = arena_new(arena, ExtractWorker, (size_t)set->workers);
    pool->polled = arena_new(arena, struct pollfd, (size_t)set->workers);
    arena_defer(arena, close_pool, pool);
    if (!greet(pool, err)) {
        extract_close(pool);
        return false;
    }
    *out = pool;
    return true;
}

int extract_restarts(const ExtractPool *pool)
{
    return pool->restarts;
}
