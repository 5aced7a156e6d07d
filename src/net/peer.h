/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/peer -- one connection of a loop (net/loop.h), from on_connect() to on_disconnect()
 *
 * A peer is valid until its on_disconnect() returns. Ending one calls nothing back at once: on_disconnect() comes later.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "net/wire.h"

typedef struct Peer Peer;

NoiseRole peer_role(const Peer *peer);            /* NOISE_INITIATOR: it was called from here */
const unsigned char *peer_key(const Peer *peer);  /* SIGN_PUBLIC_BYTES: its static key */
const unsigned char *peer_hash(const Peer *peer); /* NOISE_HASH_BYTES: names the connection */
const char *peer_address(const Peer *peer);       /* where it is, for people */
const char *peer_called(const Peer *peer); /* the address that loop_connect() was given; NULL: it called */

/* What the owner keeps for it; NULL at first. */
void peer_set(Peer *peer, void *own);
void *peer_get(const Peer *peer);

/*
 * Queue a frame; it leaves before the loop waits again.
 *
 * ERR_IO     the connection is ending
 * ERR_LIMIT  the frame is too long; or as much is queued as may be, and the connection ends
 */
bool peer_send(Peer *peer, Str frame, Err *err) ATTR_MUST_USE;

/* Bytes that are to be sent and have not left. */
size_t peer_queued(const Peer *peer);

bool peer_is_full(const Peer *peer); /* so many that more should wait for on_drain() */

/* Bytes that came from it and that were given to the system for it, with all that the connection adds to frames. */
void peer_bytes(const Peer *peer, uint64_t *in, uint64_t *out);

/* Read nothing from it, so that it stops sending, until it is resumed. Frames that came already wait as well. */
void peer_pause(Peer *peer);
void peer_resume(Peer *peer);

/* End the connection when what is queued has left. */
void peer_finish(Peer *peer);

/* End it now. `why` is what on_disconnect() gets; NULL: ERR_NONE. */
void peer_close(Peer *peer, const Err *why);

#endif
