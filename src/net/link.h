/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/link -- channels on a connection of a loop: what joins net/mux.h and net/peer.h
 *
 *     on_connect       link_open(peer, &options)
 *     on_frame         link_take(peer, frame, err)
 *     on_disconnect    link_close(peer)
 *
 * What the mux sends is queued for the peer, and the peer is not read from while too much of it waits for a decision. The
 * link is what peer_get() gives, so the owner's own things are the options' `ctx`.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/mux.h"
#include "net/peer.h"

/* `send` is the link's and not looked at. If on_connect() then fails, the owner calls link_close() there. */
Mux *link_open(Peer *peer, const MuxOptions *options);

/* Ends all channels with MUX_GONE. */
void link_close(Peer *peer);

Mux *link_mux(const Peer *peer);
void *link_ctx(const Peer *peer);

/* As mux_take(). */
bool link_take(Peer *peer, Str frame, Err *err) ATTR_MUST_USE;

/* After what was put off was decided: what came for it meanwhile, and then the peer is read from again. As mux_deliver(). */
bool link_deliver(Peer *peer, Err *err) ATTR_MUST_USE;

#endif
