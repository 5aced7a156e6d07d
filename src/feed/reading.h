/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/reading -- the plain text of a feed, encrypted or not: what is read through it is decrypted, what is appended encrypted
 *
 *     reading_open(keys, &about, &reading, err);
 *     reading_append(&reading, feed, &pair, blocks, count, FEED_DURABLE, err);
 *     reading_get(&reading, feed, 0, &bytes, err);
 *     reading_close(&reading);
 *
 * A Reading of zeros is that of a feed that is not encrypted: all passes as it is.
 */
#ifndef FEED_READING_H
#define FEED_READING_H

#include "feed/cipher.h"
#include "feed/store.h"

typedef struct Reading {
    bool encrypted;
    bool ready;  /* the cipher is made, because it is known who the feed is */
    bool proven; /* it opened a block of the feed, or made one */
    unsigned char key[CIPHER_KEY_BYTES];
    Cipher cipher;
} Reading;

#define READING_SCOPE(name) ATTR_CLEANUP(reading_close) Reading name = {0}

/* Whether a feed is encrypted, as far as is known here, and whether it can be read here. Needs no passphrase. */
typedef struct ReadingState {
    bool encrypted, readable;
    bool known; /* encrypted is; somebody else's feed need not tell */
} ReadingState;

ReadingState reading_state(const Keystore *keys, const MetaFeed *about);

/*
 * Get the reading key, where there is one; the keys are opened for that only. A feed whose key is not here counts as encrypted when it
 * is noted as such: who only keeps it does not know.
 *
 * ERR_DENIED   the feed is encrypted, and its reading key is not here; or as keystore_pair()
 * ERR_CORRUPT, ERR_IO
 */
bool reading_open(Keystore *keys, const MetaFeed *about, Reading *out, Err *err) ATTR_MUST_USE;
void reading_close(Reading *reading);

/*
 * Note of a feed that it is encrypted, where its reading key is here, so that it is known when the key is gone. One that is not here is
 * none to note. ERR_IO; ERR_CORRUPT, ERR_LIMIT: as meta_open().
 */
bool reading_note(FeedStore *store, const Keystore *keys, const unsigned char feed[FEED_KEY_BYTES],
                  Err *err) ATTR_MUST_USE;

/*
 * As feed_append(). Unless a block was opened before, the last one has to open: no feed is made that no one key reads.
 *
 * ERR_DENIED  it was encrypted with another key, or not at all
 * ERR_LIMIT   a block is longer than FEED_BLOCK_MAX less CIPHER_PADDING, too
 */
bool reading_append(Reading *reading, Feed *feed, const SignPair *pair, const Str *blocks, size_t count,
                    FeedCare care, Err *err) ATTR_MUST_USE;

/* As feed_get(). ERR_DENIED: the block was encrypted with another key, or not at all, too. */
bool reading_get(Reading *reading, Feed *feed, uint64_t block, Buf *out, Err *err) ATTR_MUST_USE;

#endif
