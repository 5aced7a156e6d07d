/* SPDX-License-Identifier: Apache-2.0 */
/* net/mux_core -- what the files of the mux share */
#ifndef NET_MUX_CORE_H
#define NET_MUX_CORE_H

#include "net/compact.h"
#include "net/mux.h"

/*
 *     state     opened here  opened there
 *     WAITING   yes          not yet        the peer will answer with an open or a reject
 *     OFFERED   not yet      yes            messages are kept
 *     OPEN      yes          yes
 *     LEFT      and closed   not yet        the peer's answer is still to come, so the id is taken
 *     ENDED     was          was            until its struct is used again
 */
typedef enum MuxState {
    MUX_STATE_ENDED,
    MUX_STATE_WAITING,
    MUX_STATE_OFFERED,
    MUX_STATE_OPEN,
    MUX_STATE_LEFT
} MuxState;

struct MuxChannel {
    Mux *mux;
    MuxState state;
    bool told;              /* on_open() was called */
    uint64_t number;        /* in the order of their coming; of no two */
    size_t place;           /* in mux->all */
    uint64_t local, remote; /* ids; 0: none */
    const MuxHandlers *handlers;
    void *ctx;
    Buf name; /* protocol, id */
    size_t protocol_len;
    Buf handshake; /* the peer's, until it is told */
    Buf pending;   /* messages that came before: uint length, then type and payload */
};

/* Channels by id: index id - 1; NULL where there is none. */
typedef struct MuxIds {
    Buf slots;
} MuxIds;

typedef struct MuxBatch {
    Buf buf; /* MUX_BATCH_ROOM bytes, then the items */
    uint64_t channel, first_channel;
    size_t items, first_at; /* where the first item's type is */
} MuxBatch;

enum { MUX_BATCH_ROOM = 16 }; /* for what stands before the items, or before the only one */

struct Mux {
    Arena arena;
    MuxOptions options;
    MuxChannel **all, **idle; /* channels_max each: those in use, and structs to be used again */
    size_t count, idle_count, untold;
    MuxIds local, remote;
    uint64_t last_number;
    size_t pending_bytes;
    int corked;
    bool gone;
    MuxBatch batch;
    Buf frame;
};

/* ---- channels (mux.c) ---- */

MuxChannel *mux_id_at(const MuxIds *ids, uint64_t id);
void mux_id_set(MuxIds *ids, uint64_t id, MuxChannel *channel);
size_t mux_id_count(const MuxIds *ids);

/* NULL when there are too many. */
MuxChannel *mux_channel_new(Mux *mux, Str protocol, Str id, MuxState state);
void mux_channel_end(MuxChannel *channel, MuxEnd why); /* calls on_close() where there is one */

/* The oldest channel of that name in one of the two states. */
MuxChannel *mux_named(Mux *mux, Str protocol, Str id, MuxState state, MuxState or_state);

/* ---- frames out (mux_out.c) ---- */

enum { MUX_CONTROL_BATCH, MUX_CONTROL_OPEN, MUX_CONTROL_REJECT, MUX_CONTROL_CLOSE };

/* Type and payload are one item; `channel` 0: control. ERR_LIMIT, and what `send` raises. */
bool mux_put(Mux *mux, uint64_t channel, uint64_t type, Str payload, Err *err) ATTR_MUST_USE;

/* A control message that says an id. As mux_put(). */
bool mux_put_control(Mux *mux, uint64_t type, uint64_t id, Err *err) ATTR_MUST_USE;

#endif
