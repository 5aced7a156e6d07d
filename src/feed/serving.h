/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/serving -- the feeds of a store for peers: what strata feed serve, strata up and strata_serve() do
 *
 *     serving_open(store, &own, &options, &serving, err);
 *     serving_add(serving, &about, err);                  this one, for as long as it is served; or none, and then all
 *     serving_listen(serving, address, &at, err);
 *     serving_connect(serving, &peers, err);
 *     serving_run(serving, err);                          until serving_stop(), or a signal
 *     serving_close(serving);
 *
 * One's own feeds are appended to by other processes and only read here; what they append is passed on within a moment. Those of others are
 * copied on, too, where the options say so and no other process does.
 *
 * Where all are served, a feed is opened when a peer asks for it, and let go when nobody had a channel of it for a while, or when another one
 * needs its place: how many there are costs nothing.
 */
#ifndef FEED_SERVING_H
#define FEED_SERVING_H

#include "feed/notice.h"
#include "feed/peers.h"
#include "feed/share.h"
#include "feed/store.h"

typedef struct Serving Serving;

typedef struct ServingOptions {
    bool all;        /* what the store has, when it is asked for; else what was added only */
    bool follow;     /* copy on feeds of others */
    bool watch_stop; /* as in net/loop.h */
    Notice notice;   /* old copies, forks, damage */
    /* One sentence for each connection that ended or could not be made; ERR_NONE: it just ended. May be NULL. */
    void (*on_end)(void *ctx, const char *address, const Err *why);
    void (*on_tick)(void *ctx); /* five times a second; may be NULL */
    void *ctx;
} ServingOptions;

/* The store belongs to the serving until it is closed. `own` is the node's static pair. ERR_IO. */
bool serving_open(FeedStore *store, const SignPair *own, const ServingOptions *options, Serving **out,
                  Err *err) ATTR_MUST_USE;
void serving_close(Serving *serving);

/* Twice is once. As store_feed(): ERR_NOT_FOUND, ERR_BUSY, ERR_LIMIT, ERR_CORRUPT, ERR_IO. */
bool serving_add(Serving *serving, const StoreFeed *about, Err *err) ATTR_MUST_USE;

/* As share_listen(): ERR_USAGE, ERR_LIMIT, ERR_IO. */
bool serving_listen(Serving *serving, Str address, const char **out, Err *err) ATTR_MUST_USE;

/*
 * Keep connections to these peers. They are offered what was added; where all feeds are served, all, also those that come later: one that cannot
 * be opened is a notice.
 * As store_list() and share_connect(): ERR_USAGE, ERR_CONFLICT, ERR_CORRUPT, ERR_LIMIT, ERR_IO.
 */
bool serving_connect(Serving *serving, const Peers *peers, Err *err) ATTR_MUST_USE;

/* As share_run(): ERR_IO. */
bool serving_run(Serving *serving, Err *err) ATTR_MUST_USE;
void serving_stop(Serving *serving); /* any thread */

typedef struct ServingState {
    size_t feeds; /* open now */
    size_t peers; /* connected now */
} ServingState;

void serving_state(Serving *serving, ServingState *out);

#endif
