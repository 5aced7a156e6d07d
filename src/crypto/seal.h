/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal -- a secret that only a key, or a passphrase, opens; bound to text that stays readable
 *
 * Sealed is a random nonce of 24 bytes, then the secret and its tag by XChaCha20-Poly1305 (libsodium;
 * draft-irtf-cfrg-xchacha). A passphrase becomes a key by Argon2id (RFC 9106, one lane).
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/buf.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_SALT_BYTES = 16,
    SEAL_NONCE_BYTES = 24,
    SEAL_TAG_BYTES = 16,
    SEAL_MORE = SEAL_NONCE_BYTES + SEAL_TAG_BYTES, /* by so much is what is sealed longer */
    SEAL_CHECK_BYTES = 16,
    SEAL_PASSES_MAX = 16,
};
#define SEAL_MEMORY_MIN ((uint64_t)8192)
#define SEAL_MEMORY_MAX ((uint64_t)1 << 30)

/* What making a key of a passphrase costs whoever tries one. */
typedef struct SealCost {
    uint64_t memory_bytes; /* SEAL_MEMORY_MIN .. SEAL_MEMORY_MAX */
    uint32_t passes;       /* 1 .. SEAL_PASSES_MAX */
} SealCost;

/* 64 MiB and three passes: the second choice of RFC 9106, section 4. For what is asked for with each command. */
#define SEAL_COST_USUAL ((SealCost){(uint64_t)64 << 20, 3})
/* 256 MiB and three passes, for what leaves the machine. */
#define SEAL_COST_EXPORT ((SealCost){(uint64_t)256 << 20, 3})

/*
 * The key of a passphrase.
 *
 * ERR_LIMIT  the cost is above SEAL_MEMORY_MAX or SEAL_PASSES_MAX, or there is not so much memory
 */
bool seal_derive(Str passphrase, const unsigned char salt[SEAL_SALT_BYTES], SealCost cost,
                 unsigned char out[SEAL_KEY_BYTES], Err *err) ATTR_MUST_USE;

/* Puts `secret` sealed: secret.len + SEAL_MORE bytes. `beside` is what it is bound to, and not put. */
void seal_put(const unsigned char key[SEAL_KEY_BYTES], Str beside, Str secret, Buf *out);

/* Opens what seal_put() put: sealed.len - SEAL_MORE bytes. False, with `out` zero, when it is another key or any byte differs. */
bool seal_take(const unsigned char key[SEAL_KEY_BYTES], Str beside, Str sealed,
               unsigned char *out) ATTR_MUST_USE;

/* BLAKE2b-128: tells bytes that a disk turned from those that somebody else wrote. It protects nothing by itself. */
void seal_check(Str bytes, unsigned char out[SEAL_CHECK_BYTES]);

/* Puts the check of all that is in `buf` from `from` on; and takes it from the end of `bytes`, when it is right. */
void seal_put_check(Buf *buf, size_t from);
bool seal_take_check(Str *bytes) ATTR_MUST_USE;

#endif
