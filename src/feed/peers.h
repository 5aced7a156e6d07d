/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/peers -- the peers that a node is told of in its configuration, and what they are asked before a feed is appended to
 *
 * A signer that goes on from an old copy of its feed makes two histories under one key. Where an older copy was put over the files
 * in place, or a snapshot of the disk came back, nothing on the disk tells (feed/store.h, restored feeds). A peer that copied the
 * feed before does: its head is longer, or of another history, and signed.
 */
#ifndef FEED_PEERS_H
#define FEED_PEERS_H

#include "base/conf.h"
#include "feed/feed.h"

/* [feeds] of the configuration. */
typedef struct PeersConf {
#define X CONF_FIELD
#include "feed/peers.def"
#undef X
} PeersConf;
extern const ConfSection peers_conf;

enum { PEERS_MAX = 64 };

typedef struct Peers {
    const Str *at; /* addresses */
    size_t count;
    Duration wait; /* for all of them together */
    Str listen;    /* where the service takes connections; empty: it does not */
} Peers;

/* ERR_CONFIG: an address is none, is there twice, or cannot be listened on; there are more than PEERS_MAX. */
bool peers_parse(const PeersConf *conf, Arena *arena, Peers *out, Err *err) ATTR_MUST_USE;

/* What a peer has shown, signed by the feed's signer. */
typedef struct PeersFound {
    bool longer; /* a longer head, or a newer fork: */
    uint64_t fork, length;
    bool forked;      /* another history, of which the proof is kept now (feed/forks.h) */
    const char *from; /* the address of who showed it; as long as the arena */
} PeersFound;

typedef struct PeersAsk {
    /* A peer was not asked, or did not prove what it says: `why`, with its address. Once for each; may be NULL. */
    void (*unasked)(void *ctx, const Err *why);
    void *ctx;
} PeersAsk;

/*
 * Ask all of them at once, of a feed that is open for writing. Nothing of what they have is got. `own` is the node's static pair.
 *
 * ERR_USAGE, ERR_LIMIT  an address is none
 * ERR_IO                the proof of a fork cannot be kept; there are no descriptors
 */
bool peers_ask(const Peers *peers, Feed *feed, const SignPair *own, const PeersAsk *options, Arena *arena,
               PeersFound *out, Err *err) ATTR_MUST_USE;

#endif
