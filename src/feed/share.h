/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/share -- feeds on encrypted connections: what a peering (feed/peering.h) is for one feed, on a loop (net/loop.h)
 *
 *     share_open(&own, &options, &share, err);
 *     share_add(share, feed, &peering_options, &peering, err);    a feed for everybody who has its key
 *     share_listen(share, STR("127.0.0.1:0"), &address, err);
 *     share_connect(share, STR("example.org:4123"), err);           kept, and made again when it is lost
 *     share_run(share, err);                                       until share_stop(), or a signal
 *     share_close(share);
 *
 * Feeds that were added are offered on every connection that is made from here; on one that comes, those are opened that the
 * other side opens. One thread runs a share, and only that one uses its feeds.
 */
#ifndef FEED_SHARE_H
#define FEED_SHARE_H

#include "feed/peering.h"
#include "net/loop.h"

typedef struct Share Share;

typedef struct ShareOptions {
    LoopOptions loop;
    Duration patience; /* a peer that owes an answer for so long is given up; 0: 30 s */
    /* The peer opened a feed that was not added: share_add() it, or return NULL. Its name is the discovery key. May be NULL. */
    Peering *(*find)(void *ctx, const unsigned char discovery_key[32]);
    /* `address`: as it was given to share_connect(), or where the peer is that called. */
    void (*on_connect)(void *ctx, const char *address, const unsigned char key[32]);
    /* One sentence for each connection that ended or could not be made; ERR_NONE: it just ended. May be NULL, all of these. */
    void (*on_end)(void *ctx, const char *address, const Err *why);
    void (*on_lost)(void *ctx, const char *address); /* of share_connect(): as in net/loop.h */
    void (*on_tick)(void *ctx);                      /* once a second */
    void (*on_taken)(void *ctx);                     /* what came is kept */
    void *ctx;
} ShareOptions;

/* `own` is the node's static pair. ERR_IO. */
bool share_open(const SignPair *own, const ShareOptions *options, Share **out, Err *err) ATTR_MUST_USE;

/* Ends the connections and the peerings; the feeds stay the caller's. */
void share_close(Share *share);

/* ERR_CONFLICT: it was added already. */
bool share_add(Share *share, Feed *feed, const PeeringOptions *options, Peering **out,
               Err *err) ATTR_MUST_USE;

/* Offer a feed that was added later on the connections that were made from here before. */
void share_offer(Share *share, Peering *peering);

/* Share a feed no more, and close its channels. Nothing when it was not added. */
void share_remove(Share *share, Peering *peering);

/* As loop_listen(): ERR_USAGE, ERR_LIMIT, ERR_IO. */
bool share_listen(Share *share, Str address, const char **out, Err *err) ATTR_MUST_USE;

/* As loop_connect(): ERR_USAGE, ERR_LIMIT, ERR_CONFLICT. */
bool share_connect(Share *share, Str address, Err *err) ATTR_MUST_USE;
void share_disconnect(Share *share, Str address);

/* Pass on what other processes did to feeds that are open for reading. One that cannot be read now is looked at again the next time. */
void share_refresh(Share *share);

/* ERR_IO: what came could not be kept, or the loop cannot wait. */
bool share_run(Share *share, Err *err) ATTR_MUST_USE;
void share_stop(Share *share); /* any thread */

typedef struct ShareTraffic {
    size_t peers;                 /* connected now */
    uint64_t bytes_in, bytes_out; /* of all connections so far */
} ShareTraffic;

void share_traffic(Share *share, ShareTraffic *out);

#endif
