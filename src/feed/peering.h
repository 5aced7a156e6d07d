/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/peering -- one feed and the peers that have it: what they have is got, what is here is given (docs/format/replication.md)
 *
 *     peering = peering_new(feed, &options);
 *     peering_join(peering, mux, &who, err);      for every connection; gone with its channels
 *     peering_flush(peering, err);                when the frames that came are taken: what they brought counts
 *     peering_free(peering);
 *
 * It knows no sockets: channels of a net/mux.h carry it. With every peer it speaks 'hypercore/alpha', as npm does; with one that
 * opens 'strata/run' as well, blocks come in runs with one proof each. A block is asked of one peer at a time, and of another when
 * that one leaves or does not have it.
 *
 * What a peer sends is checked before it is kept. What is wrong ends its connection with one sentence, and nothing of it is
 * stored. Of each peer is kept: which blocks it has (RANGES_MAX ranges), and what was asked of it. What it asks is answered at
 * once or not at all, so that asking costs no memory here.
 */
#ifndef FEED_PEERING_H
#define FEED_PEERING_H

#include "feed/feed.h"
#include "feed/ranges.h"
#include "net/mux.h"

typedef struct Peering Peering;

typedef enum PeeringVia {
    PEERING_AUTO,     /* runs where the peer has them, else block by block */
    PEERING_NATIVE,   /* only from peers that have runs */
    PEERING_HYPERCORE /* block by block */
} PeeringVia;

typedef struct PeeringOptions {
    bool download; /* get every block; else those of peering_want() only */
    bool follow;   /* take longer heads and newer forks; set with download, and for peering_want() */
    PeeringVia via;
    void (*on_change)(void *ctx); /* the feed is longer, or holds more; from peering_flush() */
    /* A peer's extension message; may be NULL. */
    void (*on_extension)(void *ctx, const unsigned char peer[32], Str name, Str bytes);
    /* A peer has shown a signed head that disagrees with ours; the proof is kept (feed/forks.h). May be NULL. */
    void (*on_fork)(void *ctx, const unsigned char peer[32]);
    /* The signer has signed a longer head, or a newer fork, which is not followed here: what is here is an old copy. May be NULL. */
    void (*on_longer)(void *ctx, const unsigned char peer[32], uint64_t fork, uint64_t length);
    /* Peers were told of this block, and it cannot be given to them: `why`. Once for each. RANGES_NONE: the feed's head. May be NULL. */
    void (*on_damage)(void *ctx, uint64_t block, const Err *why);
    void *ctx;
} PeeringOptions;

/* The feed stays the caller's, and is open for writing where blocks are to be got. */
Peering *peering_new(Feed *feed, const PeeringOptions *options);

/* Closes the channels that are left. */
void peering_free(Peering *peering);

/* Who is at the other end of a mux. */
typedef struct PeeringWho {
    unsigned char key[32];  /* the peer's static key */
    unsigned char hash[64]; /* of the handshake */
    bool initiator;         /* we called */
} PeeringWho;

/*
 * Open the feed's channels on a connection.
 *
 * ERR_CONFLICT  they are open
 * any           of mux_open()
 */
bool peering_join(Peering *peering, Mux *mux, const PeeringWho *who, Err *err) ATTR_MUST_USE;

/* Get these blocks as well, when somebody has them. */
void peering_want(Peering *peering, uint64_t first, uint64_t end);

/* The feed has changed by another hand (an append here): tell the peers. ERR_IO: it cannot be read. */
bool peering_announce(Peering *peering, Err *err) ATTR_MUST_USE;

/* See whether another process has changed a feed that is open for reading, and tell the peers. ERR_IO, and as feed_refresh(). */
bool peering_refresh(Peering *peering, Err *err) ATTR_MUST_USE;

/* Keep what came, tell the others, and ask for more. ERR_IO: it cannot be kept, and is undone. */
bool peering_flush(Peering *peering, Err *err) ATTR_MUST_USE;

/* Send an extension message to every peer. ERR_IO, ERR_LIMIT: as mux_send(). */
bool peering_extension(Peering *peering, Str name, Str bytes, Err *err) ATTR_MUST_USE;

/* Whether no connection has a channel of it. */
bool peering_is_idle(const Peering *peering);

typedef struct PeeringState {
    size_t peers;     /* that have the feed and opened it */
    size_t native;    /* of these, who sends runs */
    size_t undecided; /* of these, who may do so yet */
    size_t refused;   /* peers that do not have the feed, so far, */
    size_t late;      /* and those that did not answer in time */
    size_t synced;    /* who told how long theirs is */
    uint64_t longest; /* of these, in our fork */
    uint64_t blocks;  /* got since peering_new() */
    uint64_t runs;    /* of these, how many came in runs */
    uint64_t asked;   /* blocks that are on their way */
    bool done;        /* there is a synced peer, and nothing that one has is missing here */
    bool given;       /* it is done, and no synced peer that asked for anything lately misses what is here */
} PeeringState;

void peering_state(Peering *peering, PeeringState *out);

/* What there is of a peer with this key. */
typedef enum PeeringAnswer {
    PEERING_NONE,     /* it does not have the feed, or has gone */
    PEERING_WAITING,  /* it has not told what it has, or owes an answer */
    PEERING_ANSWERED, /* it has told how long its feed is, and shown its head */
} PeeringAnswer;

PeeringAnswer peering_answer(const Peering *peering, const unsigned char key[32]);

/*
 * The next blocks from `from` on that are missing here, and that a peer says to have and did not give: its copy is damaged.
 * out->first is RANGES_NONE where there are no more. ERR_IO.
 */
bool peering_denied(Peering *peering, uint64_t from, Range *out, Err *err) ATTR_MUST_USE;

/*
 * Have the peers given all that they say to have, as far as it is missing here? *count: how many blocks they have not.
 *
 * ERR_PARTIAL  they have not, and the sentence names the blocks
 * ERR_IO
 */
bool peering_given(Peering *peering, uint64_t *count, Err *err) ATTR_MUST_USE;

/* Close the connections of peers that have not answered for so long. */
void peering_expire(Peering *peering, int64_t patience_us);

#endif
