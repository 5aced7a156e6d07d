/* SPDX-License-Identifier: Apache-2.0 */
#include "db/pool.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "db_sql.h"

typedef enum SlotState { SLOT_EMPTY, SLOT_IDLE, SLOT_TAKEN } SlotState;

typedef struct Slot {
    Arena arena; /* of db */
    Db *db;
    char shard[POOL_SHARD_MAX + 1]; /* of its search path */
    Duration timeout;               /* its statement_timeout */
    Duration used;                  /* when it was given back, by the monotonic clock */
    SlotState state;
} Slot;

#define NOT_SET     ((Duration)-1) /* the timeout of a new connection: set_up() has to send */
#define RETRY_FIRST MILLISECONDS(50)
#define RETRY_LAST  SECONDS(2)

struct Pool {
    Arena arena;
    PoolOptions options;
    pthread_mutex_t mutex; /* guards everything below; never held while talking to the server */
    pthread_cond_t given;
    Slot *slots;
    PoolStats stats;
    Duration retry_at, retry_after; /* when to try next after a failure; 0 when all is well */
    Err last;                       /* why the last attempt failed */
};

/* ---- life cycle ---- */

static Duration or_else(Duration value, Duration preset)
{
    return value ? value : preset;
}

Pool *pool_open(const PoolOptions *options)
{
    Arena arena = {0};
    Pool *pool = arena_new(&arena, Pool, 1);
    pthread_condattr_t clock;

    pool->options = (PoolOptions){.dsn = str_to_z(&arena, str_from_z(options->dsn)),
                                  .size = options->size ? options->size : 8,
                                  .wait = or_else(options->wait, SECONDS(5)),
                                  .idle = or_else(options->idle, SECONDS(300)),
                                  .check = or_else(options->check, SECONDS(30)),
                                  .statement_timeout = options->statement_timeout};
    pool->slots = arena_new(&arena, Slot, (size_t)pool->options.size);
    pool->stats.size = pool->options.size;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->given, &clock);
    (void)pthread_condattr_destroy(&clock);
    pool->arena = arena;
    return pool;
}

void pool_close(Pool *pool)
{
    Arena arena = pool->arena;

    for (int i = 0; i < pool->options.size; i++) {
        assert(pool->slots[i].state != SLOT_TAKEN);
        arena_free(&pool->slots[i].arena);
    }
    (void)pthread_cond_destroy(&pool->given);
    (void)pthread_mutex_destroy(&pool->mutex);
    arena_free(&arena); /* the pool itself is in it */
}

/* ---- slots, with the mutex held ---- */

static void leave_slot(Pool *pool, Slot *slot, SlotState state)
{
    if (state == SLOT_EMPTY)
        pool->stats.open--;
    if (slot->state == SLOT_TAKEN)
        pool->stats.taken--;
    slot->state = state;
    /* An idle connection is for one waiter; that one is gone, perhaps the last, concerns them all. */
    (void)(state == SLOT_IDLE ? pthread_cond_signal(&pool->given) : pthread_cond_broadcast(&pool->given));
}

static void occupy_slot(Pool *pool, Slot *slot)
{
    if (slot->state == SLOT_EMPTY)
        pool->stats.open++;
    pool->stats.taken++;
    slot->state = SLOT_TAKEN;
}

/* The idle slot used last for this shard, or with `any` the one idle longest. */
static Slot *find_idle(Pool *pool, Str shard, bool any)
{
    Slot *best = NULL;

    for (Slot *slot = pool->slots; slot < pool->slots + pool->options.size; slot++) {
        if (slot->state != SLOT_IDLE || (!any && !str_eq_z(shard, slot->shard)))
            continue;
        if (!best || (any ? slot->used < best->used : slot->used > best->used))
            best = slot;
    }
    return best;
}

static Slot *find_empty(Pool *pool)
{
    for (Slot *slot = pool->slots; slot < pool->slots + pool->options.size; slot++)
        if (slot->state == SLOT_EMPTY)
            return slot;
    return NULL;
}

