/* SPDX-License-Identifier: Apache-2.0 */
/* feed/peering_inside -- what the files of peering.h share: a peering, its peers, and what was asked of them */
#ifndef FEED_PEERING_INSIDE_H
#define FEED_PEERING_INSIDE_H

#include "base/time.h"
#include "feed/alpha.h"
#include "feed/peering.h"

#define RUN_PROTOCOL "strata/run"

enum {
    ASKED_MAX = 64,                /* requests on their way to one peer */
    ASKED_RUNS_MAX = 16,           /* of these runs: a megabyte */
    RUN_ASK_BLOCKS = 4096,         /* in one run, at most */
    WANT_BLOCKS = 2 * 1024 * 1024, /* npm answers for so many at once */
    CONFLICTS_MAX = 1000,          /* answers that came too late, of one peer */
    DENIED_MAX = 2,                /* times that a peer may have no proof of the length that it told */
    LANDED_MAX = 256,              /* blocks that came one by one before they are kept */
};

/* ASKED_NODES: two siblings of a newer fork's tree, to find where it parts from ours */
typedef enum AskedKind {
    ASKED_NOTHING,
    ASKED_BLOCK,
    ASKED_UPGRADE,
    ASKED_NODES,
    ASKED_HEAD,
    ASKED_RUN
} AskedKind;

/* A request that was not answered yet. Its id is its place, plus 1. */
typedef struct Asked {
    AskedKind kind;
    uint64_t first, end; /* blocks; of ASKED_NODES, the left node */
    Instant since;
} Asked;

typedef struct Partner Partner;
struct Partner {
    Partner *next;
    Peering *peering;
    PeeringWho who;
    MuxChannel *alpha, *runs; /* NULL: closed, or never opened */
    bool open, runs_open;     /* on both sides, and it knows the key */
    Instant joined, asked_at; /* when it asked for something last */
    bool synced;
    AlphaSync remote; /* what it told last, */
    AlphaSync told;   /* and what it was told */
    bool has_told;
    bool head_checked;
    Instant forked;     /* since when it is known to have another history; nothing is asked of it any more */
    uint64_t wanted_to; /* it was asked which blocks it has, up to here */
    uint64_t shown_to;  /* it was told of all that is held without a gap, up to here */
    Ranges have;
    Asked asked[ASKED_MAX];
    size_t asked_count, asked_runs;
    unsigned conflicts, denied;
    Buf fork;            /* the payload that shows the head of a newer fork, while it is compared with ours */
    Buf learned;         /* of TreeNode: of its tree */
    char extension[256]; /* the name of its last one */
    size_t extension_len;
};

struct Peering {
    Feed *feed;
    PeeringOptions options;
    Partner *peers;
    Ranges wanted;  /* where not everything is */
    Ranges flying;  /* blocks asked for, or not kept yet */
    Ranges denied;  /* blocks that a peer said to have and did not give */
    Ranges damaged; /* blocks that peers were told of, and that cannot be given */
    Buf landed;     /* of uint64_t: blocks that came and are not kept yet */
    uint64_t low;   /* nothing below is missing, */
    uint64_t fork;  /* in this fork */
    bool upgrading;
    bool tree_damaged; /* which was told */
    bool changed;      /* since the last on_change */
    uint64_t blocks, runs;
    size_t refused, late;
    Err failure; /* what came cannot be kept */
};

/* ---- peering_peer.c: what a peer says on 'hypercore/alpha' ---- */

extern const MuxHandlers peering_alpha_handlers;
/* As far as it does not know. ERR_IO, ERR_LIMIT: as mux_send(), here and below. */
bool peering_send_sync(Partner *peer, Err *err) ATTR_MUST_USE;

/* Blocks that are held without a gap from the beginning, as far as the peer does not know of them. ERR_IO, ERR_LIMIT. */
bool peering_show_held(Partner *peer, Err *err) ATTR_MUST_USE;

/* ERR_DENIED: the other side of a channel does not know the feed's key. */
bool peering_knows_key(const Partner *peer, Str handshake, Err *err) ATTR_MUST_USE;

/* An answer came too late: there is another head by now, or nobody waits for it. So many may. ERR_LIMIT. */
bool peering_forgive(Partner *peer, Err *err) ATTR_MUST_USE;

/* Nothing comes of what was asked: the peer does not have the block, whatever it said before. */
void peering_deny(Partner *peer, uint64_t block);

/* Its last channel is closed. */
void peering_leave(Partner *peer);

/* ---- peering_give.c: what it asks for there, and is given ---- */

/* Messages. ERR_CORRUPT: it is none. ERR_IO, and as mux_send(): ERR_LIMIT. */
bool peering_take_want(Partner *peer, Str payload, Err *err) ATTR_MUST_USE;
bool peering_take_request(Partner *peer, Str payload, Err *err) ATTR_MUST_USE;

/*
 * A block that is held cannot be given, or it is not held any more, which the peer is told.
 *
 * ERR_IO  it is no fault of the block; and as mux_send(): ERR_LIMIT
 */
bool peering_not_given(Partner *peer, uint64_t block, const Err *why, Err *err) ATTR_MUST_USE;

/* ---- peering.c ---- */

/* What landed counts. ERR_IO: it is undone. */
bool peering_keep(Peering *peering, Err *err) ATTR_MUST_USE;

/* What a peer sent is not taken, for this reason. Always false. ERR_IO: it cannot be kept, which is no fault of the peer's, and ends all. */
bool peering_refuse(Peering *peering, const Err *why, Err *err);

/* The same of an answer that should have proven these blocks: which they are is told, too. ERR_CORRUPT, ERR_IO. */
bool peering_refuse_blocks(Peering *peering, uint64_t first, uint64_t end, const Err *why, Err *err);

/* Find the first block that is missing. ERR_IO. */
bool peering_raise_low(Peering *peering, Err *err) ATTR_MUST_USE;
void peering_tell_all(Peering *peering);

/* ---- peering_run.c: and on 'strata/run' ---- */

extern const MuxHandlers peering_run_handlers;

/* ERR_IO, ERR_LIMIT */
bool peering_ask_run(Partner *peer, uint64_t first, uint64_t end, Err *err) ATTR_MUST_USE;

/* ---- peering_ask.c ---- */

/*
 * The first block from `from` on that is wanted, missing and held by the peer, or RANGES_NONE. `on_its_way`: also one that was asked
 * for. ERR_IO.
 */
bool peering_missing(const Partner *peer, uint64_t from, bool on_its_way, uint64_t *out,
                     Err *err) ATTR_MUST_USE;

/* As much as may be on its way at once. ERR_IO, ERR_LIMIT. */
bool peering_ask(Partner *peer, Err *err) ATTR_MUST_USE;

/* Send what was noted. ERR_IO, ERR_LIMIT. */
bool peering_request(Partner *peer, const Asked *asked, FeedRequest what, Err *err) ATTR_MUST_USE;

/* NULL when there are too many. */
Asked *peering_note(Partner *peer, AskedKind kind, uint64_t first, uint64_t end);
uint64_t peering_id(const Partner *peer, const Asked *asked);
Asked *peering_find(Partner *peer, uint64_t id); /* NULL: nothing was asked with this id */

/* It was answered, or never will be: others may be asked for what is left of it. */
void peering_forget(Partner *peer, Asked *asked);

#endif
