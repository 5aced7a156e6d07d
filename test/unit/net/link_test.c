/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include "test/unit/net/node.h"

static bool say_open(MuxChannel *channel, Str handshake, Err *err)
{
    return mux_send(channel, 1, handshake, err);
}

static bool note_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    Node *node = mux_ctx(channel);

    (void)err;
    buf_printf(&node->log, "%d:%.*s\n", (int)type, (int)(payload.len < 10 ? payload.len : 10), payload.ptr);
    atomic_fetch_add(&node->ticks, 1);
    return true;
}

static void note_end(MuxChannel *channel, MuxEnd why)
{
    Node *node = mux_ctx(channel);

    buf_printf(&node->log, "end %d\n", (int)why);
}

static const MuxHandlers handlers = {say_open, note_message, note_end};

static bool take(Node *node, Peer *peer, Str frame, Err *err)
{
    (void)node;
    return link_take(peer, frame, err);
}

static void end(Node *node, Peer *peer)
{
    CHECK(link_ctx(peer) == node);
    link_close(peer);
}

static bool open_feed(Node *node, Peer *peer, Err *err)
{
    MuxChannel *channel;
    Mux *mux = link_open(peer, &(MuxOptions){.ctx = node});
    Str hello = peer_role(peer) == NOISE_INITIATOR ? STR("i") : STR("r");

    CHECK(link_mux(peer) == mux);
    return mux_open(mux, STR("p"), STR("feed"), hello, &handlers, node, &channel, err);
}

static void channels_run_over_a_connection(void)
{
    Node server = {.connected = open_feed, .frame = take, .disconnected = end}, client = server;

    node_begin(&server, 1, &(LoopOptions){0});
    node_begin(&client, 2, &(LoopOptions){0});
    must_connect(&client, must_listen(&server, "127.0.0.1:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&client.ticks, 1);
    wait_for(&server.ticks, 1);
    node_end(&client);
    node_end(&server);
    CHECK(node_logged(&client, "1:i", "") && node_logged(&server, "1:r", ""));
    CHECK(node_logged(&client, "end 3", "") && node_logged(&server, "end 3", ""));
    buf_release(&client.log);
    buf_release(&server.log);
}

/* ---- offers that are put off ---- */

enum { FLOOD = 300, FLOOD_BYTES = 64 * 1024 };

static MuxAnswer decide_later(void *ctx, Mux *mux, Str protocol, Str id)
{
    (void)ctx, (void)mux, (void)protocol, (void)id;
    return MUX_LATER;
}

static bool await_offers(Node *node, Peer *peer, Err *err)
{
    (void)err;
    (void)link_open(peer, &(MuxOptions){.offer = decide_later, .ctx = node});
    node->own = peer;
    return true;
}

static void decide(Node *node)
{
    MuxChannel *channel;
    Err err = {0};

    CHECK(mux_is_full(link_mux(node->own)));
    CHECK(mux_open(link_mux(node->own), STR("p"), STR("feed"), STR(""), &handlers, node, &channel, &err));
    CHECK(link_deliver(node->own, &err) && !mux_is_full(link_mux(node->own)));
}

static bool flood(Node *node, Peer *peer, Err *err)
{
    static const char bytes[FLOOD_BYTES];
    MuxChannel *channel;
    Mux *mux = link_open(peer, &(MuxOptions){.ctx = node});

    if (!mux_open(mux, STR("p"), STR("feed"), STR("hello"), &handlers, node, &channel, err))
        return false;
    for (int i = 0; i < FLOOD; i++)
        if (!mux_send(channel, 7, (Str){bytes, sizeof bytes}, err))
            return false;
    return true;
}

/* More than a mux keeps: were it read before the decision, the connection would end. */
static void a_peer_is_not_read_from_until_its_offer_is_decided(void)
{
    Node server = {.connected = await_offers, .frame = take, .disconnected = end, .woken = decide};
    Node client = {.connected = flood, .frame = take, .disconnected = end};

    CHECK((size_t)FLOOD * FLOOD_BYTES > MUX_PENDING_MAX);
    node_begin(&server, 1, &(LoopOptions){0});
    node_begin(&client, 2, &(LoopOptions){0});
    must_connect(&client, must_listen(&server, "127.0.0.1:0"));
    node_start(&server);
    node_start(&client);
    wait_for(&server.frames, 2); /* the open, and a message that is too much */
    loop_wake(server.loop);
    wait_for(&server.ticks, FLOOD);
    node_end(&client);
    node_end(&server);
    CHECK(client.connects == 1 && server.connects == 1 && server.disconnects == 1);
    buf_release(&client.log);
    buf_release(&server.log);
}

int main(void)
{
    RUN(channels_run_over_a_connection);
    RUN(a_peer_is_not_read_from_until_its_offer_is_decided);
    DONE();
}
