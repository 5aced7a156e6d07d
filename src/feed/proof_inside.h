/* SPDX-License-Identifier: Apache-2.0 */
/* feed/proof_inside -- what checks a proof and what takes it share */
#ifndef FEED_PROOF_INSIDE_H
#define FEED_PROOF_INSIDE_H

#include "feed/feed_inside.h"
#include "feed/proof.h"

enum { PROOF_PATH_MAX = 6 * FEED_PROOF_NODES_MAX }; /* what is sent in all lists, and what follows from it */

/* A proof that is being checked. */
typedef struct ProofTaking {
    Feed *feed;
    const FeedProof *proof;
    FeedIdentity identity;
    TreeRoots roots;                /* of the feed, and then of the longer one */
    TreeNode nodes[PROOF_PATH_MAX]; /* all that is proven when the proof is right */
    bool sent[PROOF_PATH_MAX];      /* and does not follow from others */
    size_t count;
    TreeNode leaf; /* of the block */
    bool reorg;
} ProofTaking;

/* Against what the feed has; roots, nodes and leaf of `taking` are what the proof says then. ERR_CORRUPT, ERR_CONFLICT, ERR_LIMIT, ERR_IO. */
bool proof_check(ProofTaking *taking, Err *err) ATTR_MUST_USE;

/* One more node that is proven when the proof is right; `sent`: it does not follow from others. ERR_CORRUPT: there are too many. */
bool proof_note(ProofTaking *taking, const TreeNode *node, bool sent, Err *err) ATTR_MUST_USE;

/* ERR_CORRUPT. Always false. */
bool proof_is_wrong(Err *err);

#endif
