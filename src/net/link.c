/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

typedef struct Link {
    Arena arena;
    Peer *peer;
    Mux *mux;
    MuxOptions options; /* the owner's */
    bool held;          /* not read from, because the mux is full */
} Link;

static bool send_frame(void *ctx, Str frame, Err *err)
{
    Link *link = ctx;

    return peer_send(link->peer, frame, err);
}

static MuxAnswer pass_offer(void *ctx, Mux *mux, Str protocol, Str id)
{
    Link *link = ctx;

    return link->options.offer(link->options.ctx, mux, protocol, id);
}

Mux *link_open(Peer *peer, const MuxOptions *options)
{
    Arena arena = {0};
    Link *link = arena_new(&arena, Link, 1);

    *link = (Link){.arena = arena, .peer = peer, .options = *options};
    link->mux = mux_new(&(MuxOptions){.send = send_frame,
                                      .offer = options->offer ? pass_offer : NULL,
                                      .ctx = link,
                                      .channels_max = options->channels_max});
    peer_set(peer, link);
    return link->mux;
}

void link_close(Peer *peer)
{
    Link *link = peer_get(peer);

    mux_free(link->mux);
    peer_set(peer, NULL);
    Arena arena = link->arena;
    arena_free(&arena);
}

Mux *link_mux(const Peer *peer)
{
    const Link *link = peer_get(peer);

    return link->mux;
}

void *link_ctx(const Peer *peer)
{
    const Link *link = peer_get(peer);

    return link->options.ctx;
}

static void hold(Link *link)
{
    bool full = mux_is_full(link->mux);

    if (full && !link->held)
        peer_pause(link->peer);
    else if (!full && link->held)
        peer_resume(link->peer);
    link->held = full;
}

bool link_take(Peer *peer, Str frame, Err *err)
{
    Link *link = peer_get(peer);

    if (!mux_take(link->mux, frame, err))
        return false;
    hold(link);
    return true;
}

bool link_deliver(Peer *peer, Err *err)
{
    Link *link = peer_get(peer);

    if (!mux_deliver(link->mux, err))
        return false;
    hold(link);
    return true;
}
