/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mux -- many channels in the frames of one connection, as npm protomux has them; no socket (docs/format/peer.md)
 *
 *     mux = mux_new(&(MuxOptions){.send = send_frame, .offer = look_up, .ctx = peer});
 *     mux_open(mux, protocol, id, handshake, &handlers, ctx, &channel, err);      as often as one likes
 *     mux_take(mux, frame, err);                                                 every frame that came
 *     mux_send(channel, type, payload, err);
 *     mux_free(mux);                                                             when the connection is gone
 *
 * A channel is named by a protocol and an id. Each side opens it; it is open when both did. What the other side opened
 * and this one did not is offered to the owner, who opens it as well, rejects it, or decides later.
 *
 * All that calls back does so from mux_take() and mux_deliver(), and on_close() from wherever a channel ends; then
 * every function but mux_free() may be called, and everything that is sent there leaves in one batch.
 *
 * The limits, of each connection:
 *     channels at a time           MUX_CHANNELS_MAX      more are rejected; here ERR_LIMIT
 *     ids that the peer numbers    MUX_IDS_MAX           8 bytes each; more end the connection
 *     protocol, id                 MUX_NAME_MAX each     longer ones are rejected; here ERR_LIMIT
 *     handshakes and messages      MUX_PENDING_MAX       of channels not decided yet; more end the connection. From
 *                                                        MUX_PENDING_PAUSE on mux_is_full() asks to read no further
 */
#ifndef NET_MUX_H
#define NET_MUX_H

#include "net/wire.h"

enum {
    MUX_CHANNELS_MAX = 1024,
    MUX_IDS_MAX = 65536,
    MUX_NAME_MAX = 255,
    MUX_BATCH_MAX =
        128 *
        1024, /* bytes of a batch that is sent: none of it is seen before all of it has come; longer messages go alone */
    MUX_PENDING_PAUSE = 32 * 1024,
    MUX_PENDING_MAX = MUX_PENDING_PAUSE + WIRE_FRAME_MAX,
};

typedef struct Mux Mux;
typedef struct MuxChannel MuxChannel;

typedef enum MuxEnd {
    MUX_CLOSED_HERE,
    MUX_CLOSED_THERE,
    MUX_REJECTED, /* the peer does not want it */
    MUX_GONE,     /* the connection is */
} MuxEnd;

/* What comes to a channel. Strings are valid until the callback returns; false ends the connection with *err. */
typedef struct MuxHandlers {
    bool (*on_open)(MuxChannel *channel, Str handshake, Err *err);
    bool (*on_message)(MuxChannel *channel, uint64_t type, Str payload, Err *err);
    void (*on_close)(MuxChannel *channel, MuxEnd why); /* once for every channel; may be NULL */
} MuxHandlers;

typedef enum MuxAnswer { MUX_REJECT, MUX_LATER, MUX_OPENED } MuxAnswer;

typedef struct MuxOptions {
    /* A frame is to be sent. */
    bool (*send)(void *ctx, Str frame, Err *err);
    /*
     * The peer opened what is not open here: mux_open() it, or say MUX_LATER and then mux_open() or mux_reject() it.
     * NULL: all is rejected.
     */
    MuxAnswer (*offer)(void *ctx, Mux *mux, Str protocol, Str id);
    void *ctx;
    size_t channels_max; /* 0: MUX_CHANNELS_MAX */
} MuxOptions;

Mux *mux_new(const MuxOptions *options);

/* Ends all channels with MUX_GONE. */
void mux_free(Mux *mux);

/*
 * Open a channel here. When the peer has opened it already, on_open() comes with the end of the offer, or with the
 * next mux_take() or mux_deliver(). Messages may be sent at once.
 *
 * ERR_CONFLICT  it is open
 * ERR_LIMIT     a name is too long, or there are too many channels
 * any           from `send`
 */
bool mux_open(Mux *mux, Str protocol, Str id, Str handshake, const MuxHandlers *handlers, void *ctx,
              MuxChannel **out, Err *err) ATTR_MUST_USE;

/* Tell the peer that a channel of which was said MUX_LATER is not wanted; nothing when it is not on offer. What `send` raises. */
bool mux_reject(Mux *mux, Str protocol, Str id, Err *err) ATTR_MUST_USE;

/* The channel is gone when this returns, whatever `send` raises. */
bool mux_close(MuxChannel *channel, Err *err);

/* The channel of that name that was opened here, or NULL. */
MuxChannel *mux_find(Mux *mux, Str protocol, Str id);

Mux *mux_of(const MuxChannel *channel);
void *mux_ctx(const MuxChannel *channel);
Str mux_protocol(const MuxChannel *channel);
Str mux_id(const MuxChannel *channel);
bool mux_is_open(const MuxChannel *channel); /* on both sides */

/*
 * A frame came. After a failure the connection can only be closed.
 *
 * ERR_CORRUPT  it is not one of this protocol
 * ERR_LIMIT    the peer passes one of the limits above
 * any          from `send` and the handlers
 */
bool mux_take(Mux *mux, Str frame, Err *err) ATTR_MUST_USE;

/* After a mux_open() of what was put off: what came for it meanwhile. As mux_take(). */
bool mux_deliver(Mux *mux, Err *err) ATTR_MUST_USE;

/* Whether frames should wait until what is on offer is decided. */
bool mux_is_full(const Mux *mux);

/* What `send` raises: ERR_LIMIT when the message is longer than a frame can be. */
bool mux_send(MuxChannel *channel, uint64_t type, Str payload, Err *err) ATTR_MUST_USE;

/* What is sent in between leaves together, in batches of at most MUX_BATCH_MAX. Nests. What `send` raises. */
void mux_cork(Mux *mux);
bool mux_uncork(Mux *mux, Err *err) ATTR_MUST_USE;

#endif
