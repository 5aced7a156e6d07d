/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/dataset_jobs.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os.h"
#include "serve/datasets.h"

typedef struct Job {
    Arena arena; /* of all of it */
    JobView view;
    ExtractCount count;
    atomic_bool stop;
    struct Job *next;
} Job;

struct Jobs {
    const Instance *instance;
    const char *dir;
    Arena arena;
    pthread_mutex_t mutex; /* of all below, and of what is in views */
    pthread_cond_t more;
    Job *first;
    int64_t last_id;
    bool ending;
    pthread_t threads[JOBS_AT_ONCE];
    size_t threads_count;
};

const char *job_state_name(JobState state)
{
    static const char *const names[] = {"waiting", "running", "done", "failed", "cancelled"};

    return names[state];
}

bool job_has_ended(const JobView *job)
{
    return job->state > JOB_RUNNING;
}

static void put_time(JsonOut *out, const char *key, Instant at)
{
    char text[TIME_TEXT_MAX];

    json_key(out, key);
    if (at)
        json_str(out, time_format(at, text));
    else
        json_null(out);
}

void job_put_fields(JsonOut *out, const JobView *job)
{
    json_key(out, "id");
    json_int(out, job->id);
    json_key(out, "dataset");
    json_str(out, job->order.dataset);
    json_key(out, "state");
    json_z(out, job_state_name(job->state));
    json_key(out, "user");
    json_str(out, job->order.user);
    json_key(out, "sql");
    json_str(out, job->order.sql);
    json_key(out, "format");
    json_z(out, row_formats[job->order.format]->name);
    put_time(out, "created", job->created);
    put_time(out, "started", job->started);
    put_time(out, "ended", job->ended);
    json_key(out, "rows");
    json_int(out, job->rows);
    json_key(out, "parts");
    json_int(out, job->parts);
    json_key(out, "parts_total");
    if (job->parts_total)
        json_int(out, job->parts_total);
    else
        json_null(out);
    json_key(out, "retries");
    json_int(out, job->retries);
    json_key(out, "error");
    if (job->problem.len > 0)
        json_str(out, job->problem);
    else
        json_null(out);
}

/* ---- one job ---- */

/* Only tables whose names fit. */
static Mapping choose(Arena *arena, const Mapping *all, Str pattern)
{
    Mapping out = {.tables = arena_new(arena, MappingTable, all->count + 1)};

    for (size_t i = 0; i < all->count; i++)
        if (pattern.len == 0 ||
            fnmatch(str_to_z(arena, pattern), str_to_z(arena, all->tables[i].name), 0) == 0)
            out.tables[out.count++] = all->tables[i];
    return out;
}

static bool extract_to(Jobs *jobs, Job *job, Arena *arena, int fd, Extracted *done, Err *err)
{
    const JobOrder *order = &job->view.order;
    Dataset dataset;
    Place *place;

    if (!datasets_find(jobs->instance, arena, order->dataset, &dataset, err) ||
        !place_open(arena, &dataset.spec, &place, err))
        return false;
    Mapping mapping = choose(arena, place_mapping(place), order->tables);
    return extract_run(&(Extract){.gather = {.spec = &dataset.spec, .spool = jobs->dir, .stop = &job->stop},
                                  .mapping = &mapping,
                                  .sql = order->sql,
                                  .key = order->key,
                                  .range_rows = order->range_rows,
                                  .format = order->format,
                                  .count = &job->count,
                                  .fd = fd},
                       arena, done, err);
}