static bool may_connect(const Pool *pool)
{
    return pool->retry_at == 0 || time_monotonic() >= pool->retry_at;
}

/* A slot for the taker, by the order in the header; NULL when it has to wait. */
static Slot *choose_slot(Pool *pool, Str shard)
{
    Slot *slot = find_idle(pool, shard, false);

    if (!slot && may_connect(pool))
        slot = find_empty(pool);
    return slot ? slot : find_idle(pool, shard, true);
}

/* Until something is given back, or it is time to try the server again. */
static void wait_until(Pool *pool, Duration until)
{
    if (!may_connect(pool) && pool->retry_at < until)
        until = pool->retry_at;
    struct timespec at = {.tv_sec = until / SECONDS(1), .tv_nsec = until % SECONDS(1) * 1000};

    pool->stats.waiting++;
    (void)pthread_cond_timedwait(&pool->given, &pool->mutex, &at);
    pool->stats.waiting--;
}

/* Waits for a slot and occupies it. */
static Slot *wait_for_slot(Pool *pool, Str shard, Duration until, Err *err)
{
    LOCK_SCOPE(held, &pool->mutex);
    Duration began = time_monotonic(), now = began;
    Slot *slot;

    while (!(slot = choose_slot(pool, shard))) {
        if (pool->stats.open == 0) { /* nobody to wait for: the server is down */
            *err = pool->last;
            return NULL;
        }
        if (now >= until) {
            pool->stats.timeouts++;
            if (pool->retry_at) /* there would be room, but the server gives no more */
                *err = pool->last;
            else
                (void)err_set(err, ERR_BUSY, "all %d database connections are in use", pool->options.size);
            return NULL;
        }
        wait_until(pool, until);
        now = time_monotonic();
    }
    pool->stats.waits += now > began;
    pool->stats.wait_sum += now - began;
    occupy_slot(pool, slot);
    return slot;
}

/* ---- connections, without the mutex: the slot is ours ---- */

static void drop_connection(Slot *slot)
{
    arena_free(&slot->arena);
    slot->db = NULL;
    slot->shard[0] = '\0';
    slot->timeout = 0;
}

/* Nothing should come from a server that was asked nothing: what does is its farewell. */
static bool was_closed(Db *db)
{
    struct pollfd fd = {.fd = PQsocket(db_handle(db)), .events = POLLIN};

    if (poll(&fd, 1, 0) <= 0)
        return false;
    return !PQconsumeInput(db_handle(db)) || PQstatus(db_handle(db)) != CONNECTION_OK ||
           (fd.revents & POLLHUP);
}

static bool is_good(const Pool *pool, const Slot *slot)
{
    Err ignored;

    if (!db_alive(slot->db) || was_closed(slot->db))
        return false;
    return time_monotonic() - slot->used < pool->options.check || db_script(slot->db, "", &ignored);
}

/* What an attempt to connect teaches about the server. */
static void note_attempt(Pool *pool, bool ok, const Err *err)
{
    LOCK_SCOPE(held, &pool->mutex);

    if (ok) {
        pool->stats.connects++;
        pool->retry_at = pool->retry_after = 0;
        return;
    }
    pool->stats.failures++;
    pool->last = *err;
    pool->retry_after = pool->retry_after ? pool->retry_after * 2 : RETRY_FIRST;
    if (pool->retry_after > RETRY_LAST)
        pool->retry_after = RETRY_LAST;
    pool->retry_at = time_monotonic() + pool->retry_after;
}

static bool connect_slot(Pool *pool, Slot *slot, Err *err)
{
    bool ok = db_open(&slot->arena, pool->options.dsn, &slot->db, err);

    note_attempt(pool, ok, err);
    if (ok)
        slot->timeout = NOT_SET;
    else
        drop_connection(slot);
    return ok;
}

