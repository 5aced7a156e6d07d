/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/cipher -- the blocks of an encrypted feed: from plain text to what is kept, signed and sent, and back
 * (docs/format/encryption.md)
 *
 * A block is 8 bytes of padding, which hide the number of the fork, and the plain text under a stream cipher. What is changed in it is
 * not noticed here: the feed's tree and signature are over these bytes. As npm hypercore 10 and 11 have it.
 */
#ifndef FEED_CIPHER_H
#define FEED_CIPHER_H

#include "feed/identity.h"

enum {
    CIPHER_KEY_BYTES = 32,
    CIPHER_PADDING = 8, /* bytes by which a block is longer than its plain text */
};

/* What a reading key is made into, for one feed. */
typedef struct Cipher {
    unsigned char block[CIPHER_KEY_BYTES], blinding[CIPHER_KEY_BYTES];
} Cipher;

#define CIPHER_SCOPE(name) ATTR_CLEANUP(cipher_wipe) Cipher name = {0}

/* `identity` is not anonymous: the keys of a feed with a manifest are others than those of one without. */
void cipher_init(Cipher *out, const FeedIdentity *identity,
                 const unsigned char reading_key[CIPHER_KEY_BYTES]);
void cipher_wipe(Cipher *cipher);

/*
 * Put the block number `number`, as it is appended at that fork: plain.len + CIPHER_PADDING bytes. No other block may ever be put for
 * the same number and fork: whoever sees both sees what they differ in.
 */
void cipher_put(const Cipher *cipher, uint64_t number, uint64_t fork, Str plain, Buf *out);

/*
 * Put the plain text of a block. `fork` is that of the feed: no block of it is of a later one.
 *
 * ERR_DENIED  it was encrypted with another key, or not at all
 */
bool cipher_take(const Cipher *cipher, uint64_t number, uint64_t fork, Str block, Buf *out,
                 Err *err) ATTR_MUST_USE;

#endif
