/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/wire -- an encrypted connection as bytes in, frames out, and the other way round; no socket (docs/format/peer.md)
 *
 *     wire_begin(&wire, NOISE_INITIATOR, &own, 0);
 *     wire_give(&wire, bytes);                              whatever came, cut as it may be
 *     while (wire_next(&wire, &event, &frame, err) && event != WIRE_MORE)
 *         ...;
 *     wire_send(&wire, frame, err);                         once it is open
 *     send buf_str(&wire.out), buf_consume(&wire.out, ...)  after each of these
 *
 * Everything on the wire is a 24-bit little-endian length and so many bytes: three messages of the handshake (crypto/noise.h),
 * a header from each side, and then sealed frames (crypto/secretstream.h). An empty frame is a keep-alive and is not
 * shown. Before the handshake is done only the lengths of its messages are taken. Memory is taken for bytes that came, never
 * for what a length says: at most twice the longest frame for what comes in, and once for the frame that is shown.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "crypto/secretstream.h"

enum {
    WIRE_HEAD = 3,
    WIRE_BODY_MAX = 0xffffff,
    WIRE_FRAME_MAX = WIRE_BODY_MAX - SECRETSTREAM_OVERHEAD, /* bytes of a frame before it is sealed */
};

typedef enum WireStage { WIRE_HANDSHAKE, WIRE_HEADER, WIRE_OPEN } WireStage;

typedef struct Wire {
    WireStage stage;
    NoiseRole role;
    unsigned char remote[SIGN_PUBLIC_BYTES]; /* the peer's static key, and */
    unsigned char hash[NOISE_HASH_BYTES];    /* what names the handshake: both once it is open */
    Buf out;                                 /* to be sent by whoever owns the wire */
    size_t frame_max;
    Noise noise;
    SecretStream stream;
    Buf in, plain;
    size_t in_at; /* of `in` so much has been read */
} Wire;

/* The own static pair is copied. `frame_max` is the longest frame to be taken; 0: WIRE_FRAME_MAX. */
void wire_begin(Wire *wire, NoiseRole role, const SignPair *own, size_t frame_max);

/* With a known ephemeral pair: for tests. */
void wire_begin_known(Wire *wire, NoiseRole role, const SignPair *own, size_t frame_max,
                      const SignPair *ephemeral);
void wire_end(Wire *wire);

void wire_give(Wire *wire, Str bytes);

typedef enum WireEvent {
    WIRE_MORE,   /* nothing more until bytes come */
    WIRE_OPENED, /* once: the peer is who it says */
    WIRE_FRAME,  /* *frame, valid until the next call */
} WireEvent;

/*
 * The next thing that came. After a failure the connection can only be closed.
 *
 * ERR_CORRUPT  the peer does not keep to the protocol, or something changed its bytes
 * ERR_LIMIT    the peer announced a frame that is longer than `frame_max`
 */
bool wire_next(Wire *wire, WireEvent *event, Str *frame, Err *err) ATTR_MUST_USE;

/*
 * Seal a frame into `out`; the wire is open. An empty one is a keep-alive.
 *
 * ERR_LIMIT  it is longer than WIRE_FRAME_MAX
 */
bool wire_send(Wire *wire, Str frame, Err *err) ATTR_MUST_USE;

#endif
