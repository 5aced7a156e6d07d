/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise -- the handshake of two peers: Noise_XX_Ed25519_ChaChaPoly_BLAKE2b, over bytes alone
 *
 *     initiator                         responder
 *     e                        ->                        32 bytes
 *                              <-       e, ee, s, es     96
 *     s, se                    ->                        64
 *
 * Afterwards both have a key for each direction, the same 64 bytes that name this handshake and no other, and the proof
 * that the peer has the secret of the static key that it showed. There are no payloads and there is no prologue. Keys are
 * points of Ed25519, as in npm noise-curve-ed: the scalar is the clamped first half of SHA-512 of the seed.
 *
 *     noise_begin(&noise, NOISE_INITIATOR, &own, NULL);
 *     while (!noise_is_done(&noise))
 *         noise_writes_next(&noise) ? noise_write(&noise, &out, err) : noise_read(&noise, message, err);
 *     noise_end(&noise, &keys);
 *
 * Secrets are wiped by noise_end() and noise_wipe(); NOISE_SCOPE calls the latter.
 *
 * Source: Noise protocol framework, revision 34, section 5; facts echo 3.2
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "base/buf.h"
#include "crypto/sign.h"

enum { NOISE_KEY_BYTES = 32, NOISE_HASH_BYTES = 64, NOISE_TAG_BYTES = 16, NOISE_MESSAGE_MAX = 96 };

typedef enum NoiseRole { NOISE_INITIATOR, NOISE_RESPONDER } NoiseRole;

typedef struct NoiseKeys {
    NoiseRole role;
    unsigned char hash[NOISE_HASH_BYTES]; /* names this handshake; not secret */
    unsigned char remote[SIGN_PUBLIC_BYTES];
    unsigned char send[NOISE_KEY_BYTES], receive[NOISE_KEY_BYTES];
} NoiseKeys;

typedef struct Noise {
    NoiseRole role;
    int done; /* messages, of three */
    SignPair own, ephemeral;
    unsigned char remote[SIGN_PUBLIC_BYTES], remote_ephemeral[SIGN_PUBLIC_BYTES];
    unsigned char hash[NOISE_HASH_BYTES], chain[NOISE_HASH_BYTES], key[NOISE_KEY_BYTES];
    uint64_t nonce;
    bool keyed;
} Noise;

#define NOISE_SCOPE(name) ATTR_CLEANUP(noise_wipe) Noise name = {0}

/* `own` is the static pair. `ephemeral` is for tests with known bytes; NULL: a new one, as it must be elsewhere. */
void noise_begin(Noise *noise, NoiseRole role, const SignPair *own, const SignPair *ephemeral);

bool noise_is_done(const Noise *noise);
bool noise_writes_next(const Noise *noise);  /* whether the next message is to be written here */
size_t noise_next_bytes(const Noise *noise); /* length of the next message; 0 when done */

/*
 * Put the next message. After a failure the handshake is over.
 *
 * ERR_CORRUPT  the peer's key makes no secret
 */
bool noise_write(Noise *noise, Buf *out, Err *err) ATTR_MUST_USE;

/*
 * Take the peer's message. After a failure the handshake is over.
 *
 * ERR_CORRUPT  it has another length, a key in it is not a point or one of low order, or it was not made by a peer that
 *              has the secrets of its keys and saw what was sent
 */
bool noise_read(Noise *noise, Str message, Err *err) ATTR_MUST_USE;

/* The outcome, once done. The handshake is wiped. */
void noise_end(Noise *noise, NoiseKeys *out);

void noise_wipe(Noise *noise);
void noise_keys_wipe(NoiseKeys *keys);

#endif