/* It has its file when it is complete. */
static bool run_job(Jobs *jobs, Job *job, Extracted *done, Err *err)
{
    ARENA_SCOPE(arena);
    FD_SCOPE(fd);

    fd = os_open(job->view.path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", job->view.path);
    bool ok = extract_to(jobs, job, &arena, fd, done, err);
    if (!ok)
        (void)os_unlink(job->view.path);
    return ok;
}

static void note_end(Job *job, bool ok, const Extracted *done, const Err *err)
{
    job->view.ended = time_now();
    job->view.retries = (int64_t)done->retries_count;
    job->view.state = ok ? JOB_DONE : atomic_load(&job->stop) ? JOB_CANCELLED : JOB_FAILED;
    if (job->view.state == JOB_FAILED)
        job->view.problem = str_copy(&job->arena, str_from_z(err->text));
}

/* ---- all of them; with the mutex ---- */

static void forget(Jobs *jobs, Job *job)
{
    Job **link = &jobs->first;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    (void)os_unlink(job->view.path);
    Arena arena = job->arena;
    arena_free(&arena);
}

static void forget_old(Jobs *jobs)
{
    size_t ended = 0;

    for (Job *job = jobs->first; job; job = job->next)
        ended += job_has_ended(&job->view);
    for (Job *job = jobs->first, *next; job && ended > JOBS_KEPT; job = next) {
        next = job->next;
        if (job_has_ended(&job->view)) {
            forget(jobs, job);
            ended--;
        }
    }
}

static Job *next_waiting(Jobs *jobs)
{
    for (Job *job = jobs->first; job; job = job->next)
        if (job->view.state == JOB_WAITING)
            return job;
    return NULL;
}

static bool is_of(const Job *job, Str dataset)
{
    return dataset.len == 0 || str_eq(job->view.order.dataset, dataset);
}

static Job *find(Jobs *jobs, Str dataset, int64_t id)
{
    for (Job *job = jobs->first; job; job = job->next)
        if (job->view.id == id && is_of(job, dataset))
            return job;
    return NULL;
}

static void *work(void *jobs_v)
{
    Jobs *jobs = jobs_v;
    Job *job;

    (void)pthread_mutex_lock(&jobs->mutex);
    while (!jobs->ending) {
        job = next_waiting(jobs);
        if (!job) {
            (void)pthread_cond_wait(&jobs->more, &jobs->mutex);
            continue;
        }
        Extracted done = {0};
        Err err = {0};

        job->view.state = JOB_RUNNING;
        job->view.started = time_now();
        (void)pthread_mutex_unlock(&jobs->mutex);
        bool ok = run_job(jobs, job, &done, &err);
        (void)pthread_mutex_lock(&jobs->mutex);
        note_end(job, ok, &done, &err);
        forget_old(jobs);
    }
    (void)pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

/* ---- from outside ---- */

bool jobs_start(const Instance *instance, Jobs **out, Err *err)
{
    Jobs *jobs = calloc(1, sizeof *jobs);

    if (!jobs)
        abort();
    jobs->instance = instance;
    jobs->dir = instance_below(instance, &jobs->arena, STR("jobs"));
    (void)pthread_mutex_init(&jobs->mutex, NULL);
    (void)pthread_cond_init(&jobs->more, NULL);
    if (!os_remove_tree(jobs->dir, err) || !os_make_dirs(jobs->dir, 0700, err)) {
        jobs_stop(jobs);
        return false;
    }
    for (; jobs->threads_count < JOBS_AT_ONCE; jobs->threads_count++)
        if (pthread_create(&jobs->threads[jobs->threads_count], NULL, work, jobs) != 0) {
            jobs_stop(jobs);
            return err_set(err, ERR_IO, "cannot start a thread for jobs");
        }
    *out = jobs;
    return true;
}

void jobs_stop(Jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->mutex);
    jobs->ending = true;
    for (Job *job = jobs->first; job; job = job->next)
        atomic_store(&job->stop, true);
    (void)pthread_cond_broadcast(&jobs->more);
    (void)pthread_mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < jobs->threads_count; i++)
        (void)pthread_join(jobs->threads[i], NULL);
    while (jobs->first)
        forget(jobs, jobs->first);
    (void)pthread_mutex_destroy(&jobs->mutex);
    (void)pthread_cond_destroy(&jobs->more);
    arena_free(&jobs->arena);
    free(jobs);
}

