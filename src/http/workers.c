/* SPDX-License-Identifier: Apache-2.0 */
#include "http/workers.h"

#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/lock.h"

/*
 * Stacks are small, because an idle thread must not cost memory: a handler keeps large things in its request's arena.
 * libpq and json-c need some tens of kilobytes.
 */
enum { STACK_BYTES = 512 * 1024 };

struct Workers {
    Arena arena;
    void (*run)(void *work);
    pthread_t *threads;
    unsigned count, places;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    void **ring;
    unsigned first, waiting, reserved, asleep;
    bool stopping;
};

/* The next piece of work, or NULL when it is time to end. */
static void *take(Workers *workers)
{
    LOCK_SCOPE(held, &workers->lock);

    while (!workers->waiting && !(workers->stopping && !workers->reserved)) {
        workers->asleep++;
        (void)pthread_cond_wait(&workers->more, &workers->lock);
        workers->asleep--;
    }
    if (!workers->waiting)
        return NULL;
    void *work = workers->ring[workers->first];
    workers->first = (workers->first + 1) % workers->places;
    workers->waiting--;
    workers->reserved--;
    if (workers->stopping && !workers->reserved)
        (void)pthread_cond_broadcast(&workers->more);
    return work;
}

static void *worker(void *arg)
{
    Workers *workers = arg;

    for (void *work; (work = take(workers));)
        workers->run(work);
    return NULL;
}

Workers *workers_start(unsigned threads, unsigned places, void (*run)(void *work), Err *err)
{
    Arena arena = {0};
    Workers *workers = arena_new(&arena, Workers, 1);
    pthread_attr_t attr;
    int error = 0;

    workers->arena = arena;
    workers->run = run;
    workers->places = places;
    workers->ring = arena_new(&workers->arena, void *, places);
    workers->threads = arena_new(&workers->arena, pthread_t, threads);
    (void)pthread_mutex_init(&workers->lock, NULL);
    (void)pthread_cond_init(&workers->more, NULL);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    while (!error && workers->count < threads) {
        error = pthread_create(&workers->threads[workers->count], &attr, worker, workers);
        workers->count += !error;
    }
    (void)pthread_attr_destroy(&attr);
    if (!error)
        return workers;
    workers_stop(workers);
    workers_free(workers);
    (void)err_set(err, ERR_IO, "cannot start a worker thread: %s", strerrordesc_np(error));
    return NULL;
}

bool workers_reserve(Workers *workers)
{
    LOCK_SCOPE(held, &workers->lock);

    if (workers->stopping || workers->reserved == workers->places)
        return false;
    workers->reserved++;
    return true;
}

void workers_put(Workers *workers, void *work)
{
    LOCK_SCOPE(held, &workers->lock);

    workers->ring[(workers->first + workers->waiting++) % workers->places] = work;
    if (workers->asleep)
        (void)pthread_cond_signal(&workers->more);
}

unsigned workers_waiting(Workers *workers)
{
    LOCK_SCOPE(held, &workers->lock);

    return workers->waiting;
}

void workers_stop(Workers *workers)
{
    pthread_mutex_t *lock = lock_take(&workers->lock);

    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->more);
    lock_drop(&lock);
    for (unsigned i = 0; i < workers->count; i++)
        (void)pthread_join(workers->threads[i], NULL);
}

void workers_free(Workers *workers)
{
    (void)pthread_cond_destroy(&workers->more);
    (void)pthread_mutex_destroy(&workers->lock);

    Arena arena = workers->arena;
    arena_free(&arena);
}
