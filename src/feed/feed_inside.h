/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed/feed_inside -- what the files of feed.h share: a feed, and the batch in hand
 *
 * A batch gathers records in the log; feed_batch_commit() makes them count, and the state follows. Nodes of the tree that are
 * proven by a signed head are put into the tree at once (feed_batch_learn): they are true whether or not the batch counts. Nodes
 * that the batch itself makes wait in `made` until it does.
 */
#ifndef FEED_FEED_INSIDE_H
#define FEED_FEED_INSIDE_H

#include "feed/feed.h"
#include "feed/nodes.h"

enum { FEED_SOUND_BITS = 9 };

struct Feed {
    const char *path;
    FeedState state;
    FeedHeadFile *head;
    FeedLog *log;
    FeedNodes *nodes;
    bool writable;
    bool frozen;  /* it has forked: forks.h */
    bool pending; /* the batch in hand has records */
    bool behind;  /* tree and head do not have all of the log */

    /* the batch in hand, of an append, of what a peer sent, or of the log that is read again */
    TreeRoots roots;
    FeedIdentity identity;
    uint64_t fork;
    uint64_t held;                 /* blocks, after it */
    uint64_t kept;                 /* blocks that a truncation leaves */
    uint64_t gone_first, gone_end; /* blocks that a clear takes away */
    bool jumped;                   /* it is longer by more than its blocks */
    unsigned char signature[FEED_SIGNATURE_MAX];
    size_t signature_len;
    Buf made; /* of FeedMade, since the last commit */

    /* nodes of this fork that were found to lead to the roots, plus 1, at places that follow from their numbers: climb.h */
    uint64_t sound[1 << FEED_SOUND_BITS], sound_fork;
};

/* A node that comes into being with the batch; a leaf with the place of its block. */
typedef struct FeedMade {
    TreeNode node;
    FeedPlace place;
} FeedMade;

void feed_batch_begin(Feed *feed);

/* The next block, which is at `place`. ERR_LIMIT: the feed is full. */
bool feed_batch_grow(Feed *feed, Str bytes, FeedPlace place, Err *err) ATTR_MUST_USE;

/* A block below the length: its leaf, which has been proven, and where it lies. */
void feed_batch_fill(Feed *feed, const TreeNode *leaf, FeedPlace place);

/* Whether a block is held, or is in the batch. ERR_IO. */
bool feed_batch_has(Feed *feed, uint64_t block, bool *out, Err *err) ATTR_MUST_USE;

/* Blocks from `length` on are gone. Where the roots of that length are not known, feed_batch_roots() has to follow. ERR_IO. */
bool feed_batch_shrink(Feed *feed, uint64_t length, uint64_t fork, Err *err) ATTR_MUST_USE;

/* A longer tree, whose roots a signature has proven. */
void feed_batch_roots(Feed *feed, const TreeRoots *roots);

/* Blocks from `first` up to `end` are no longer held. ERR_IO. */
bool feed_batch_clear(Feed *feed, uint64_t first, uint64_t end, Err *err) ATTR_MUST_USE;

/* A node that is proven, unless it is known already. After a truncation it waits for the batch to count. ERR_IO. */
bool feed_batch_learn(Feed *feed, const TreeNode *node, Err *err) ATTR_MUST_USE;

/* From a proven node upwards: the parents that follow from nodes that are known. ERR_IO. */
bool feed_batch_climb(Feed *feed, TreeNode node, Err *err) ATTR_MUST_USE;

/* The signature of the head that the batch makes. */
void feed_batch_sign(Feed *feed, Str signature);

/* The batch counts: the state follows the log. */
void feed_batch_settle(Feed *feed);

/* Ends the batch: in the log, and so in all. ERR_IO: it is undone. */
bool feed_batch_commit(Feed *feed, FeedCare care, Err *err) ATTR_MUST_USE;
void feed_batch_undo(Feed *feed);

/* Tree, then head: the head says how far the tree is. ERR_IO. */
bool feed_write_derived(Feed *feed, bool sync, Err *err) ATTR_MUST_USE;

/*
 * The file `floor`: the log has to be there from this place on only, so no older head may be taken. ERR_CORRUPT: the head is older.
 * ERR_IO.
 */
bool feed_write_floor(const Feed *feed, Err *err) ATTR_MUST_USE;
bool feed_check_floor(const Feed *feed, Err *err) ATTR_MUST_USE;

/* That place; 0 where there is no such file. ERR_CORRUPT, ERR_IO. */
bool feed_read_floor(const Feed *feed, FeedPlace *out, Err *err) ATTR_MUST_USE;

/* Whether what a clear has left to be done can be read. ERR_CORRUPT, ERR_IO. */
bool feed_check_clearing(const Feed *feed, Err *err) ATTR_MUST_USE;

enum { FEED_IDENTITY_BYTES = 4 + 3 * FEED_KEY_BYTES };

/* As the log has them. */
void feed_put_identity(const FeedIdentity *identity, Buf *out);
bool feed_get_identity(Str body, FeedIdentity *out); /* false: it is none */
void feed_put_node(const TreeNode *node, Buf *out);

/* Give the feed what the log has behind its state. ERR_CORRUPT, ERR_IO. */
bool feed_replay(Feed *feed, Err *err) ATTR_MUST_USE;

#endif
