/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include <assert.h>

/* Buffers of more than this are given back when nothing is in them. */
enum { KEEP_BYTES = 128 * 1024 };

/* ---- frames out ---- */

/* Puts the place of a length; end_frame() fills it in. */
static size_t begin_frame(Wire *wire)
{
    size_t at = wire->out.len;

    buf_put(&wire->out, (Str){"\0\0\0", WIRE_HEAD});
    return at;
}

static void end_frame(Wire *wire, size_t at)
{
    size_t len = wire->out.len - at - WIRE_HEAD;

    for (int i = 0; i < WIRE_HEAD; i++)
        wire->out.ptr[at + (size_t)i] = (char)(len >> (8 * i));
}

bool wire_send(Wire *wire, Str frame, Err *err)
{
    assert(wire->stage == WIRE_OPEN);
    if (frame.len > WIRE_FRAME_MAX)
        return err_set(err, ERR_LIMIT, "a frame of %zu bytes is longer than any can be: %d", frame.len,
                       WIRE_FRAME_MAX);
    size_t at = begin_frame(wire);
    secretstream_seal(&wire->stream, frame, &wire->out);
    end_frame(wire, at);
    return true;
}

/* ---- handshake ---- */

static bool write_handshake(Wire *wire, Err *err)
{
    while (noise_writes_next(&wire->noise)) {
        size_t at = begin_frame(wire);

        if (!noise_write(&wire->noise, &wire->out, err))
            return false;
        end_frame(wire, at);
    }
    return true;
}

static void send_header(Wire *wire)
{
    NoiseKeys keys;
    size_t at = begin_frame(wire);

    noise_end(&wire->noise, &keys);
    memcpy(wire->remote, keys.remote, sizeof wire->remote);
    memcpy(wire->hash, keys.hash, sizeof wire->hash);
    secretstream_begin(&wire->stream, &keys, &wire->out);
    noise_keys_wipe(&keys);
    end_frame(wire, at);
    wire->stage = WIRE_HEADER;
}

static bool take_handshake(Wire *wire, Str body, Err *err)
{
    if (!noise_read(&wire->noise, body, err) || !write_handshake(wire, err))
        return err_wrap(err, "the handshake failed");
    if (noise_is_done(&wire->noise))
        send_header(wire);
    return true;
}

void wire_begin_known(Wire *wire, NoiseRole role, const SignPair *own, size_t frame_max,
                      const SignPair *ephemeral)
{
    Err err = {0};

    *wire = (Wire){.role = role, .frame_max = frame_max ? frame_max : WIRE_FRAME_MAX};
    noise_begin(&wire->noise, role, own, ephemeral);
    bool written =
        write_handshake(wire, &err); /* the initiator's first message, which needs no key of the peer's */
    assert(written);
    (void)written;
}

void wire_begin(Wire *wire, NoiseRole role, const SignPair *own, size_t frame_max)
{
    wire_begin_known(wire, role, own, frame_max, NULL);
}

void wire_end(Wire *wire)
{
    noise_wipe(&wire->noise);
    secretstream_wipe(&wire->stream);
    buf_release(&wire->out);
    buf_release(&wire->in);
    buf_release(&wire->plain);
}

/* ---- frames in ---- */

void wire_give(Wire *wire, Str bytes)
{
    buf_consume(&wire->in, wire->in_at);
    wire->in_at = 0;
    buf_put(&wire->in, bytes);
}

static void trim(Wire *wire)
{
    if (wire->in_at == wire->in.len) {
        wire->in_at = 0;
        buf_reset(&wire->in);
        if (wire->in.size > KEEP_BYTES)
            buf_release(&wire->in);
    }
    if (wire->plain.size > KEEP_BYTES)
        buf_release(&wire->plain);
}

static bool check_length(const Wire *wire, size_t len, Err *err)
{
    size_t want = wire->stage == WIRE_HANDSHAKE ? noise_next_bytes(&wire->noise) : SECRETSTREAM_HEADER_BYTES;

    if (wire->stage != WIRE_OPEN)
        return len == want ||
               err_set(
                   err, ERR_CORRUPT,
                   "the peer does not speak this protocol: it began with a frame of %zu bytes instead of %zu",
                   len, want);
    return len <= wire->frame_max + SECRETSTREAM_OVERHEAD ||
           err_set(err, ERR_LIMIT, "the peer announced a frame of %zu bytes; at most %zu are taken",
                   len - SECRETSTREAM_OVERHEAD, wire->frame_max);
}

/* Takes the body of the next frame; *got: it is there whole. */
static bool take_body(Wire *wire, Str *body, bool *got, Err *err)
{
    Str rest = str_sub(buf_str(&wire->in), wire->in_at, wire->in.len);
    size_t len = 0;

    *got = false;
    if (rest.len < WIRE_HEAD)
        return true;
    for (int i = 0; i < WIRE_HEAD; i++)
        len |= (size_t)(unsigned char)rest.ptr[i] << (8 * i);
    if (!check_length(wire, len, err))
        return false;
    if (rest.len - WIRE_HEAD < len)
        return true;
    *body = str_sub(rest, WIRE_HEAD, WIRE_HEAD + len);
    *got = true;
    wire->in_at += WIRE_HEAD + len;
    return true;
}

/* What a body is; an empty frame leaves *event alone. */
static bool take(Wire *wire, Str body, WireEvent *event, Err *err)
{
    switch (wire->stage) {
    case WIRE_HANDSHAKE:
        return take_handshake(wire, body, err);
    case WIRE_HEADER:
        if (!secretstream_accept(&wire->stream, body, err))
            return false;
        wire->stage = WIRE_OPEN;
        *event = WIRE_OPENED;
        return true;
    case WIRE_OPEN:
        if (!secretstream_open(&wire->stream, body, &wire->plain, err))
            return false;
        if (wire->plain.len)
            *event = WIRE_FRAME;
        return true;
    }
    return err_set(err, ERR_BUG, "a wire is at no stage");
}

bool wire_next(Wire *wire, WireEvent *event, Str *frame, Err *err)
{
    WireEvent found = WIRE_MORE;
    Str body;
    bool got;

    do {
        if (!take_body(wire, &body, &got, err) || (got && !take(wire, body, &found, err)))
            return false;
    } while (got && found == WIRE_MORE);
    if (found == WIRE_MORE)
        trim(wire);
    *event = found;
    *frame = found == WIRE_FRAME ? buf_str(&wire->plain) : (Str){0};
    return true;
}
