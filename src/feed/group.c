/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/group.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "feed/log.h"

/* An append that waits; on the stack of its thread. */
typedef struct Waiting {
    struct Waiting *next;
    const Str *blocks;
    size_t count, bytes;
    uint64_t first;
    atomic_int state;   /* WaitingState */
    bool next_to_lead;  /* it came first while others were written for: it sleeps on its own state */
    atomic_uint commit; /* the one that it will be in, for which the others sleep */
    bool ok;
    Err *err; /* where not */
} Waiting;

typedef enum WaitingState {
    QUEUED,
    LEADS, /* it writes for all that are queued */
    DONE,  /* from now on its memory is its thread's alone */
} WaitingState;

struct Group {
    Feed *feed;
    Reading none, *reading;
    SignPair pair;
    pthread_mutex_t mutex;
    Waiting *waiting, **last;
    bool writing;
    unsigned commit; /* that is gathered for */
    atomic_uint rounds
        [2]; /* of commits with even and with odd numbers: goes up when one is done, and is what threads sleep on */
};

Group *group_new(Feed *feed, const SignPair *pair, Reading *reading)
{
    Group *group = calloc(1, sizeof *group);

    if (!group)
        abort();
    group->feed = feed;
    group->reading = reading ? reading : &group->none;
    group->pair = *pair;
    group->last = &group->waiting;
    (void)pthread_mutex_init(&group->mutex, NULL);
    return group;
}

void group_free(Group *group)
{
    sign_wipe(&group->pair);
    (void)pthread_mutex_destroy(&group->mutex);
    free(group);
}

/*
 * Who did not fit has to wait for the next one, and is woken by this one. But for the first of them: it is told that it leads before this
 * commit wakes those that sleep for it.
 */
static void move_on(Group *group)
{
    group->commit++;
    for (Waiting *one = group->waiting ? group->waiting->next : NULL; one; one = one->next)
        atomic_store(&one->commit, group->commit);
}

/* Takes from the queue what fits into one commit, and says which that is. */
static Waiting *take(Group *group, size_t *blocks, unsigned *commit)
{
    Waiting *first = group->waiting, **at = &group->waiting;
    size_t bytes = 0;

    *blocks = 0;
    while (*at && (at == &group->waiting || bytes + (*at)->bytes <= GROUP_BYTES_MAX)) {
        bytes += (*at)->bytes;
        *blocks += (*at)->count;
        at = &(*at)->next;
    }
    group->waiting = *at;
    *at = NULL;
    if (!group->waiting)
        group->last = &group->waiting;
    *commit = group->commit;
    move_on(group);
    return first;
}

/* Nobody else touches the feed meanwhile. */
static void write_for(Group *group, Waiting *batch, size_t count)
{
    ARENA_SCOPE(scratch);
    Str *all = arena_new(&scratch, Str, count + 1);
    uint64_t first = feed_state(group->feed)->roots.length;
    size_t at = 0;
    Err err = {0};

    for (Waiting *one = batch; one; one = one->next) {
        one->first = first + at;
        for (size_t i = 0; i < one->count; i++)
            all[at++] = one->blocks[i];
    }
    bool ok = reading_append(group->reading, group->feed, &group->pair, all, count, FEED_DURABLE, &err);
    for (Waiting *one = batch; one; one = one->next) {
        one->ok = ok;
        if (!ok)
            *one->err = err;
    }
}

/*
 * Sleeping on a number (futex) wakes all with one call, and none of them has to take the mutex to see that it is done: with a
 * condition variable that cost more than the sync, at 64 threads. Who waits for the commit that is gathered for meanwhile sleeps on
 * another number: to be woken for nothing costs as much as to be woken for something.
 */
static void sleep_while(void *number, unsigned value)
{
    (void)syscall(SYS_futex, number, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(void *number, int most)
{
    (void)syscall(SYS_futex, number, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

/*
 * The next one that waits writes for the others. When it sees that before it is woken it may be gone by then; that a place on its stack is
 * woken at which nobody sleeps does no harm.
 */
static void hand_over(Group *group)
{
    (void)pthread_mutex_lock(&group->mutex);
    Waiting *next = group->waiting;
    bool sleeps_alone = next && next->next_to_lead;
    group->writing = next != NULL;
    if (next)
        atomic_store(&next->state, LEADS);
    (void)pthread_mutex_unlock(&group->mutex);
    if (sleeps_alone)
        wake(&next->state, 1);
}

static void lead(Group *group)
{
    unsigned commit;
    size_t count;

    (void)pthread_mutex_lock(&group->mutex);
    Waiting *batch = take(group, &count, &commit);
    (void)pthread_mutex_unlock(&group->mutex);
    write_for(group, batch, count);
    for (Waiting *next; batch; batch = next) {
        next = batch->next;
        atomic_store(&batch->state, DONE);
    }
    hand_over(group);
    (void)atomic_fetch_add(&group->rounds[commit % 2], 1);
    wake(&group->rounds[commit % 2], INT_MAX);
}

static void enqueue(Group *group, Waiting *own)
{
    (void)pthread_mutex_lock(&group->mutex);
    own->next_to_lead = group->writing && !group->waiting;
    atomic_store(&own->commit, group->commit);
    *group->last = own;
    group->last = &own->next;
    if (!group->writing)
        atomic_store(&own->state, LEADS);
    group->writing = true;
    (void)pthread_mutex_unlock(&group->mutex);
}

static void wait_or_write(Group *group, Waiting *own)
{
    enqueue(group, own);
    for (;;) {
        atomic_uint *number = &group->rounds[atomic_load(&own->commit) % 2];
        unsigned round = atomic_load(number);
        int state = atomic_load(&own->state);

        if (state == DONE)
            return;
        if (state == LEADS)
            lead(group); /* its own is the first */
        else if (own->next_to_lead)
            sleep_while(&own->state, QUEUED);
        else
            sleep_while(number, round);
    }
}

bool group_append(Group *group, const Str *blocks, size_t count, uint64_t *first, Err *err)
{
    size_t most = FEED_BLOCK_MAX - (group->reading->encrypted ? CIPHER_PADDING : 0);
    Waiting own = {.blocks = blocks, .count = count, .err = err};

    for (size_t i = 0; i < count; i++) {
        if (blocks[i].len > most)
            return err_set(err, ERR_LIMIT, "a block of %zu bytes is too long: at most %zu", blocks[i].len,
                           most);
        own.bytes += blocks[i].len;
    }
    wait_or_write(group, &own);
    *first = own.first;
    return own.ok;
}
