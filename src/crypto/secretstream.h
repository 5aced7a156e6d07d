/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretstream -- both directions of an encrypted connection after its handshake, by libsodium
 *
 * Each side first sends a header of 56 bytes: 32 that name its direction (BLAKE2b-256, keyed with the handshake's hash,
 * of a constant for its role), then the 24 of XChaCha20-Poly1305 secretstream. Then every message is sealed with 17
 * bytes more; messages are opened in the order in which they were sealed, and no other. Source: facts echo 3.3
 */
#ifndef CRYPTO_SECRETSTREAM_H
#define CRYPTO_SECRETSTREAM_H

#include "crypto/noise.h"

enum {
    SECRETSTREAM_ID_BYTES = 32,
    SECRETSTREAM_HEADER_BYTES = SECRETSTREAM_ID_BYTES + 24,
    SECRETSTREAM_OVERHEAD = 17,
};

typedef struct SecretStream {
    unsigned char send[52], receive[52]; /* libsodium's states */
    unsigned char remote_id[SECRETSTREAM_ID_BYTES];
    unsigned char receive_key[NOISE_KEY_BYTES]; /* until the peer's header came */
    bool open;                                  /* it came */
} SecretStream;

/* Puts the own header. From then on messages can be sealed. */
void secretstream_begin(SecretStream *stream, const NoiseKeys *keys, Buf *out);
void secretstream_wipe(SecretStream *stream);

/*
 * Take the peer's header, once.
 *
 * ERR_CORRUPT  it has another length, or names another handshake or direction
 */
bool secretstream_accept(SecretStream *stream, Str header, Err *err) ATTR_MUST_USE;

/* Puts plain.len + SECRETSTREAM_OVERHEAD bytes. */
void secretstream_seal(SecretStream *stream, Str plain, Buf *out);

/*
 * Replace what is in `out` by what was sealed.
 *
 * ERR_CORRUPT  it is not the next message of the peer; no more can be opened
 */
bool secretstream_open(SecretStream *stream, Str sealed, Buf *out, Err *err) ATTR_MUST_USE;

#endif
