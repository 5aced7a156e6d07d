/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <sodium.h>

#include "crypto/secret.h"

void sign_pair_new(SignPair *out)
{
    secret_ready();
    (void)crypto_sign_keypair(out->public_key, out->secret_key);
}

void sign_pair_from_seed(const unsigned char seed[SIGN_SEED_BYTES], SignPair *out)
{
    secret_ready();
    (void)crypto_sign_seed_keypair(out->public_key, out->secret_key, seed);
}

void sign_wipe(SignPair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

bool sign_public_is_valid(const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
    return crypto_core_ed25519_is_valid_point(public_key) == 1;
}

void sign_make(const SignPair *pair, Str message, unsigned char out[SIGN_BYTES])
{
    (void)crypto_sign_detached(out, NULL, (const unsigned char *)message.ptr, message.len, pair->secret_key);
}

bool sign_check(const unsigned char public_key[SIGN_PUBLIC_BYTES], Str message,
                const unsigned char signature[SIGN_BYTES])
{
    return crypto_sign_verify_detached(signature, (const unsigned char *)message.ptr, message.len,
                                       public_key) == 0;
}