static Job *new_job(const JobOrder *order)
{
    Arena arena = {0};
    Job *job = arena_new(&arena, Job, 1);

    job->view.order = (JobOrder){.dataset = str_copy(&arena, order->dataset),
                                 .user = str_copy(&arena, order->user),
                                 .sql = str_copy(&arena, order->sql),
                                 .tables = str_copy(&arena, order->tables),
                                 .key = str_copy(&arena, order->key),
                                 .range_rows = order->range_rows,
                                 .format = order->format};
    job->view.created = time_now();
    job->arena = arena;
    return job;
}

static bool has_room(const Jobs *jobs, Str user, Err *err)
{
    int unended = 0;

    for (const Job *job = jobs->first; job; job = job->next)
        unended += !job_has_ended(&job->view) && str_eq(job->view.order.user, user);
    return unended < JOBS_OF_A_USER ||
           err_set(err, ERR_BUSY, "'%.*s' has %d jobs that have not ended", STR_ARG(user), unended);
}

bool jobs_add(Jobs *jobs, const JobOrder *order, int64_t *id, Err *err)
{
    ARENA_SCOPE(scratch);
    Dataset dataset;
    Job **link;

    if (!datasets_find(jobs->instance, &scratch, order->dataset, &dataset, err))
        return false;
    (void)pthread_mutex_lock(&jobs->mutex);
    bool ok = has_room(jobs, order->user, err);
    if (ok) {
        Job *job = new_job(order);

        *id = job->view.id = ++jobs->last_id;
        job->view.path = str_printf(&job->arena, "%s/%lld.%s", jobs->dir, (long long)job->view.id,
                                    row_formats[order->format]->name)
                             .ptr;
        for (link = &jobs->first; *link; link = &(*link)->next)
            ;
        *link = job;
        (void)pthread_cond_signal(&jobs->more);
    }
    (void)pthread_mutex_unlock(&jobs->mutex);
    return ok;
}

static bool no_job(int64_t id, Err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
}

bool jobs_cancel(Jobs *jobs, Str dataset, int64_t id, Err *err)
{
    (void)pthread_mutex_lock(&jobs->mutex);
    Job *job = find(jobs, dataset, id);
    bool ok = job != NULL;

    if (job && job_has_ended(&job->view))
        forget(jobs, job);
    else if (job) {
        atomic_store(&job->stop, true);
        if (job->view.state == JOB_WAITING) {
            job->view.state = JOB_CANCELLED;
            job->view.ended = time_now();
        }
    }
    (void)pthread_mutex_unlock(&jobs->mutex);
    return ok || no_job(id, err);
}

static JobView view_of(const Job *job, Arena *arena)
{
    JobView view = job->view;

    view.order.dataset = str_copy(arena, view.order.dataset);
    view.order.user = str_copy(arena, view.order.user);
    view.order.sql = str_copy(arena, view.order.sql);
    view.order.tables = str_copy(arena, view.order.tables);
    view.order.key = str_copy(arena, view.order.key);
    view.problem = str_copy(arena, view.problem);
    view.path = str_copy(arena, str_from_z(view.path)).ptr;
    view.rows = atomic_load(&job->count.rows);
    view.parts = atomic_load(&job->count.parts);
    view.parts_total = atomic_load(&job->count.parts_total);
    return view;
}

bool jobs_get(Jobs *jobs, Arena *arena, Str dataset, int64_t id, JobView *out, Err *err)
{
    (void)pthread_mutex_lock(&jobs->mutex);
    Job *job = find(jobs, dataset, id);

    if (job)
        *out = view_of(job, arena);
    (void)pthread_mutex_unlock(&jobs->mutex);
    return job != NULL || no_job(id, err);
}

JobView *jobs_list(Jobs *jobs, Arena *arena, Str dataset, int64_t after, size_t most, size_t *count)
{
    JobView *views = arena_new(arena, JobView, most + 1);

    *count = 0;
    (void)pthread_mutex_lock(&jobs->mutex);
    for (Job *job = jobs->first; job && *count < most; job = job->next)
        if (job->view.id > after && is_of(job, dataset))
            views[(*count)++] = view_of(job, arena);
    (void)pthread_mutex_unlock(&jobs->mutex);
    return views;
}
