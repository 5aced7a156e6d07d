/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/proof_file -- the proof of one block by itself: whoever has it and knows the feed's key needs no feed (docs/format/feed-proof.md)
 *
 *     proof_file_make(feed, 7, &bytes, err);
 *     proof_file_check(buf_str(&bytes), &arena, &what, err);     anywhere, by anybody
 *
 *     offset  size  field
 *     0       8     magic, "STRFEEDP"
 *     8       4     version, 1
 *     12      32    key of the feed
 *     44      4     len
 *     48      len   a 'data' message of hypercore/alpha: the block, an upgrade from 0 to the signed head, the manifest
 */
#ifndef FEED_PROOF_FILE_H
#define FEED_PROOF_FILE_H

#include "feed/log.h"
#include "feed/proof.h"

enum { PROOF_FILE_MAX = FEED_BLOCK_MAX + 64 * 1024 }; /* bytes: a block, and the lists of a proof */

/*
 * Put the proof of a block that is held.
 *
 * ERR_NOT_FOUND  the feed is shorter, or does not hold it
 * ERR_CORRUPT    the block or the tree is damaged; no proof is made that would not be right
 * ERR_IO
 */
bool proof_file_make(Feed *feed, uint64_t block, Buf *out, Err *err) ATTR_MUST_USE;

/* What is proven. */
typedef struct ProofFile {
    unsigned char key[FEED_KEY_BYTES]; /* of the feed: it is for the reader to know whose that is */
    uint64_t block;
    Str bytes;                           /* of the block, as it is kept; in what was checked */
    uint64_t fork, length;               /* of the head that is signed, */
    unsigned char root[TREE_HASH_BYTES]; /* and the hash of its roots */
    unsigned char signer[SIGN_PUBLIC_BYTES];
} ProofFile;

/*
 * ERR_CORRUPT  it is none, or does not prove what it says
 * ERR_LIMIT    it is of a newer version, or the feed of an unknown kind
 */
bool proof_file_check(Str bytes, Arena *arena, ProofFile *out, Err *err) ATTR_MUST_USE;

#endif
