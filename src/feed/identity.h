/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/identity -- who a feed is: its key, the manifest behind it, and what its head's signature is over
 *
 * A feed has one signer, an Ed25519 key. What stands for the feed is the signer's public key itself (compat, what
 * hypercore 10 makes), or the hash of a manifest that names the signer (what hypercore 11 makes; version 1, quorum 1).
 * Whoever has the key of a feed and its manifest can check every head. Source: facts echo 3.6, 3.7.
 *
 *     hash of the roots  tree_hash()      over all blocks of that length
 *     signable           with a manifest  TREE || key || hash || length || fork   112 bytes
 *                        compat           TREE || hash || length || fork           80 bytes
 *     signature          with a manifest  01 00 || 64 bytes || 00 00               68 bytes
 *                        compat           64 bytes
 */
#ifndef FEED_IDENTITY_H
#define FEED_IDENTITY_H

#include "base/err.h"
#include "crypto/sign.h"
#include "crypto/tree.h"
#include "net/compact.h"

enum {
    FEED_KEY_BYTES = 32,
    FEED_MANIFEST_BYTES = 70, /* of one signer */
    FEED_SIGNATURE_MAX = 68,
};

/* The constants that keep hashes of one purpose from those of another: namespace 'hypercore' of its protocol. */
typedef enum FeedSpace {
    FEED_SPACE_TREE,
    FEED_SPACE_INITIATOR, /* capability of who called, */
    FEED_SPACE_RESPONDER, /* and of who was called */
    FEED_SPACE_MANIFEST,
    FEED_SPACE_DEFAULT,
    FEED_SPACE_ENCRYPTION,
    FEED_SPACE_COUNT,
} FeedSpace;

/* FEED_KEY_BYTES, for ever. */
const unsigned char *feed_space(FeedSpace space);

typedef struct FeedIdentity {
    unsigned char key[FEED_KEY_BYTES];
    unsigned char signer[SIGN_PUBLIC_BYTES];
    unsigned char space[FEED_KEY_BYTES]; /* the signer's namespace; with a manifest only */
    bool compat;
    bool anonymous; /* only the key is known: nobody sent a manifest or a head yet */
} FeedIdentity;

void feed_identity_compat(const unsigned char signer[SIGN_PUBLIC_BYTES], FeedIdentity *out);

/* With the manifest of one signer in the usual namespace, as hypercore 11 makes it by default. */
void feed_identity_new(const unsigned char signer[SIGN_PUBLIC_BYTES], FeedIdentity *out);

/* Of a feed of which only the key is known: whoever has it sends the manifest, or the first head tells that there is none. */
void feed_identity_of_key(const unsigned char key[FEED_KEY_BYTES], FeedIdentity *out);

/*
 * From a manifest that a peer sent for `key`.
 *
 * ERR_CORRUPT  it is not a manifest, or not that of this key
 * ERR_LIMIT    of another version than 1, another hash, or more than one signer
 */
bool feed_identity_read(const unsigned char key[FEED_KEY_BYTES], Str manifest, FeedIdentity *out,
                        Err *err) ATTR_MUST_USE;

/* Puts FEED_MANIFEST_BYTES; nothing for a compat key, or for one that is not known yet. */
void feed_identity_put_manifest(const FeedIdentity *identity, Buf *out);

/* What a feed is called where its key must not be seen; out has FEED_KEY_BYTES. */
void feed_discovery_key(const unsigned char key[FEED_KEY_BYTES], unsigned char *out);

/* A head: so many blocks with these roots; every truncation begins another fork. */
typedef struct FeedHead {
    uint64_t length, fork;
    unsigned char hash[TREE_HASH_BYTES];
} FeedHead;

/* Puts the signature as it goes over the wire. `pair` is the signer's. */
void feed_sign(const FeedIdentity *identity, const SignPair *pair, const FeedHead *head, Buf *out);

/* Whether the feed's signer signed just this head. */
bool feed_signed(const FeedIdentity *identity, const FeedHead *head, Str signature);

#endif
