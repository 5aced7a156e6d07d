/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to which a connection is kept. */
#include <string.h>

#include "net/loop_core.h"

static void dial(Dialer *dialer);

static void report(Dialer *dialer, const Err *why)
{
    Loop *loop = dialer->loop;

    if (loop->events.on_failure)
        loop->events.on_failure(loop->ctx, dialer->address.ptr, why);
}

static void on_retry(uv_timer_t *timer)
{
    dial(timer->data);
}

static void forget_found(Dialer *dialer)
{
    if (dialer->found)
        freeaddrinfo(dialer->found);
    dialer->found = dialer->at = NULL;
}

/* The wait is between its half and the whole, so that peers that lost the same one do not come back together. */
static void try_later(Dialer *dialer)
{
    const LoopOptions *options = &dialer->loop->options;
    uint32_t chance = 0;

    if (dialer->over)
        return;
    (void)uv_random(NULL, NULL, &chance, sizeof chance, 0, NULL);
    Duration half = dialer->wait / 2,
             wait = half + (Duration)((double)(dialer->wait - half) * chance / UINT32_MAX);
    (void)uv_timer_start(&dialer->retry, on_retry, loop_ms(wait), 0);
    dialer->wait = dialer->wait * 2 < options->retry_most ? dialer->wait * 2 : options->retry_most;
    if (dialer->loop->events.on_lost)
        dialer->loop->events.on_lost(dialer->loop->ctx, dialer->address.ptr);
}

/* ---- one try ---- */

static void on_connected(uv_connect_t *connect, int status)
{
    Peer *peer = connect->data;
    Err err = {0};

    if (status == UV_ECANCELED || peer->state != PEER_CONNECTING)
        return;
    if (status < 0) {
        loop_fail(&err, status, "connect to", peer->address);
        peer_close(peer, &err);
    } else {
        peer_begin(peer);
    }
}

static void connect_to(Dialer *dialer, const struct sockaddr *at)
{
    Loop *loop = dialer->loop;
    bool is_unix = at->sa_family == AF_UNIX;
    int status = 0;
    Peer *peer;
    Err err = {0};

    if (!peer_new(loop, is_unix, dialer, &peer, &err)) {
        report(dialer, &err);
        try_later(dialer);
        return;
    }
    dialer->peer = peer;
    peer->connect.data = peer;
    (void)endpoint_text(at, peer->address);
    if (is_unix)
        uv_pipe_connect(&peer->connect, &peer->socket.pipe,
                        ((const struct sockaddr_un *)(const void *)at)->sun_path, on_connected);
    else
        status = uv_tcp_connect(&peer->connect, &peer->socket.tcp, at, on_connected);
    if (status < 0) {
        loop_fail(&err, status, "connect to", peer->address);
        peer_close(peer, &err);
    }
}

static void fail_to_find(Dialer *dialer, const Err *why)
{
    Err said = {0};

    (void)err_set(&said, why->code, "cannot find '%s': %s", dialer->address.ptr, why->text);
    report(dialer, &said);
    try_later(dialer);
}

void dialer_look(Dialer *dialer)
{
    struct addrinfo *found;
    Err why = {0};

    if (!dialer->look_up || !lookup_take(dialer->look_up, &found, &why))
        return;
    dialer->look_up = NULL;
    if (!found) {
        fail_to_find(dialer, &why);
        return;
    }
    forget_found(dialer);
    dialer->found = dialer->at = found;
    connect_to(dialer, found->ai_addr);
}

static void dial(Dialer *dialer)
{
    Err err = {0};

    if (dialer->over || dialer->peer || dialer->look_up)
        return;
    if (!dialer->endpoint.is_name)
        connect_to(dialer, &dialer->endpoint.at.any);
    else if (!lookup_begin(dialer->endpoint.host, dialer->endpoint.port, &dialer->loop->async,
                           &dialer->look_up, &err))
        fail_to_find(dialer, &err);
}

/* A name's next address is tried at once when the one before cannot be reached. A connection that held long enough was good. */
void dialer_lost(Dialer *dialer, const Peer *peer)
{
    const LoopOptions *options = &dialer->loop->options;

    dialer->peer = NULL;
    if (!peer->told && dialer->at && dialer->at->ai_next && !dialer->over) {
        dialer->at = dialer->at->ai_next;
        connect_to(dialer, dialer->at->ai_addr);
        return;
    }
    forget_found(dialer);
    if (peer->told && uv_now(&dialer->loop->uv) - peer->began >= loop_ms(options->gone))
        dialer->wait = options->retry_first;
    try_later(dialer);
}

/* ---- the list ---- */

static Dialer *find(const Loop *loop, Str address)
{
    Dialer *dialer = loop->dialers;

    while (dialer && !str_eq(dialer->address, address))
        dialer = dialer->next;
    return dialer;
}

static Dialer *add(Loop *loop, Str address, const Endpoint *endpoint)
{
    Dialer *dialer = arena_new(&loop->arena, Dialer, 1);

    *dialer = (Dialer){.loop = loop, .next = loop->dialers, .endpoint = *endpoint};
    dialer->address = str_copy(&loop->arena, address);
    (void)uv_timer_init(&loop->uv, &dialer->retry);
    dialer->retry.data = dialer;
    loop->dialers = dialer;
    return dialer;
}

bool loop_connect(Loop *loop, Str address, Err *err)
{
    Dialer *dialer = find(loop, address);
    Endpoint endpoint;

    if (dialer && !dialer->over)
        return err_set(err, ERR_CONFLICT, "a connection to '%.*s' is kept already", STR_ARG(address));
    if (!endpoint_parse(address, &endpoint, err))
        return false;
    if (endpoint.is_any)
        return err_set(err, ERR_USAGE, "'%.*s' is no address to connect to", STR_ARG(address));
    if (!dialer)
        dialer = add(loop, address, &endpoint);
    dialer->over = loop->stopping;
    dialer->wait = loop->options.retry_first;
    if (!dialer->over)
        (void)uv_timer_start(&dialer->retry, on_retry, 0, 0);
    return true;
}

void dialer_end(Dialer *dialer)
{
    dialer->over = true;
    (void)uv_timer_stop(&dialer->retry);
    if (dialer->look_up)
        lookup_give_up(dialer->look_up);
    dialer->look_up = NULL;
}

void loop_disconnect(Loop *loop, Str address)
{
    Dialer *dialer = find(loop, address);

    if (!dialer || dialer->over)
        return;
    dialer_end(dialer);
    if (dialer->peer)
        peer_finish(dialer->peer);
}
