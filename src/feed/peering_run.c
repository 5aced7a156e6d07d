/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in runs, between peers that both open 'strata/run'. */
#include "feed/peering_inside.h"
#include "feed/run.h"

/*
 * The messages: ask is uint id, fork, first, end; run is uint id and what run_put() puts; none is uint id, when there is nothing
 * to be had from `first` on.
 */
typedef enum RunMessage { RUN_ASK, RUN_RUN, RUN_NONE } RunMessage;

bool peering_ask_run(Partner *peer, uint64_t first, uint64_t end, Err *err)
{
    Asked *asked = peering_note(peer, ASKED_RUN, first, end);
    BUF_SCOPE(out);

    if (!asked)
        return true;
    compact_put_uint(&out, peering_id(peer, asked));
    compact_put_uint(&out, feed_state(peer->peering->feed)->fork);
    compact_put_uint(&out, first);
    compact_put_uint(&out, end);
    return mux_send(peer->runs, RUN_ASK, buf_str(&out), err);
}

static bool send_none(Partner *peer, uint64_t id, Err *err)
{
    BUF_SCOPE(out);

    compact_put_uint(&out, id);
    return mux_send(peer->runs, RUN_NONE, buf_str(&out), err);
}

static bool take_ask(Partner *peer, Str payload, Err *err)
{
    Feed *feed = peer->peering->feed;
    CompactIn in = compact_in(payload);
    uint64_t id = compact_uint(&in), fork = compact_uint(&in), first = compact_uint(&in),
             end = compact_uint(&in), count;
    BUF_SCOPE(out);
    Err why = {0};

    if (in.bad)
        return err_set(err, ERR_CORRUPT, "the peer sent a request for a run that is none");
    peer->asked_at = time_monotonic();
    if (fork != feed_state(feed)->fork)
        return send_none(peer, id, err);
    compact_put_uint(&out, id);
    if (run_put(feed, first, end, &out, &count, &why))
        return mux_send(peer->runs, RUN_RUN, buf_str(&out), err);
    return peering_not_given(peer, first, &why, err) && send_none(peer, id, err);
}

/* Before any of it is kept. What is no run is not judged here. */
static bool is_answer(const Asked *asked, CompactIn run)
{
    (void)compact_uint(&run); /* fork */
    uint64_t first = compact_uint(&run), count = compact_uint(&run);

    return run.bad || (first == asked->first && count <= asked->end - asked->first);
}

/* Blocks of a run that is an answer; 1 where it is none. */
static uint64_t count_of(CompactIn run)
{
    (void)compact_uint(&run); /* fork */
    (void)compact_uint(&run); /* first */
    uint64_t count = compact_uint(&run);

    return run.bad || count == 0 ? 1 : count;
}

/* What was asked for and did not fit into the run is asked for again. */
static bool take_run(Partner *peer, Str payload, Err *err)
{
    Peering *peering = peer->peering;
    CompactIn in = compact_in(payload);
    Asked *asked = peering_find(peer, compact_uint(&in));
    RunTaken taken;
    Err why = {0};

    if (in.bad)
        return err_set(err, ERR_CORRUPT, "the peer sent a run that is none");
    if (!asked || asked->kind != ASKED_RUN)
        return peering_forgive(peer, err);
    if (!is_answer(asked, in))
        return err_set(err, ERR_CORRUPT, "the peer sent what it was not asked for");
    uint64_t first = asked->first, end = first + count_of(in);
    peering_forget(peer, asked);
    if (!run_take(peering->feed, in.rest, &taken, &why))
        return why.code == ERR_CONFLICT ? peering_forgive(peer, err) && peering_ask(peer, err)
                                        : peering_refuse_blocks(peering, first, end, &why, err);
    peering->blocks += taken.added;
    peering->runs += taken.added;
    peering->changed = true;
    return peering_ask(peer, err);
}

static bool take_none(Partner *peer, Str payload, Err *err)
{
    CompactIn in = compact_in(payload);
    Asked *asked = peering_find(peer, compact_uint(&in));

    if (in.bad)
        return err_set(err, ERR_CORRUPT, "the peer sent an answer that is none");
    if (!asked || asked->kind != ASKED_RUN)
        return peering_forgive(peer, err);
    peering_deny(peer, asked->first);
    peering_forget(peer, asked);
    return peering_ask(peer, err);
}

static bool on_message(MuxChannel *channel, uint64_t type, Str payload, Err *err)
{
    Partner *peer = mux_ctx(channel);

    switch (type) {
    case RUN_ASK:
        return take_ask(peer, payload, err);
    case RUN_RUN:
        return take_run(peer, payload, err);
    case RUN_NONE:
        return take_none(peer, payload, err);
    default:
        return true; /* of a later version */
    }
}

static bool on_open(MuxChannel *channel, Str handshake, Err *err)
{
    Partner *peer = mux_ctx(channel);

    if (!peering_knows_key(peer, handshake, err))
        return false;
    peer->runs_open = true;
    return peering_ask(peer, err);
}

/* Without runs it goes on block by block. */
static void on_close(MuxChannel *channel, MuxEnd why)
{
    Partner *peer = mux_ctx(channel);
    Err ignored = {0};

    peer->runs = NULL;
    peer->runs_open = false;
    for (size_t i = 0; i < ASKED_MAX; i++)
        if (peer->asked[i].kind == ASKED_RUN)
            peering_forget(peer, &peer->asked[i]);
    if (!peer->alpha)
        peering_leave(peer);
    else if (why != MUX_GONE)
        (void)!peering_ask(peer, &ignored); /* what fails here fails again with the next message */
}

const MuxHandlers peering_run_handlers = {.on_open = on_open, .on_message = on_message, .on_close = on_close};
