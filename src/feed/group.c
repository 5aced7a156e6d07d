/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/group.h"

#include <pthread.h>
#include <stdlib.h>

#include "feed/log.h"

/* An append that waits; on the stack of its thread. */
typedef struct Waiting {
    struct Waiting *next;
    const Str *blocks;
    size_t count, bytes;
    uint64_t first;
    bool done, ok;
    Err err;
} Waiting;

struct Group {
    Feed *feed;
    SignPair pair;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Waiting *waiting, **last;
    bool writing;
};

Group *group_new(Feed *feed, const SignPair *pair)
{
    Group *group = calloc(1, sizeof *group);

    if (!group)
        abort();
    group->feed = feed;
    group->pair = *pair;
    group->last = &group->waiting;
    (void)pthread_mutex_init(&group->mutex, NULL);
    (void)pthread_cond_init(&group->changed, NULL);
    return group;
}

void group_free(Group *group)
{
    sign_wipe(&group->pair);
    (void)pthread_cond_destroy(&group->changed);
    (void)pthread_mutex_destroy(&group->mutex);
    free(group);
}

/* Takes from the queue what fits into one commit. */
static Waiting *take(Group *group, size_t *blocks)
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
    bool ok = feed_append(group->feed, &group->pair, all, count, FEED_DURABLE, &err);
    for (Waiting *one = batch; one; one = one->next) {
        one->ok = ok;
        one->err = err;
    }
}

/* Once it is done, the memory of a waiting append may be gone: its thread wakes up. */
static void wake(Group *group, Waiting *batch)
{
    for (Waiting *next; batch; batch = next) {
        next = batch->next;
        batch->done = true;
    }
    (void)pthread_cond_broadcast(&group->changed);
}

static void wait_or_write(Group *group, Waiting *own)
{
    (void)pthread_mutex_lock(&group->mutex);
    *group->last = own;
    group->last = &own->next;
    while (!own->done) {
        size_t count;

        if (group->writing) {
            (void)pthread_cond_wait(&group->changed, &group->mutex);
            continue;
        }
        group->writing = true;
        Waiting *batch = take(group, &count);
        (void)pthread_mutex_unlock(&group->mutex);
        write_for(group, batch, count);
        (void)pthread_mutex_lock(&group->mutex);
        group->writing = false;
        wake(group, batch);
    }
    (void)pthread_mutex_unlock(&group->mutex);
}

bool group_append(Group *group, const Str *blocks, size_t count, uint64_t *first, Err *err)
{
    Waiting own = {.blocks = blocks, .count = count};

    for (size_t i = 0; i < count; i++) {
        if (blocks[i].len > FEED_BLOCK_MAX)
            return err_set(err, ERR_LIMIT, "a block of %zu bytes is too long: at most %d", blocks[i].len,
                           FEED_BLOCK_MAX);
        own.bytes += blocks[i].len;
    }
    wait_or_write(group, &own);
    *first = own.first;
    if (!own.ok)
        *err = own.err;
    return own.ok;
}