static bool set_up(Pool *pool, Slot *slot, Str shard, Duration timeout, Err *err)
{
    bool same = str_eq_z(shard, slot->shard), turn = !same && slot->timeout != NOT_SET;

    if (same && timeout == slot->timeout)
        return true;
    if (!db_run(slot->db, &sql_pool_setup, DB_ARGS(DB_TEXT(shard), DB_INT(timeout / MILLISECONDS(1))), NULL,
                err))
        return false;
    (void)snprintf(slot->shard, sizeof slot->shard, "%.*s", STR_ARG(shard));
    slot->timeout = timeout;
    LOCK_SCOPE(held, &pool->mutex);
    pool->stats.turns += turn;
    return true;
}

static bool make_usable(Pool *pool, Slot *slot, const PoolWish *wish, Err *err)
{
    Duration timeout = or_else(wish->statement_timeout, pool->options.statement_timeout);

    if (slot->db && !is_good(pool, slot)) {
        drop_connection(slot);
        LOCK_SCOPE(held, &pool->mutex);
        pool->stats.losses++;
    }
    return (slot->db || connect_slot(pool, slot, err)) && set_up(pool, slot, wish->shard, timeout, err);
}

static void give_up(Pool *pool, Slot *slot)
{
    drop_connection(slot);
    LOCK_SCOPE(held, &pool->mutex);
    leave_slot(pool, slot, SLOT_EMPTY);
}

/* ---- verbs ---- */

bool pool_take(Pool *pool, const PoolWish *wish, PoolLease *out, Err *err)
{
    Duration until = time_monotonic() + pool->options.wait;
    Slot *slot;

    if (wish->shard.len > POOL_SHARD_MAX)
        return err_set(err, ERR_LIMIT, "the shard's name has more than %d bytes", POOL_SHARD_MAX);
    /* After a failure others' connections may still serve: only with none open does it fail at once. */
    while ((slot = wait_for_slot(pool, wish->shard, until, err))) {
        if (make_usable(pool, slot, wish, err)) {
            LOCK_SCOPE(held, &pool->mutex);
            pool->stats.takes++;
            *out = (PoolLease){slot->db, pool, (int)(slot - pool->slots)};
            return true;
        }
        give_up(pool, slot);
        if (!err_is_transient(err->code))
            return false;
    }
    return false;
}

/* Leaves the connection as the next taker expects it; false when it cannot be used again. */
static bool tidy(Db *db)
{
    if (!db_alive(db) || PQtransactionStatus(db_handle(db)) == PQTRANS_ACTIVE ||
        PQpipelineStatus(db_handle(db)) != PQ_PIPELINE_OFF)
        return false;
    db_rollback(db);
    return db_alive(db) && PQtransactionStatus(db_handle(db)) == PQTRANS_IDLE;
}

void pool_give(PoolLease *lease)
{
    Pool *pool = lease->pool;

    if (!lease->db)
        return;
    Slot *slot = &pool->slots[lease->slot];
    bool good = tidy(slot->db);
    if (!good)
        drop_connection(slot);
    LOCK_SCOPE(held, &pool->mutex);
    slot->used = time_monotonic();
    leave_slot(pool, slot, good ? SLOT_IDLE : SLOT_EMPTY);
    *lease = (PoolLease){0};
}

/* An idle connection that nobody used for too long, now ours. */
static Slot *take_overdue(Pool *pool)
{
    LOCK_SCOPE(held, &pool->mutex);
    Slot *slot = find_idle(pool, (Str){0}, true);

    if (!slot || time_monotonic() - slot->used < pool->options.idle)
        return NULL;
    occupy_slot(pool, slot);
    return slot;
}

void pool_tick(Pool *pool)
{
    for (Slot *slot; (slot = take_overdue(pool));)
        give_up(pool, slot);
}

PoolStats pool_stats(Pool *pool)
{
    LOCK_SCOPE(held, &pool->mutex);

    return pool->stats;
}
