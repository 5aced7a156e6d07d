/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/walk_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"

enum { QUEUE_BYTES_MAX = 8 * 1024 * 1024 };

typedef struct Job {
    struct Job *next;
    WalkFile file;
    size_t bytes;
    char texts[]; /* path and text */
} Job;

typedef struct Worker {
    pthread_t id;
    WalkWork *work;
    int index;
} Worker;

typedef struct WalkWork {
    pthread_mutex_t mutex; /* for all but what stays the same */
    pthread_cond_t filled, drained;
    WalkJob *job;
    void *ctx;
    Worker workers[WALK_THREADS_MAX];
    int threads;
    Job *first, **last;
    size_t bytes; /* queued */
    bool closed;  /* nothing more comes: end when the queue is empty */
    bool failed;
    Err err;
} WalkWork;

/* The next job; NULL at the end, or when one failed. */
static Job *take_job(WalkWork *work)
{
    LOCK_SCOPE(held, &work->mutex);

    while (!work->first && !work->closed && !work->failed)
        (void)pthread_cond_wait(&work->filled, &work->mutex);
    if (!work->first || work->failed)
        return NULL;
    Job *job = work->first;
    work->first = job->next;
    if (!work->first)
        work->last = &work->first;
    work->bytes -= job->bytes;
    (void)pthread_cond_broadcast(&work->drained);
    return job;
}

static void fail(WalkWork *work, const Err *err)
{
    LOCK_SCOPE(held, &work->mutex);
    if (!work->failed)
        work->err = *err;
    work->failed = true;
    (void)pthread_cond_broadcast(&work->filled);
    (void)pthread_cond_broadcast(&work->drained);
}

static void *worker_main(void *arg)
{
    const Worker *worker = arg;
    Job *job;

    while ((job = take_job(worker->work)) != NULL) {
        Err err = {0};

        if (!worker->work->job(worker->work->ctx, worker->index, &job->file, &err))
            fail(worker->work, &err);
        free(job);
    }
    return NULL;
}

static void close_queue(WalkWork *work)
{
    LOCK_SCOPE(held, &work->mutex);
    work->closed = true;
    (void)pthread_cond_broadcast(&work->filled);
}

static void join_all(WalkWork *work)
{
    for (; work->threads > 0; work->threads--)
        (void)pthread_join(work->workers[work->threads - 1].id, NULL);
}

static void stop(void *what)
{
    WalkWork *work = what;
    Job *job;

    if (work->threads > 0)
        fail(work, &(Err){.code = ERR_INTERRUPTED});
    join_all(work);
    while ((job = work->first) != NULL) {
        work->first = job->next;
        free(job);
    }
    (void)pthread_cond_destroy(&work->filled);
    (void)pthread_cond_destroy(&work->drained);
    (void)pthread_mutex_destroy(&work->mutex);
}

bool walk_work_begin(Arena *arena, int threads, WalkJob *job, void *ctx, WalkWork **out, Err *err)
{
    WalkWork *work = arena_new(arena, WalkWork, 1);
    sigset_t all, before;

    work->job = job;
    work->ctx = ctx;
    work->last = &work->first;
    (void)pthread_mutex_init(&work->mutex, NULL);
    (void)pthread_cond_init(&work->filled, NULL);
    (void)pthread_cond_init(&work->drained, NULL);
    arena_defer(arena, stop, work);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; work->threads < threads && work->threads < WALK_THREADS_MAX; work->threads++) {
        Worker *worker = &work->workers[work->threads];

        *worker = (Worker){.work = work, .index = work->threads};
        if (pthread_create(&worker->id, NULL, worker_main, worker) != 0)
            break;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (work->threads == 0)
        return err_set(err, ERR_IO, "cannot make a thread");
    *out = work;
    return true;
}

static Job *new_job(Str path, Str text, const PosixFacts *facts)
{
    Job *job = malloc(sizeof *job + path.len + text.len);

    if (!job) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    *job = (Job){.bytes = sizeof *job + path.len + text.len, .file = {.facts = *facts}};
    memcpy(job->texts, path.ptr, path.len);
    memcpy(job->texts + path.len, text.ptr, text.len);
    job->file.path = (Str){job->texts, path.len};
    job->file.text = (Str){job->texts + path.len, text.len};
    job->file.facts.user = job->file.facts.group = job->file.facts.target = job->file.facts.xattrs = STR("");
    job->file.facts.has &=
        ~(uint32_t)(POSIX_HAS_USER | POSIX_HAS_GROUP | POSIX_HAS_TARGET | POSIX_HAS_XATTRS);
    return job;
}

bool walk_work_add(WalkWork *work, Str path, Str text, const PosixFacts *facts, Err *err)
{
    Job *job = new_job(path, text, facts);
    LOCK_SCOPE(held, &work->mutex);

    while (work->bytes > QUEUE_BYTES_MAX && !work->failed)
        (void)pthread_cond_wait(&work->drained, &work->mutex);
    if (work->failed) {
        free(job);
        *err = work->err;
        return false;
    }
    *work->last = job;
    work->last = &job->next;
    work->bytes += job->bytes;
    (void)pthread_cond_signal(&work->filled);
    return true;
}

bool walk_work_end(WalkWork *work, Err *err)
{
    close_queue(work);
    join_all(work);
    if (work->failed)
        *err = work->err;
    return !work->failed;
}
