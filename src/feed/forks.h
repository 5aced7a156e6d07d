/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/forks -- proofs that the signer of a feed has signed two histories of it (docs/format/feed.md)
 *
 * Two heads of one fork disagree when neither is the beginning of the other. That happens to a writer that goes on from an old
 * copy of its feed. The proof is kept beside the feed: the head that was here, and that of the peer with the nodes that show what it
 * has at the length of ours. A feed with such a proof takes no more appends; truncating it begins another fork, which goes on.
 */
#ifndef FEED_FORKS_H
#define FEED_FORKS_H

#include "feed/proof.h"

/*
 * Look at a head that a peer showed from its beginning: an upgrade from 0 to a length that is not more than ours. *forked: it is
 * signed, and of another history; then it is kept, unless it was before. *signed_length: how long the signer's feed was there.
 *
 * ERR_CORRUPT   it is not what it says, or not signed
 * ERR_CONFLICT  it is about another fork or a length that is more than ours
 * ERR_IO        it could not be kept
 */
bool forks_look(Feed *feed, const FeedProof *proof, bool *forked, uint64_t *signed_length,
                Err *err) ATTR_MUST_USE;

/* One that was kept. */
typedef struct ForkProof {
    uint64_t fork;
    uint64_t here, there;                                                  /* lengths of the two heads */
    uint64_t length;                                                       /* at which they were compared */
    unsigned char hash_here[TREE_HASH_BYTES], hash_there[TREE_HASH_BYTES]; /* of the trees at that length */
    Str file;
} ForkProof;

/* All that are kept of a feed, checked again. ERR_IO, ERR_CORRUPT: one is damaged. */
bool forks_list(Feed *feed, Arena *arena, ForkProof **out, size_t *count, Err *err) ATTR_MUST_USE;

/* Whether there is one of the feed's present fork, or one that cannot be read. Where there is none at all: one look at the file system. */
bool forks_freeze(Feed *feed);

#endif
