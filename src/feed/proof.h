/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/proof -- what convinces a peer of a block, a node or a longer feed; made, and taken, as hypercore does (facts: echo 3.8)
 *
 * A reader that has a signed head asks for a block and says how far up its own tree reaches; the answer has the siblings on the
 * way there. A reader whose head is older asks for an upgrade; the answer has the nodes that make its roots those of the longer
 * tree, and the signature over them.
 *
 *     feed_prove(feed, &arena, &request, &proof, err);
 *     feed_take(copy, &proof, &taken, err);      checks it; blocks and nodes are in the batch in hand
 *     feed_keep(copy, FEED_BUFFERED, err);       and now they count
 */
#ifndef FEED_PROOF_H
#define FEED_PROOF_H

#include "feed/feed.h"

typedef enum FeedPart { FEED_PART_NONE, FEED_PART_BLOCK, FEED_PART_HASH } FeedPart;

typedef struct FeedRequest {
    uint64_t fork;
    FeedPart part;
    uint64_t index; /* of the block; of the node in the tree */
    uint64_t nodes; /* how many parents to climb from there to a node that the reader has */
    bool seek, upgrade, manifest;
    uint64_t seek_bytes;    /* an offset in the feed */
    uint64_t start, length; /* upgrade: the reader has `start` blocks, and wants `length` more */
} FeedRequest;

enum { FEED_PROOF_NODES_MAX = 128 }; /* in one list; a path or the roots of a tree have at most 62 */

typedef struct FeedNodeList {
    const TreeNode *at;
    size_t count;
} FeedNodeList;

typedef struct FeedProof {
    uint64_t fork;
    FeedPart part;
    uint64_t index;
    Str value;          /* of the block */
    FeedNodeList nodes; /* of part */
    bool seek, upgrade;
    uint64_t seek_bytes;
    FeedNodeList seek_nodes;
    uint64_t start, length;
    FeedNodeList upgrade_nodes;
    FeedNodeList more_nodes; /* from start + length to the head that is signed */
    Str signature;
    Str manifest; /* empty: not sent */
} FeedProof;

/*
 * Answer a request from what is held here. All that `out` points to is in `arena`.
 *
 * ERR_USAGE      the request contradicts itself or the feed's length
 * ERR_CONFLICT   it is for another fork
 * ERR_NOT_FOUND  a block or node that it needs is not held
 * ERR_CORRUPT    what is here is damaged, and would prove nothing
 * ERR_IO
 */
bool feed_prove(Feed *feed, Arena *arena, const FeedRequest *request, FeedProof *out, Err *err) ATTR_MUST_USE;

/* What a proof brought. */
typedef struct FeedTaken {
    bool block;    /* a block that was not held */
    bool upgraded; /* the feed is longer, or of a newer fork */
} FeedTaken;

/*
 * Check a proof and put what it brings into the batch in hand. A block that is held already is left as it is. An upgrade ends the
 * batch at once. So does a newer fork, which is a batch of its own: of the blocks held, those stay that are the same in both, as far as
 * the roots tell: feed_take_fork() keeps more.
 *
 * ERR_CORRUPT   it does not prove what it says: nothing is changed. Hint: the peer lies
 * ERR_CONFLICT  it is about an older fork, or another length than the feed has by now: ask again
 * ERR_LIMIT     the manifest is of an unknown kind
 * ERR_USAGE     the feed is open for reading
 * ERR_IO        the batch in hand is undone
 */
bool feed_take(Feed *feed, const FeedProof *proof, FeedTaken *out, Err *err) ATTR_MUST_USE;

/* How much of the feed here is in a newer fork. */
typedef struct FeedFork {
    uint64_t kept; /* blocks, at least */
    uint64_t
        ask; /* the node of the new tree whose two children would tell more; FEED_FORK_KNOWN: that is all of them */
} FeedFork;

#define FEED_FORK_KNOWN UINT64_MAX

/*
 * Compare the feed with a newer fork, whose head `proof` shows (an upgrade from 0), without changing anything. `learned` has nodes of
 * the new tree, a left child and its sibling one after another: from a root down to the first block that is another, so that what
 * is the same need not be had again. As feed_take(); ERR_CORRUPT also where `learned` is not below the roots.
 */
bool feed_compare_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedFork *out,
                       Err *err) ATTR_MUST_USE;

/* As feed_take(), of a newer fork with what was learned. */
bool feed_take_fork(Feed *feed, const FeedProof *proof, FeedNodeList learned, FeedTaken *out,
                    Err *err) ATTR_MUST_USE;

/*
 * Check an upgrade from 0 by itself, with no feed beside it: the roots at its length, and those of the head that is signed.
 *
 * ERR_CORRUPT  it is not what it says, or not signed
 * ERR_LIMIT    the manifest is of an unknown kind
 */
bool feed_check_head(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *at_length,
                     TreeRoots *head, Err *err) ATTR_MUST_USE;

/*
 * The same of an upgrade from 0 that has a block, whose bytes are in proof->value: it is in the signer's feed, whose signed head is
 * *head. *signer: the identity with what the proof tells of it. ERR_CORRUPT, ERR_LIMIT.
 */
bool feed_check_block(const FeedIdentity *identity, const FeedProof *proof, TreeRoots *head,
                      FeedIdentity *signer, Err *err) ATTR_MUST_USE;

/* Make what was taken count. ERR_IO: it is undone. */
bool feed_keep(Feed *feed, FeedCare care, Err *err) ATTR_MUST_USE;

/*
 * How many parents there are from a node (2 * block for a block) to the first that is known here: what a request says in `nodes`.
 *
 * ERR_IO
 */
bool feed_missing_nodes(Feed *feed, uint64_t index, uint64_t *out, Err *err) ATTR_MUST_USE;

#endif
