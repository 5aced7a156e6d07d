/* SPDX-License-Identifier: Apache-2.0 */
/* sign -- Ed25519 key pairs and detached signatures (RFC 8032), by libsodium */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/str.h"

enum { SIGN_SEED_BYTES = 32, SIGN_PUBLIC_BYTES = 32, SIGN_SECRET_BYTES = 64, SIGN_BYTES = 64 };

typedef struct SignPair {
    unsigned char public_key[SIGN_PUBLIC_BYTES];
    unsigned char secret_key[SIGN_SECRET_BYTES]; /* the seed, then the public key */
} SignPair;

#define SIGN_SCOPE(name) ATTR_CLEANUP(sign_wipe) SignPair name = {0}

void sign_pair_new(SignPair *out);
void sign_pair_from_seed(const unsigned char seed[SIGN_SEED_BYTES], SignPair *out);
void sign_wipe(SignPair *pair); /* so that the secret does not stay in memory */

/* Whether this may be somebody's key: a point of the curve, in the one way to write it, of the order that keys have. */
bool sign_public_is_valid(const unsigned char public_key[SIGN_PUBLIC_BYTES]);

void sign_make(const SignPair *pair, Str message, unsigned char out[SIGN_BYTES]);

/* Whether the owner of `public_key` signed just this; false for keys and signatures of low order as well. */
bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], Str message,
                const unsigned char signature[SIGN_BYTES]);

#endif
