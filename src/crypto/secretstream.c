/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secretstream.h"

#include <assert.h>
#include <sodium.h>

typedef crypto_secretstream_xchacha20poly1305_state State;

static_assert(sizeof(State) == sizeof((SecretStream){0}.send) && alignof(State) == 1,
              "the state of libsodium");
static_assert(SECRETSTREAM_OVERHEAD == crypto_secretstream_xchacha20poly1305_ABYTES,
              "the overhead of libsodium");
static_assert(SECRETSTREAM_HEADER_BYTES - SECRETSTREAM_ID_BYTES ==
                  crypto_secretstream_xchacha20poly1305_HEADERBYTES,
              "the header of libsodium");

/* The constant of the role is number 0 or 1 of this namespace. */
static void make_id(const NoiseKeys *keys, NoiseRole role, unsigned char out[SECRETSTREAM_ID_BYTES])
{
    static const char name[] = "hyperswarm/secret-stream";
    unsigned char space[33], constant[32];

    (void)crypto_generichash(space, 32, (const unsigned char *)name, sizeof name - 1, NULL, 0);
    space[32] = role == NOISE_INITIATOR ? 0 : 1;
    (void)crypto_generichash(constant, sizeof constant, space, sizeof space, NULL, 0);
    (void)crypto_generichash(out, SECRETSTREAM_ID_BYTES, constant, sizeof constant, keys->hash,
                             sizeof keys->hash);
}

static NoiseRole other(NoiseRole role)
{
    return role == NOISE_INITIATOR ? NOISE_RESPONDER : NOISE_INITIATOR;
}

void secretstream_begin(SecretStream *stream, const NoiseKeys *keys, Buf *out)
{
    unsigned char *to = (unsigned char *)buf_reserve(out, SECRETSTREAM_HEADER_BYTES);

    *stream = (SecretStream){0};
    make_id(keys, keys->role, to);
    make_id(keys, other(keys->role), stream->remote_id);
    memcpy(stream->receive_key, keys->receive, NOISE_KEY_BYTES);
    (void)crypto_secretstream_xchacha20poly1305_init_push((State *)stream->send, to + SECRETSTREAM_ID_BYTES,
                                                          keys->send);
    out->len += SECRETSTREAM_HEADER_BYTES;
}

void secretstream_wipe(SecretStream *stream)
{
    sodium_memzero(stream, sizeof *stream);
}

bool secretstream_accept(SecretStream *stream, Str header, Err *err)
{
    const unsigned char *bytes = (const unsigned char *)header.ptr;

    assert(!stream->open);
    if (header.len != SECRETSTREAM_HEADER_BYTES)
        return err_set(err, ERR_CORRUPT, "the header of the peer's stream has %zu bytes instead of %d",
                       header.len, SECRETSTREAM_HEADER_BYTES);
    if (sodium_memcmp(bytes, stream->remote_id, SECRETSTREAM_ID_BYTES) != 0)
        return err_set(err, ERR_CORRUPT, "the peer's stream is not that of this handshake");
    (void)crypto_secretstream_xchacha20poly1305_init_pull((State *)stream->receive,
                                                          bytes + SECRETSTREAM_ID_BYTES, stream->receive_key);
    sodium_memzero(stream->receive_key, sizeof stream->receive_key);
    stream->open = true;
    return true;
}

void secretstream_seal(SecretStream *stream, Str plain, Buf *out)
{
    unsigned char *to = (unsigned char *)buf_reserve(out, plain.len + SECRETSTREAM_OVERHEAD);

    (void)crypto_secretstream_xchacha20poly1305_push((State *)stream->send, to, NULL,
                                                     (const unsigned char *)plain.ptr, plain.len, NULL, 0,
                                                     crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    out->len += plain.len + SECRETSTREAM_OVERHEAD;
}

bool secretstream_open(SecretStream *stream, Str sealed, Buf *out, Err *err)
{
    unsigned char tag = 0;

    assert(stream->open);
    buf_reset(out);
    if (sealed.len < SECRETSTREAM_OVERHEAD)
        return err_set(err, ERR_CORRUPT, "the peer sent %zu bytes, which is less than any sealed message",
                       sealed.len);
    unsigned char *to = (unsigned char *)buf_reserve(out, sealed.len - SECRETSTREAM_OVERHEAD + 1);
    if (crypto_secretstream_xchacha20poly1305_pull((State *)stream->receive, to, NULL, &tag,
                                                   (const unsigned char *)sealed.ptr, sealed.len, NULL,
                                                   0) != 0 ||
        tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)
        return err_set(err, ERR_CORRUPT, "what the peer sent was not sealed by it, or came in another order");
    out->len = sealed.len - SECRETSTREAM_OVERHEAD;
    return true;
}
