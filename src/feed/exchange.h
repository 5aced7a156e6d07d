/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/exchange -- one feed and the peers that have it: what they have is got, what is here is given (docs/format/replication.md)
 *
 *     exchange = exchange_new(feed, &options);
 *     exchange_join(exchange, mux, &who, err);      for every connection; gone with its channels
 *     exchange_flush(exchange, err);                when the frames that came are taken: what they brought counts
 *     exchange_free(exchange);
 *
 * It knows no sockets: channels of a net/mux.h carry it. With every peer it speaks 'hypercore/alpha', as npm does; with one that
 * opens 'strata/run' as well, blocks come in runs with one proof each. A block is asked of one peer at a time, and of another when
 * that one leaves or does not have it.
 *
 * What a peer sends is checked before it is kept. What is wrong ends its connection with one sentence, and nothing of it is
 * stored. Of each peer is kept: which blocks it has (RANGES_MAX ranges), and what was asked of it. What it asks is answered at
 * once or not at all, so that asking costs no memory here.
 */
#ifndef FEED_EXCHANGE_H
#define FEED_EXCHANGE_H

#include "feed/feed.h"
#include "net/mux.h"

typedef struct Exchange Exchange;

typedef enum ExchangeVia {
    EXCHANGE_AUTO,     /* runs where the peer has them, else block by block */
    EXCHANGE_NATIVE,   /* only from peers that have runs */
    EXCHANGE_HYPERCORE /* block by block */
} ExchangeVia;

typedef struct ExchangeOptions {
    bool download; /* get every block; else those of exchange_want() only */
    bool follow;   /* take longer heads and newer forks; set with download, and for exchange_want() */
    ExchangeVia via;
    void (*on_change)(void *ctx); /* the feed is longer, or holds more; from exchange_flush() */
    /* A peer's extension message; may be NULL. */
    void (*on_extension)(void *ctx, const unsigned char peer[32], Str name, Str bytes);
    /* A peer has shown a signed head that disagrees with ours; the proof is kept (feed/forks.h). May be NULL. */
    void (*on_fork)(void *ctx, const unsigned char peer[32]);
    void *ctx;
} ExchangeOptions;

/* The feed stays the caller's, and is open for writing where blocks are to be got. */
Exchange *exchange_new(Feed *feed, const ExchangeOptions *options);

/* Closes the channels that are left. */
void exchange_free(Exchange *exchange);

/* Who is at the other end of a mux. */
typedef struct ExchangeWho {
    unsigned char key[32];  /* the peer's static key */
    unsigned char hash[64]; /* of the handshake */
    bool initiator;         /* we called */
} ExchangeWho;

/*
 * Open the feed's channels on a connection.
 *
 * ERR_CONFLICT  they are open
 * any           of mux_open()
 */
bool exchange_join(Exchange *exchange, Mux *mux, const ExchangeWho *who, Err *err) ATTR_MUST_USE;

/* Get these blocks as well, when somebody has them. */
void exchange_want(Exchange *exchange, uint64_t first, uint64_t end);

/* The feed has changed by another hand (an append here): tell the peers. ERR_IO: it cannot be read. */
bool exchange_announce(Exchange *exchange, Err *err) ATTR_MUST_USE;

/* Keep what came, tell the others, and ask for more. ERR_IO: it cannot be kept, and is undone. */
bool exchange_flush(Exchange *exchange, Err *err) ATTR_MUST_USE;

/* Send an extension message to every peer. ERR_IO, ERR_LIMIT: as mux_send(). */
bool exchange_extension(Exchange *exchange, Str name, Str bytes, Err *err) ATTR_MUST_USE;

typedef struct ExchangeState {
    size_t peers;     /* that have the feed and opened it */
    size_t synced;    /* of these, who told how long theirs is */
    uint64_t longest; /* of these, in our fork */
    uint64_t blocks;  /* got since exchange_new() */
    uint64_t runs;    /* of these, how many came in runs */
    uint64_t asked;   /* blocks that are on their way */
    bool done;        /* there is a synced peer, and nothing that one has is missing here */
} ExchangeState;

void exchange_state(Exchange *exchange, ExchangeState *out);

/* Close the connections of peers that have not answered for so long. */
void exchange_expire(Exchange *exchange, int64_t patience_us);

#endif
