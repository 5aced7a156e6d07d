/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool -- a bounded number of connections that threads take and give back
 *
 *     POOL_SCOPE(lease);
 *     if (!pool_take(pool, &(PoolWish){.shard = shard}, &lease, err))
 *         return false;
 *     ... db_query(lease.db, ...)                       given back at the end of the block
 *
 * A shard is a schema, and PostgreSQL plans prepared statements anew when the search path changes. So a
 * taker gets, in this order: an idle connection that was last used for the same shard; a new one while
 * there is room; the one that was idle longest, turned over to the shard.
 *
 * A connection that the server has closed is noticed when it is taken, and replaced. While the server cannot
 * be reached, takers fail at once between attempts that come further and further apart (up to 2 s). A lease
 * given back inside a transaction is rolled back; in the middle of a COPY or of an answer it is closed.
 *
 * A lease must not change the search path or the statement time-out by itself: the pool would not know of it.
 *
 * All functions may be called from any thread; the Db of a lease belongs to its taker.
 */
#ifndef DB_POOL_H
#define DB_POOL_H

#include "db/db.h"

typedef struct Pool Pool;

enum { POOL_SHARD_MAX = 63 }; /* bytes: PostgreSQL's limit for names */

typedef struct PoolOptions {
    const char *dsn;
    int size;                   /* connections at most; 0: 8 */
    Duration wait;              /* for another taker to give one back; 0: 5 s */
    Duration idle;              /* after which a connection is closed; 0: 5 min */
    Duration check;             /* after which the server is asked before use; 0: 30 s */
    Duration statement_timeout; /* of takers that wish no other; 0: no limit */
} PoolOptions;

/* Nothing is connected yet. */
Pool *pool_open(const PoolOptions *options);

/* Closes all connections. Every lease must have been given back. */
void pool_close(Pool *pool);

typedef struct PoolWish {
    Str shard; /* at most POOL_SHARD_MAX bytes; empty: the search path is public, or does not matter */
    Duration statement_timeout; /* 0: the pool's */
} PoolWish;

typedef struct PoolLease {
    Db *db;
    Pool *pool;
    int slot;
} PoolLease;

/*
 * Take a connection.
 *
 * ERR_BUSY   all are taken, and none was given back in time
 * ERR_DB     the server cannot be reached; ERR_BUSY: or it has no connection free
 * ERR_LIMIT  the shard's name is too long
 */
bool pool_take(Pool *pool, const PoolWish *wish, PoolLease *out, Err *err) ATTR_MUST_USE;

/* Give it back; does nothing for one that is not taken. */
void pool_give(PoolLease *lease);

#define POOL_SCOPE(name) ATTR_CLEANUP(pool_give) PoolLease name = {0}

/* Close what has been idle for too long. Call it now and then. */
void pool_tick(Pool *pool);

typedef struct PoolStats {
    int size, open, taken, waiting;
    int64_t takes;     /* leases handed out */
    int64_t waits;     /* of these, after waiting for another taker */
    int64_t timeouts;  /* takers that waited in vain */
    int64_t connects;  /* connections made */
    int64_t failures;  /* connections that could not be made */
    int64_t losses;    /* connections that the server closed */
    int64_t turns;     /* connections turned over to another shard */
    Duration wait_sum; /* time that takers waited */
} PoolStats;

PoolStats pool_stats(Pool *pool);

#endif
